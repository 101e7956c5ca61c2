/** Locks of several clients on one emulator. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Lock, update } from '../../src/coordination/index';
import { lockCountsOf } from '../../src/coordination/known-locks';
import { Emulator, EmulatorRules } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { isNewer, useClients } from '../support/clients-suite';
import type { FaultProxy } from '../support/fault-proxy';
import { freePort } from '../support/ports';

describe('A lock', () => {
  const suite = useClients();
  const { client, closeLater, stored } = suite;
  let emulator: Emulator;
  let proxy: FaultProxy;
  let a: StateStoreClient;
  let b: StateStoreClient;
  beforeEach(() => {
    ({ emulator, proxy, a, b } = suite);
  });

  it('is counted while it is held or waited for, for its own client', async () => {
    assert.deepEqual(lockCountsOf(a), { held: 0, waiting: 0 });
    const [one, other] = [new Lock(a, 'one'), new Lock(a, 'other')];
    const holds = [await one.acquire(), await other.acquire()];
    const next = one.acquire();
    assert.deepEqual(lockCountsOf(a), { held: 2, waiting: 1 });
    assert.deepEqual(lockCountsOf(b), { held: 0, waiting: 0 });
    const free = holds.map((hold) => hold?.release());
    await free[1];
    const last = await next;
    assert.deepEqual(lockCountsOf(a), { held: 1, waiting: 0 });
    await last?.release();
    assert.deepEqual(lockCountsOf(a), { held: 0, waiting: 0 });
  });

  it('is given to those who wait in one process in their order, each with a newer token', async () => {
    const lock = new Lock(a, 'k');
    const order: number[] = [];
    const tokens: (string | undefined)[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        lock.withLock(async ({ fencingToken: token }) => {
          order.push(i);
          tokens.push(token);
          await pause(1);
        }),
      ),
    );
    assert.deepEqual(order, [...order.keys()]);
    for (const [i, token] of tokens.slice(1).entries()) assert.ok(isNewer(token, tokens[i]));
    assert.equal(await stored('k'), undefined);
  });

  it('is held by one at a time, whichever client and process', async () => {
    let inside = 0;
    let most = 0;
    const use = async () => {
      most = Math.max(most, ++inside);
      await pause(1);
      inside--;
    };
    const locks = [a, b, client()].map((one) => new Lock(one, 'k', { duration: 2000 }));
    await Promise.all(locks.flatMap((lock) => Array.from({ length: 30 }, () => lock.withLock(use))));
    assert.equal(most, 1);
  });

  it('that is not free in time is nothing, and its holder is known', async () => {
    const held = await new Lock(a, 'k').acquire();
    const lock = new Lock(b, 'k');
    assert.equal(await lock.acquire({ timeout: 200 }), undefined);
    assert.equal(lock.holder, a.clientId);
    await rejectsWith(
      lock.withLock(() => assert.fail(), { timeout: 100 }),
      {
        code: 'NOT_FREE',
        message: new RegExp(
          `^${a.clientId} holds the lock k, which was not free in time\\. Increase the timeout`,
        ),
      },
    );
    await held?.release();
    await lock.withLock(() => undefined);
  });

  it('that another waiter of this process holds is held by this client', async () => {
    const lock = new Lock(a, 'k');
    const hold = await lock.acquire();
    assert.equal(await lock.acquire({ timeout: 50 }), undefined);
    assert.equal(lock.holder, a.clientId);
    assert.equal(await hold?.release(), true);
  });

  it('that could not be released reports the reason', async () => {
    const far = client(proxy.port, { timeout: 300 });
    const hold = await new Lock(far, 'k').acquire();
    proxy.frozen = true;
    assert.equal(await hold?.release(), false);
  });

  it('was taken over, unless it passes on within this process', async () => {
    const lock = new Lock(a, 'k', { duration: 1000 });
    const takenOver: boolean[] = [];
    const use = async (hold: { takenOver: boolean }) => void takenOver.push(hold.takenOver);
    await Promise.all([lock.withLock(use), lock.withLock(use)]);
    await new Lock(b, 'k').withLock(use);
    assert.deepEqual(takenOver, [true, false, true]);
  });

  it('that was lost was not released in order: the next hold has taken it over', async () => {
    const lock = new Lock(a, 'k', { duration: 300 });
    const hold = await lock.acquire();
    await b.set('k', 'somebody');
    await once(hold?.signal as AbortSignal, 'abort');
    await b.delete('k');
    assert.equal((await lock.acquire())?.takenOver, true);
  });

  it('that is waited for with a signal ends with it', async () => {
    const held = await new Lock(a, 'k').acquire();
    const abort = new AbortController();
    const call = new Lock(b, 'k').acquire({ signal: abort.signal });
    abort.abort();
    await assert.rejects(call, { name: 'AbortError' });
    await held?.release();
  });

  it('whose last waiter leaves at the moment it is obtained is free again', async () => {
    class Leaving extends StateStoreClient {
      readonly abort = new AbortController();
      override async set(...parameters: Parameters<StateStoreClient['set']>) {
        const result = await super.set(...parameters);
        this.abort.abort();
        return result;
      }
    }
    const one = new Leaving({ host: '127.0.0.1', port: emulator.port });
    closeLater(one);
    const call = new Lock(one, 'k', { duration: 1000 }).acquire({ signal: one.abort.signal });
    await assert.rejects(call, { name: 'AbortError' });
    const hold = await new Lock(b, 'k').acquire({ timeout: 5000 });
    assert.equal(hold?.held, true);
    await hold.release();
  });

  it('that was never free is not observed permanently', async () => {
    await b.set('k', 'by hand');
    assert.equal(await new Lock(a, 'k').acquire({ timeout: 300 }), undefined);
    while (a.observed > 0) await pause(20);
  });

  it('is released when its work fails', async () => {
    const lock = new Lock(a, 'k');
    await assert.rejects(
      lock.withLock(() => Promise.reject(new Error('no'))),
      { message: 'no' },
    );
    await new Lock(b, 'k').withLock(() => undefined);
  });

  it('that is lost aborts its signal, and the next one gets it', async () => {
    const lock = new Lock(a, 'k', { duration: 600 });
    const hold = await lock.acquire();
    assert.ok(hold);
    const next = lock.acquire();
    await b.set('k', 'somebody');
    await once(hold.signal, 'abort');
    assert.deepEqual(
      [hold.held, hold.fencingToken, hold.signal.reason.code],
      [false, undefined, 'LEASE_LOST'],
    );
    await b.delete('k');
    const second = await next;
    assert.equal(second?.held, true);
    await hold.release();
    assert.equal(second?.held, true, 'a hold that was lost gives nothing back');
    await second?.release();
  });

  it('is free again when the process that held it is gone', async () => {
    const far = client(proxy.port);
    await new Lock(far, 'k', { duration: 500 }).acquire();
    proxy.frozen = true;
    await new Lock(b, 'k').withLock(() => undefined);
  });

  it('that cannot be asked for in time says why', async () => {
    const port = await freePort();
    const lost = client(port);
    await rejectsWith(new Lock(lost, 'k').acquire({ timeout: 500 }), {
      code: 'NOT_CONNECTED',
      message: /Connection refused/,
    });
  });

  it('that may not be used says which key to allow, with the prefix of the client', async () => {
    const rules = EmulatorRules.parse(
      'spec:\n  authorizationPolicies:\n    rules:\n      - principals:\n          clientIds: ["*"]\n        stateStoreResources:\n          - method: ReadWrite\n            keyType: Pattern\n            keys: ["line1/*"]\n',
    );
    const strict = await Emulator.start({ port: 0, rules });
    const stranger = client(strict.port, { keyPrefix: 'line2/' });
    const wording = /to use the lock printer\..* grants ReadWrite to the key line2\/printer\.$/;
    await rejectsWith(new Lock(stranger, 'printer').acquire(), {
      code: 'NOT_AUTHORIZED',
      message: wording,
    });
    await stranger.close();
    await strict.close();
  });

  it('with the key of a value that updates change is refused, and the error says so', async () => {
    await update(a, 'count', () => '1');
    await rejectsWith(new Lock(a, 'count').acquire(), {
      code: 'FENCING_TOKEN_REQUIRED',
      message: /^The key count is changed by updates .* so it cannot be a lock\. Use a name/,
    });
  });

  it('without a name is BAD_ARGUMENT', () => {
    assert.throws(() => new Lock(a, ''), {
      code: 'BAD_ARGUMENT',
      message: /name of a lock must not be empty/,
    });
  });
});
