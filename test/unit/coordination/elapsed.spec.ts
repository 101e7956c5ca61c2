import assert from 'node:assert/strict';
import { ElapsedClock } from '../../../src/coordination/elapsed';

describe('The clock that counts suspensions', () => {
  let at: { monotonic: number; wall: number; boot: number };
  let looks: number;
  let clock: ElapsedClock;

  /** The machine runs for so long. */
  const run = (ms: number) => {
    for (const name of ['monotonic', 'wall', 'boot'] as const) at[name] += ms;
  };
  /** It is suspended for so long. */
  const suspend = (ms: number) => {
    at.wall += ms;
    at.boot += ms;
  };

  beforeEach(() => {
    at = { monotonic: 1000, wall: 1_700_000_000_000, boot: 90_000 };
    looks = 0;
    const boot = () => {
      looks++;
      return at.boot;
    };
    clock = new ElapsedClock({ monotonic: () => at.monotonic, wall: () => at.wall, boot }, 50);
    looks = 0;
  });

  it('is the monotonic one while the machine runs, and looks at nothing dear', () => {
    for (let i = 0; i < 1000; i++) {
      run(10);
      assert.equal(clock.now(), at.monotonic);
    }
    assert.equal(looks, 0);
  });

  it('counts each suspension, once', () => {
    suspend(60_000);
    assert.equal(clock.now(), 61_000);
    run(5);
    assert.equal(clock.now(), 61_005);
    suspend(3_600_000);
    assert.equal(clock.now(), 3_661_005);
    assert.equal(clock.onMonotonic(clock.now()), at.monotonic);
    assert.equal(looks, 2);
  });

  it('does not believe a wall clock that is set forward or back', () => {
    for (const step of [3_600_000, -7_200_000, 500]) {
      at.wall += step;
      run(10);
      assert.equal(clock.now(), at.monotonic);
    }
  });

  it('counts a suspension after which the wall clock is set back', () => {
    suspend(60_000);
    at.wall -= 90_000;
    assert.equal(clock.now(), 61_000);
  });

  it('does not take what it cannot measure for a suspension', () => {
    at.wall += 1000;
    at.boot += 50;
    assert.equal(clock.now(), at.monotonic);
  });
});
