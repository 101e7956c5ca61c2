/** Lists the findings in this checkout, or in the one named; `--count` counts them by rule and by file. */
import { ROOT } from '../support/node-red';
import { byRule, lint, measure } from './linter';

const names = process.argv.slice(2);
const root = names.find((name) => !name.startsWith('--')) ?? ROOT;
const findings = lint(root);
if (names.includes('--count')) {
  const files: Record<string, number> = {};
  for (const { file } of findings) files[file] = (files[file] ?? 0) + 1;
  process.stdout.write(
    `${JSON.stringify({ rules: byRule(findings), files, figures: measure(root) }, null, 2)}\n`,
  );
} else {
  for (const { file, line, rule, text } of findings)
    process.stdout.write(`${file}:${line}: ${rule}: ${text}\n`);
}
process.exitCode = findings.length === 0 ? 0 : 1;
