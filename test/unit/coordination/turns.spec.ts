/** Who acquires a lock next. */
import assert from 'node:assert/strict';
import { Turns } from '../../../src/coordination/turns';

type Event = { announced: string; roundTrip?: number } | { left: string } | { acquired: string };

const CASES: { title: string; events: Event[]; delays: Record<string, number> }[] = [
  { title: 'a lone waiter may try at once', events: [], delays: { a: 0 } },
  {
    title: 'waiters have their turns in the order of their announcements',
    events: [{ announced: 'a' }, { announced: 'b' }, { announced: 'c' }],
    delays: { a: 0, b: 300, c: 600 },
  },
  {
    title: 'a waiter that is not announced is behind all others',
    events: [{ announced: 'a' }, { announced: 'b' }],
    delays: { stranger: 600 },
  },
  {
    title: 'a waiter that announces itself twice keeps its place',
    events: [{ announced: 'a' }, { announced: 'b' }, { announced: 'a' }],
    delays: { a: 0, b: 300 },
  },
  {
    title: 'a waiter that acquired the lock is behind the others when it waits again',
    events: [{ announced: 'a' }, { announced: 'b' }, { acquired: 'a' }, { announced: 'a' }],
    delays: { b: 0, a: 300 },
  },
  {
    title: 'waiters before one that acquired the lock missed their turn',
    events: [{ announced: 'a' }, { announced: 'b' }, { announced: 'c' }, { acquired: 'b' }],
    delays: { c: 0 },
  },
  {
    title: 'an acquisition by a client that never announced itself changes no order',
    events: [{ announced: 'a' }, { announced: 'b' }, { acquired: 'stranger' }],
    delays: { a: 0, b: 300 },
  },
  {
    title: 'a waiter that gave up is not waited for',
    events: [{ announced: 'a' }, { announced: 'b' }, { left: 'a' }],
    delays: { b: 0 },
  },
  {
    title: 'a far waiter has the time that it needs',
    events: [{ announced: 'far', roundTrip: 400 }, { announced: 'near' }],
    delays: { far: 0, near: 1200 },
  },
];

describe('The turns of a lock', () => {
  for (const { title, events, delays } of CASES) {
    it(`: ${title}`, () => {
      const turns = new Turns();
      for (const event of events) {
        if ('announced' in event) turns.announced({ id: event.announced, roundTrip: event.roundTrip ?? 1 });
        else if ('left' in event) turns.left(event.left);
        else if ('acquired' in event) turns.acquired(event.acquired);
      }
      const found = Object.fromEntries(
        Object.keys(delays).map((id) => [id, Math.floor(turns.delayOf({ id, roundTrip: 0 }) / 300) * 300]),
      );
      assert.deepEqual(found, delays);
    });
  }

  it(': only the next waiter is overtaken, and only by a client that never announced itself', () => {
    const turns = new Turns();
    for (const id of ['a', 'b']) turns.announced({ id, roundTrip: 1 });
    assert.deepEqual(
      [turns.isOvertaken('a', 'stranger'), turns.isOvertaken('a', 'b'), turns.isOvertaken('b', 'stranger')],
      [true, false, false],
    );
    assert.deepEqual([turns.hasOther('a'), turns.hasOther('c')], [true, true]);
    turns.acquired('b');
    assert.deepEqual([turns.has('a'), turns.has('b'), turns.hasOther('a')], [false, false, false]);
  });
});
