/** Elections of several clients on one emulator. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Election } from '../../src/coordination/index';
import type { Emulator } from '../../src/emulator/index';
import type { StateStoreClient } from '../../src/index';
import { isNewer, useClients } from '../support/clients-suite';
import type { FaultProxy } from '../support/fault-proxy';
import { freePort } from '../support/ports';

describe('An election', () => {
  const suite = useClients();
  const { client, stored } = suite;
  let emulator: Emulator;
  let proxy: FaultProxy;
  let a: StateStoreClient;
  let b: StateStoreClient;
  beforeEach(() => {
    ({ emulator, proxy, a, b } = suite);
  });

  const candidate = (one: StateStoreClient, name: string, duration = 1000) => {
    const election = new Election(one, 'role', { name, duration });
    election.start();
    return election;
  };
  const until = async (election: Election, is: () => boolean) => {
    while (!is()) await once(election, 'change');
  };

  it('has one active candidate, whom the others know, and passes on by resign and close', async () => {
    const left = candidate(a, 'left');
    await until(left, () => left.active);
    const right = candidate(b, 'right');
    await until(right, () => right.state.holder === 'left');
    assert.deepEqual(
      [left.state, right.state],
      [
        { state: 'active', holder: 'left' },
        { state: 'standby', holder: 'left' },
      ],
    );
    const { token } = left;
    await left.resign();
    assert.deepEqual([left.active, left.token], [false, undefined]);
    await until(right, () => right.active);
    await until(left, () => left.state.holder === 'right');
    assert.ok(isNewer(right.token, token));
    await right.close();
    await until(left, () => left.active);
    assert.equal(right.active, false);
    await left.close();
    assert.equal(await stored('role'), undefined);
  });

  it('acquires the role again after it resigned, if no other candidate wants it', async () => {
    const only = candidate(a, 'only');
    await until(only, () => only.active);
    await only.resign();
    await until(only, () => only.active);
    await only.close();
  });

  it('leaves no request behind when it is closed without a connection', async () => {
    const nowhere = client(await freePort());
    const election = candidate(nowhere, 'nowhere', 60_000);
    await election.close(1);
    assert.equal(nowhere.waiting, 0);
  });

  it('that is on standby ends at once when its client is closed, so that the process can end', async () => {
    const left = candidate(a, 'left', 60_000);
    await until(left, () => left.active);
    const closed = client();
    const right = candidate(closed, 'right', 60_000);
    await until(right, () => right.state.holder === 'left');
    // By the time of this answer it waits.
    await closed.get('k');
    const ended = once(right, 'trouble');
    await closed.close();
    const [error] = await Promise.race([ended, pause(1000, [])]);
    assert.equal(error?.code, 'CLOSED');
  });

  it('that resigned does not wait once another candidate has had the role and released it', async () => {
    const left = candidate(a, 'left', 60_000);
    await until(left, () => left.active);
    const right = candidate(b, 'right', 60_000);
    await until(right, () => right.state.holder === 'left');
    const resigned = left.resign();
    await until(right, () => right.active);
    await until(left, () => left.state.holder === 'right');
    const began = performance.now();
    await right.close();
    await until(left, () => left.active);
    assert.ok(performance.now() - began < 400);
    await resigned;
    await left.close();
  });

  it('reports the reason when the store refuses to let a candidate observe the role', async () => {
    await b.set('role', 'other');
    const far = client(proxy.port);
    const left = candidate(far, 'left', 60_000);
    await until(left, () => left.state.holder === 'other');
    emulator.engine.authorize = (id, access) => id !== far.clientId || access === 'Write';
    const trouble = once(left, 'trouble');
    proxy.cut();
    const [error] = await trouble;
    assert.equal(error.code, 'NOT_AUTHORIZED');
    await b.delete('role');
    await until(left, () => left.active);
    await left.close();
  });

  it('never reports standby for its own role', async () => {
    const told: (string | undefined)[] = [];
    const right = candidate(b, 'right');
    await until(right, () => right.active);
    const left = candidate(a, 'left');
    left.on('change', ({ state, holder }) => state === 'standby' && told.push(holder));
    await until(left, () => left.state.holder === 'right');
    await right.close();
    await until(left, () => left.active);
    assert.ok(!told.includes('left'), `${told}`);
    await left.close();
  });

  it('makes a candidate without a connection stand by before another one takes over', async () => {
    const far = client(proxy.port);
    const left = candidate(far, 'left', 1500);
    await until(left, () => left.active);
    const right = candidate(b, 'right', 1500);
    await until(right, () => right.state.holder === 'left');
    let leftEnded = Number.POSITIVE_INFINITY;
    left.on('change', ({ state }) => {
      if (state === 'standby') leftEnded = Math.min(leftEnded, performance.now());
    });
    proxy.frozen = true;
    await until(right, () => right.active);
    assert.ok(leftEnded < performance.now(), 'first one ends, then the other begins');
    assert.equal(left.active, false);
    proxy.heal();
    await until(left, () => left.state.holder === 'right');
    await Promise.all([left.close(), right.close()]);
  });
});
