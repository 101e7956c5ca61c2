/** Runs after suites of `npm test` that ran side by side, if one of them failed: prints each failed test again, since it is far up by then. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../dist/failed.jsonl', import.meta.url));
const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
console.log(
  lines.length === 0
    ? '\nA suite failed without a failed test: see above.'
    : `\n${lines.length} tests FAILED:`,
);
for (const line of lines) {
  const { title, error } = JSON.parse(line);
  console.log(`\n!! ${title}\n   ${error.split('\n').slice(0, 8).join('\n   ')}`);
}
process.exitCode = 1;
