import assert from 'node:assert/strict';
import { Deadlines } from '../../../src/client/deadlines';
import { Pending } from '../../../src/client/pending';
import { Request } from '../../../src/client/request';

/** A request that began `later` milliseconds from now. */
function pending(timeout: number, later = 0): Pending {
  const request = new Request('get', 'key', () => undefined, {}, timeout);
  const ignore = () => undefined;
  return new Pending(request, [], ignore, ignore, performance.now() + later);
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

/** Deadlines, and their events: resolves with the ended requests, once there are as many as expected. */
function watch(count: number): { deadlines: Deadlines; told: Promise<Pending[]> } {
  const told: Pending[] = [];
  let finish: (all: Pending[]) => void;
  const all = new Promise<Pending[]>((resolve) => {
    finish = resolve;
  });
  const deadlines = new Deadlines((one) => {
    assert.ok(performance.now() >= one.deadline, 'nobody is told before the time is over');
    told.push(one);
    if (told.length === count) finish(told);
  });
  return { deadlines, told: all };
}

describe('Deadlines', () => {
  it('are reported in the order of their times, for any order of requests', async () => {
    const { deadlines, told } = watch(6);
    const [late, early, middle] = [pending(60), pending(5), pending(30)];
    const seconds = [pending(60), pending(5), pending(30)];
    const expected = [early, seconds[1], middle, seconds[2], late, seconds[0]];
    for (const one of [late, early, middle, ...seconds]) deadlines.add(one);
    assert.deepEqual(
      (await told).map((one) => expected.indexOf(one)),
      [0, 1, 2, 3, 4, 5],
    );
  });

  it('do not come for what was removed, first, last or in between', async () => {
    const { deadlines, told } = watch(2);
    const all = Array.from({ length: 5 }, () => pending(10));
    for (const one of all) deadlines.add(one);
    for (const index of [2, 0, 4, 2]) deadlines.remove(all[index] as Pending);
    assert.deepEqual(
      (await told).map((one) => all.indexOf(one)),
      [1, 3],
    );
  });

  it('come at their own time where the ones before them were removed', async () => {
    const { deadlines, told } = watch(1);
    const [first, second] = [pending(10), pending(10, 30)];
    deadlines.add(first);
    deadlines.add(second);
    deadlines.remove(first);
    assert.deepEqual(await told, [second]);
  });

  it('come also where all that was waited for before had been removed', async () => {
    for (const timeouts of [
      [5, 5],
      [5, 7],
      [7, 5, 9],
    ]) {
      const { deadlines, told } = watch(timeouts.length);
      for (const timeout of timeouts) {
        const answered = pending(timeout);
        deadlines.add(answered);
        deadlines.remove(answered);
      }
      const all = timeouts.map((timeout) => pending(timeout));
      for (const one of all) deadlines.add(one);
      assert.deepEqual(new Set(await told), new Set(all));
    }
  });

  it('need one timer for all of the same timeout, and nothing holds the process when nothing is left', () => {
    const before = timers();
    const { deadlines } = watch(1);
    const all = Array.from({ length: 1000 }, (_, index) => pending(index % 2 === 0 ? 60_000 : 50_000));
    for (let turn = 0; turn < 2; turn++) {
      for (const one of all) deadlines.add(one);
      assert.equal(timers(), before + 2);
      for (const one of all) deadlines.remove(one);
      assert.equal(timers(), before);
    }
  });
});
