/** The fuzzer of `npm run fuzz`, for a moment: longer runs are for a person. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../support/node-red';

const SECONDS = 1;
const SEED = 1;

describe('Damaged messages and sessions', () => {
  it('crash nothing, and every other answer stays right', async () => {
    const fuzz = join(ROOT, 'dist', 'bench', 'fuzz.js');
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--expose-gc',
      fuzz,
      String(SECONDS),
      String(SEED),
    ]);
    const [, messages, sessions, answers, wrong] =
      /^seed 1: (\d+) damaged messages, (\d+) damaged sessions, (\d+) answers, (\d+) wrong/.exec(stdout) ??
      [];
    assert.equal(wrong, '0', stdout);
    for (const count of [messages, sessions, answers]) assert.ok(Number(count) > 0, stdout);
  });
});
