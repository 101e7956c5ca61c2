/**
 * Histories of calls under faults, checked for linearizability.
 *
 *   npm run histories -- [--seconds 600] [--runs 1] [--seed N] [--repeats executed|recognised]
 *
 * Every run has the seed after that of the run before. `--repeats` selects how the emulator handles a repeated request.
 */
import { parseArgs } from 'node:util';
import { repeatsOf, wholeNumber } from './arguments';
import { isGood, report, runHistory } from './run';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '600' },
      runs: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000)) },
      repeats: { type: 'string', default: 'executed' },
    },
  });
  const [seconds, runs, seed] = [
    wholeNumber('seconds', values.seconds),
    wholeNumber('runs', values.runs),
    wholeNumber('seed', values.seed),
  ];
  const repeats = repeatsOf(values.repeats);
  let bad = 0;
  for (let run = 0; run < runs; run++) {
    const options = { seed: seed + run, seconds, repeats };
    const result = await runHistory(options);
    console.log(report(options, result));
    if (!isGood(result)) bad++;
  }
  console.log(`${bad} of ${runs} runs with faults of the client or the emulator`);
  process.exit(bad === 0 ? 0 : 1);
}

main().catch((error: Error) => {
  console.error(`histories: ${error.message}`);
  process.exit(2);
});
