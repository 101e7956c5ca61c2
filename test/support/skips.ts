/** Tests that this machine cannot run; `scripts/skipped.mjs` counts them at the end. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './node-red';

export interface Skip {
  /** What keeps the tests from running. */
  why: string;
  /** What to do about it. */
  remedy: string;
}

/** One JSON object a line. A build begins with an empty `dist`, so these are the skips since then. */
const FILE = join(ROOT, 'dist', 'skipped.jsonl');

/** Call it in `before`: skips the suite, loudly. */
export function skipSuite(context: Mocha.Context, { why, remedy }: Skip): never {
  const tests = context.runnable().parent?.total() ?? 0;
  appendFileSync(FILE, `${JSON.stringify({ why, remedy, tests })}\n`);
  console.warn(`\n    !! SKIPPED: ${why} (${remedy})\n`);
  return context.skip();
}

/** The same for a program that is not there; in CI, where everything can be installed, the suite fails instead. */
export function skipWithout(context: Mocha.Context, skip: Skip): never {
  if (process.env.CI) throw new Error(`${skip.why}; CI needs it (${skip.remedy})`);
  return skipSuite(context, skip);
}
