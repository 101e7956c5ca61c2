/** Checks the subjects of commits: node scripts/subjects.mjs RANGE. Imperative, at most 72 characters, no full stop. */
import { execFileSync } from 'node:child_process';

const [range = 'HEAD~1..HEAD'] = process.argv.slice(2);
const subjects = execFileSync('git', ['log', '--no-merges', '--format=%s', range, '--'], { encoding: 'utf8' })
  .split('\n')
  .filter(Boolean);
const wrong = subjects.flatMap((subject) => {
  if (subject.length > 72) return [`${subject.length} characters, at most 72: ${subject}`];
  if (!/^[A-Z]/.test(subject)) return [`begins without a capital letter: ${subject}`];
  if (subject.endsWith('.')) return [`ends with a full stop: ${subject}`];
  if (/^(The|A|An|It|What|Who|This|No|Added|Changed|Fixed|Removed|Updated|Adding|Fixing)\b/.test(subject))
    return [`is not an imperative: ${subject}`];
  return [];
});
for (const text of wrong) process.stderr.write(`${text}\n`);
process.exitCode = wrong.length === 0 ? 0 : 1;
