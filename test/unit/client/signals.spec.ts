import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { Pending } from '../../../src/client/pending';
import { Request } from '../../../src/client/request';
import { Signals } from '../../../src/client/signals';

function pending(signal: AbortSignal): Pending {
  const ignore = () => undefined;
  return new Pending(new Request('get', 'key', () => undefined, { signal }, 1000), [], ignore, ignore, 0);
}

describe('Signals', () => {
  it('have one listener, as long as a request has the signal', () => {
    const { signal } = new AbortController();
    const signals = new Signals(() => assert.fail('no signal was aborted'));
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
    const aborted: Pending[] = [];
    const signals = new Signals((request) => {
      aborted.push(request);
      request.phase = 'settled';
    });
    const listeners = () => getEventListeners(signal, 'abort').length;
    const end = signals.keep(signal);
    const [one, other] = [pending(signal), pending(signal)];
    signals.add(one);
    signals.remove(one);
    assert.equal(listeners(), 1);
    signals.add(other);
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
    });
    const all = [one, one, other].map(({ signal }) => pending(signal));
    for (const request of all) signals.add(request);
    one.abort();
    assert.deepEqual(aborted, all.slice(0, 2));
    other.abort();
    assert.deepEqual(aborted, all);
    assert.equal(getEventListeners(one.signal, 'abort').length, 0);
  });

  it('abort requests that wait before those in flight, whose places they would get otherwise', () => {
    const { signal } = new AbortController();
    const [published, waiting] = [pending(signal), pending(signal)];
    published.phase = 'published';
    const aborted: Pending[] = [];
    const signals = new Signals((request) => {
      aborted.push(request);
      request.phase = 'settled';
    });
    for (const request of [published, waiting]) signals.add(request);
    signal.dispatchEvent(new Event('abort'));
    assert.deepEqual(aborted, [waiting, published]);
  });
});
