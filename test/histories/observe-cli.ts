/**
 * An observer whose session is resumed with old notifications in it.
 *
 *   npm run histories:observe -- [--rounds 50] [--keys 100] [--seed N] [--repeats executed|recognised]
 */
import { parseArgs } from 'node:util';
import { repeatsOf, wholeNumber } from './arguments';
import { describeRounds, observeRounds } from './observer-rounds';

/** How soon every key must be right. */
const PATIENCE_MS = 1000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '50' },
      keys: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000)) },
      repeats: { type: 'string', default: 'executed' },
    },
  });
  const options = {
    rounds: wholeNumber('rounds', values.rounds),
    keys: wholeNumber('keys', values.keys),
    seed: wholeNumber('seed', values.seed),
    repeats: repeatsOf(values.repeats),
    patience: PATIENCE_MS,
  };
  const result = await observeRounds(options);
  console.log(describeRounds(options, result));
  const { wrong, outOfOrder, twice, invented } = result;
  process.exit(wrong + outOfOrder + twice + invented === 0 ? 0 : 1);
}

main().catch((error: Error) => {
  console.error(`histories:observe: ${error.message}`);
  process.exit(2);
});
