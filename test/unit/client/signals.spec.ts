import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { Signals } from '../../../src/client/signals';

describe('Signals', () => {
  it('have one listener, as long as a request heeds them', () => {
    const { signal } = new AbortController();
    const signals = new Signals(() => assert.fail('nobody aborted'));
    const listeners = () => getEventListeners(signal, 'abort').length;
    for (let i = 0; i < 1000; i++) signals.add(signal);
    assert.equal(listeners(), 1);
    for (let i = 0; i < 999; i++) signals.remove(signal);
    assert.equal(listeners(), 1);
    signals.remove(signal);
    assert.equal(listeners(), 0);
    signals.add(signal);
    assert.equal(listeners(), 1);
  });

  it('are told apart when they are aborted', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const told: AbortSignal[] = [];
    const signals = new Signals((signal) => told.push(signal));
    for (const { signal } of [one, one, other]) signals.add(signal);
    one.abort();
    assert.deepEqual(told, [one.signal]);
    signals.remove(one.signal);
    signals.remove(one.signal);
    other.abort();
    assert.deepEqual(told, [one.signal, other.signal]);
  });
});
