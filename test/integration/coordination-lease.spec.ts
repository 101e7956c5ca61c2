/** Leases of several clients on one emulator. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { SHORTEST_LEASE_MS } from '../../src/coordination/durations';
import { ElapsedClock } from '../../src/coordination/elapsed';
import { Lease } from '../../src/coordination/index';
import type { Emulator } from '../../src/emulator/index';
import type { StateStoreClient } from '../../src/index';
import { isNewer, useClients } from '../support/clients-suite';
import type { FaultProxy } from '../support/fault-proxy';
import { startScriptedStore } from '../support/scripted-store';

describe('A lease', () => {
  const suite = useClients();
  const { client, stored } = suite;
  let emulator: Emulator;
  let proxy: FaultProxy;
  let a: StateStoreClient;
  let b: StateStoreClient;
  beforeEach(() => {
    ({ emulator, proxy, a, b } = suite);
  });

  it('has one holder, who has a token that is newer with each renewal, until it is released', async () => {
    const [first, second] = [new Lease(a, 'k', { duration: 1000 }), new Lease(a, 'k', { duration: 1000 })];
    assert.equal(await first.tryAcquire(), true);
    assert.equal(await second.tryAcquire(), false);
    assert.deepEqual([first.held, second.held, second.token], [true, false, undefined]);
    assert.equal(await stored('k'), first.holder);
    assert.notEqual(first.holder, second.holder);
    const { token } = first;
    assert.equal(await first.tryAcquire(), true);
    assert.ok(isNewer(first.token, token));
    assert.equal(await first.release(), true);
    assert.deepEqual([first.held, first.token, await stored('k')], [false, undefined, undefined]);
    assert.equal(await second.tryAcquire(), true);
    assert.equal(await first.release(), false);
    assert.equal(await stored('k'), second.holder);
    await second.release();
  });

  it('was not taken over if its own release began less than the shortest lease ago', async () => {
    let now = 0;
    const clock = new ElapsedClock({ monotonic: () => now, wall: () => now, boot: () => now });
    const lease = new Lease(a, 'k', { duration: 1000 }, clock);
    const takenOver: boolean[] = [];
    for (const passed of [0, SHORTEST_LEASE_MS - 1, SHORTEST_LEASE_MS]) {
      now += passed;
      await lease.tryAcquire();
      takenOver.push(lease.takenOver);
      await lease.release();
    }
    assert.deepEqual(takenOver, [true, false, true]);
  });

  it('renews automatically while it is held', async () => {
    const lease = new Lease(a, 'k', { duration: 2000 });
    let renewals = 0;
    const watched = await b.observe('k', () => renewals++);
    await lease.tryAcquire();
    while (renewals < 4) await pause(20);
    assert.equal(lease.held, true);
    await lease.release();
    await watched.close();
  });

  it('is lost by its own clock, while the store still has it for the holder, when it cannot be renewed', async () => {
    const far = client(proxy.port);
    // A tenth of it is between its clock and the store's.
    const lease = new Lease(far, 'k', { duration: 10_000 });
    assert.equal(await lease.tryAcquire(), true);
    proxy.frozen = true;
    const expires = emulator.engine.expiryOf(Buffer.from('k')) as number;
    const [reason] = await once(lease, 'lost');
    assert.ok(Date.now() < expires);
    assert.deepEqual([reason.code, lease.held, lease.token], ['LEASE_LOST', false, undefined]);
    assert.match(
      reason.message,
      /^The lock k was lost: it could not be renewed in time\. Stop the protected work\./,
    );
  });

  it('is lost at once when another client holds it', async () => {
    const lease = new Lease(a, 'k', { duration: 600 });
    await lease.tryAcquire();
    await b.set('k', 'somebody');
    const [reason] = await once(lease, 'lost');
    assert.match(reason.message, /another client holds it/);
  });

  it('survives lost connections that come back in time', async () => {
    const far = client(proxy.port);
    const lease = new Lease(far, 'k', { duration: 3000 });
    lease.on('lost', (reason) => assert.fail(reason.message));
    await lease.tryAcquire();
    let renewals = 0;
    await b.observe('k', () => {
      renewals++;
      proxy.cut();
    });
    while (renewals < 4) await pause(20);
    assert.equal(lease.held, true);
    await lease.release();
  });

  it('survives that the answer to a renewal is lost', async () => {
    const scripted = await startScriptedStore();
    const one = client(scripted.port);
    let sets = 0;
    scripted.answer = ({ command, respond }) => {
      if (command.verb !== 'SET') respond(':1\r\n');
      else if (++sets !== 2) respond('+OK\r\n', { userProperties: { __ts: `${Date.now()}:${sets}:store` } });
    };
    const lease = new Lease(one, 'k', { duration: 3000 });
    lease.on('lost', (reason) => assert.fail(reason.message));
    await lease.tryAcquire();
    while (sets < 4) await pause(10);
    assert.equal(lease.held, true);
    await lease.release();
    await one.close();
    await scripted.close();
  });

  it('is over as soon as a suspended computer continues, even if its timers are late', async () => {
    let suspended = 0;
    const clock = new ElapsedClock({
      monotonic: () => performance.now(),
      wall: () => Date.now() + suspended,
      boot: () => performance.now() + suspended,
    });
    const lease = new Lease(a, 'k', { duration: 20_000 }, clock);
    await lease.tryAcquire();
    suspended = 10_000;
    assert.equal(lease.held, true);
    suspended = 20_000;
    assert.deepEqual([lease.held, lease.token], [false, undefined]);
    assert.ok(lease.expires < performance.now());
    await lease.release();
  });

  for (const duration of [0, 99, 1.5, 3_600_001, Number.NaN, '1000' as unknown as number]) {
    it(`of ${JSON.stringify(duration)} ms is BAD_ARGUMENT`, () => {
      assert.throws(() => new Lease(a, 'k', { duration }), {
        code: 'BAD_ARGUMENT',
        message: /^duration must be/,
      });
    });
  }
});
