import assert from 'node:assert/strict';
import { GatheredStatus } from '../../../../src/node-red/behaviour/gathered-status';

describe('A status that many requests change', () => {
  it('is shown twice for a thousand requests that end together, the last time with all of them', () => {
    const shown: number[] = [];
    let observed = 0;
    const status = new GatheredStatus(() => shown.push(observed));
    for (let i = 0; i < 1000; i++) status.begin();
    for (let i = 0; i < 1000; i++) {
      observed++;
      status.end();
      status.changed();
    }
    status.stop();
    assert.deepEqual(shown, [1, 1000]);
  });

  it('is shown at once if no request is under way', () => {
    let shown = 0;
    const status = new GatheredStatus(() => shown++);
    status.changed();
    status.changed();
    assert.equal(shown, 2);
  });

  it('is shown later if the last request fails, which changes nothing', async () => {
    const shown: number[] = [];
    let observed = 0;
    await new Promise<void>((resolve) => {
      const status = new GatheredStatus(() => {
        if (shown.push(observed) === 2) resolve();
      });
      for (let i = 0; i < 3; i++) status.begin();
      for (let i = 0; i < 2; i++) {
        observed++;
        status.end();
        status.changed();
      }
      status.end();
    });
    assert.deepEqual(shown, [1, 2]);
  });
});
