import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Pending } from '../../../src/client/pending';
import { Request } from '../../../src/client/request';
import { Signals } from '../../../src/client/signals';

function pending(signal: AbortSignal, items: string[] = []): Pending {
  const ignore = () => undefined;
  return new Pending(new Request('get', 'key', () => undefined, { signal }, 1000), items, ignore, ignore, 0);
}

const none = () => [];

/** A function that collects the young objects only. */
function minorCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
  return () => collect({ type: 'minor' });
}

/** Bytes of the objects that survived collections of young objects. */
function oldBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space');
  return space?.space_used_size ?? Number.NaN;
}

describe('Signals', () => {
  it('have one listener, as long as a request has the signal', () => {
    const { signal } = new AbortController();
    const signals = new Signals(() => assert.fail('no signal was aborted'), none);
    const listeners = () => getEventListeners(signal, 'abort').length;
    const all = Array.from({ length: 1000 }, () => pending(signal));
    for (const one of all) signals.add(one);
    assert.equal(listeners(), 1);
    for (const one of all.slice(1)) signals.remove(one);
    assert.equal(listeners(), 1);
    signals.remove(all[0] as Pending);
    assert.equal(listeners(), 0);
    signals.add(all[0] as Pending);
    assert.equal(listeners(), 1);
  });

  it('keep the listener of a signal between its requests until it is released', () => {
    const controller = new AbortController();
    const { signal } = controller;
    const [one, other, foreign] = [pending(signal), pending(signal), pending(new AbortController().signal)];
    const aborted: Pending[] = [];
    const signals = new Signals(
      (request) => {
        aborted.push(request);
        request.phase = 'settled';
      },
      () => [foreign, other],
    );
    const listeners = () => getEventListeners(signal, 'abort').length;
    const end = signals.keep(signal);
    signals.add(one);
    signals.remove(one);
    assert.equal(listeners(), 1);
    signals.add(other);
    signals.add(foreign);
    controller.abort();
    assert.deepEqual(aborted, [other]);
    signals.remove(other);
    end();
    assert.equal(listeners(), 0);
  });

  it('abort their own requests only, each once, also if others are removed meanwhile', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const aborted: Pending[] = [];
    const signals = new Signals((request) => {
      aborted.push(request);
      request.phase = 'settled';
      signals.remove(request);
    }, none);
    const all = [one, one, other].map(({ signal }) => pending(signal));
    for (const request of all) signals.add(request);
    one.abort();
    assert.deepEqual(aborted, all.slice(0, 2));
    other.abort();
    assert.deepEqual(aborted, all);
    assert.equal(getEventListeners(one.signal, 'abort').length, 0);
  });

  it('keep no request in memory that is over, not even until a full garbage collection', () => {
    const { signal } = new AbortController();
    const signals = new Signals(() => undefined, none);
    signals.add(pending(signal));
    const collectYoung = minorCollector();
    // The signal and its list become old objects.
    for (let i = 0; i < 3; i++) collectYoung();
    const open: Pending[] = [];
    const before = oldBytes();
    for (let i = 0; i < 5000; i++) {
      const one = pending(signal, new Array<string>(500).fill(''));
      signals.add(one);
      open.push(one);
      if (open.length > 16) signals.remove(open.shift() as Pending);
      if (i % 100 === 0) collectYoung();
    }
    // All requests have 20 MB.
    const grown = oldBytes() - before;
    assert.ok(grown < 4e6, `${grown} bytes`);
  });

  it('abort requests that wait before those in flight, whose places they would get otherwise', () => {
    const { signal } = new AbortController();
    const [published, waiting] = [pending(signal), pending(signal)];
    published.phase = 'published';
    const aborted: Pending[] = [];
    const signals = new Signals((request) => {
      aborted.push(request);
      request.phase = 'settled';
    }, none);
    for (const request of [published, waiting]) signals.add(request);
    signal.dispatchEvent(new Event('abort'));
    assert.deepEqual(aborted, [waiting, published]);
  });
});
