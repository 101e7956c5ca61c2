/** The last step of `npm test`: says what test/support/skips.ts recorded, and nothing when no test was skipped. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../dist/skipped.jsonl', import.meta.url));
const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
const remedies = new Map();
for (const line of lines) {
  const { why, remedy, tests } = JSON.parse(line);
  const skips = remedies.get(remedy) ?? { tests: 0, reasons: new Set() };
  skips.tests += tests;
  remedies.set(remedy, { tests: skips.tests, reasons: skips.reasons.add(why) });
}
for (const [remedy, { tests, reasons }] of remedies) {
  console.log(`!! ${tests} tests were SKIPPED: ${[...reasons].join('; ')}. To run them: ${remedy}`);
}
