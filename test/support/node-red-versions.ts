/** The versions of Node-RED that the package is tested in. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type NodeRedOptions, ROOT } from './node-red';

const NODE_RED_5 = join(ROOT, 'test', 'node-red-5');

/** Node-RED 5 needs a newer Node.js; both are installed beside the project the first time. */
function nodeRed5(): NodeRedOptions {
  const node = join(NODE_RED_5, 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(node)) {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: NODE_RED_5, stdio: 'ignore' });
  }
  return { node, from: NODE_RED_5 };
}

/** By the beginning of the version. */
export const VERSIONS: Record<'4.1' | '5.0', () => NodeRedOptions> = { '4.1': () => ({}), '5.0': nodeRed5 };
