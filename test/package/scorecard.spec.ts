/** What the Flow Library says of the package: the rules of node-red-dev. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../support/node-red';
import { VERSIONS } from '../support/node-red-versions';

const run = promisify(execFile);
const SCORECARD = join(ROOT, 'test', 'scorecard');
/** https://nodered.org/docs/creating-nodes/scorecard; P02 is switched off in node-red-dev. */
const RULES = ['P01', 'P03', 'P04', 'P05', 'P06', 'P07', 'P08', 'N01', 'N02', 'D01', 'D02', 'D03'];

describe("The Flow Library's scorecard", () => {
  it('has no fault', async () => {
    const program = join(SCORECARD, 'node_modules', 'node-red-dev', 'bin', 'run');
    if (!existsSync(program)) {
      execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
        cwd: SCORECARD,
        stdio: 'ignore',
      });
    }
    VERSIONS['5.0'](); // Installs it, so that its version is known.
    const directory = mkdtempSync(join(tmpdir(), 'scorecard-'));
    try {
      const file = join(directory, 'scorecard.json');
      const web = join(__dirname, 'scorecard-web.js');
      const args = ['--require', web, program, 'validate', '--output', file];
      const { stdout, stderr } = await run(process.execPath, args, { cwd: ROOT });
      const { package: _, ...rules } = JSON.parse(readFileSync(file, 'utf8')) as Record<
        string,
        { test: boolean }
      >;
      assert.deepEqual(Object.keys(rules).sort(), [...RULES].sort(), stdout + stderr);
      const failed = Object.entries(rules).filter(([, { test }]) => !test);
      assert.deepEqual(failed, [], stdout + stderr);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
