import assert from 'node:assert/strict';
import { describeRounds, observeRounds } from '../histories/observer-rounds';
import { REPEATS } from '../support/emulator-process';

describe('An observer whose session is resumed with old notifications in it', () => {
  it('knows the value of every key in the end, and reports every change once and in order', async () => {
    const seed = 1 + Math.floor(Math.random() * 1_000_000);
    const options = { seed, rounds: 5, keys: 100, repeats: REPEATS[0] ?? 'executed', patience: 20_000 };
    const result = await observeRounds(options);
    const text = describeRounds(options, result);
    console.log(`        ${text.split('\n')[0]}`);
    const { wrong, outOfOrder, twice, invented } = result;
    assert.deepEqual(
      { wrong, outOfOrder, twice, invented },
      { wrong: 0, outOfOrder: 0, twice: 0, invented: 0 },
      `npm run histories:observe -- --seed ${seed}\n${text}`,
    );
  });
});
