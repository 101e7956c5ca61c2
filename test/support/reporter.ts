/** Mocha's `spec` reporter, which also records each failed test. `scripts/failed.mjs` prints them again after suites that ran side by side. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runner, reporters } from 'mocha';

/** One JSON object a line. A build begins with an empty `dist`, so these are the failures since then. */
const FILE = join(__dirname, '..', '..', 'failed.jsonl');

class Reporter extends reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.on(Runner.constants.EVENT_TEST_FAIL, (test, error) => {
      const record = { file: test.file, title: test.fullTitle(), error: String(error?.stack ?? error) };
      appendFileSync(FILE, `${JSON.stringify(record)}\n`);
    });
  }
}

module.exports = Reporter;
