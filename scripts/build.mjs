/** Compiles the TypeScript into dist/ and puts the files the editor loads beside the compiled nodes. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], { stdio: 'inherit' });
for (const folder of ['nodes', 'plugins'])
  cpSync(folder, `dist/${folder}`, { recursive: true, filter: (source) => !source.endsWith('.ts') });
chmodSync('dist/src/emulator/cli.js', 0o755);
