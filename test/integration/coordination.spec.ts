/** Leases, locks, updates and elections of several clients on one emulator. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Deferred } from '../../src/coordination/deferred';
import { SHORTEST_LEASE_MS } from '../../src/coordination/durations';
import { ElapsedClock } from '../../src/coordination/elapsed';
import { Election, Lease, Lock, update } from '../../src/coordination/index';
import { lockCountsOf } from '../../src/coordination/known-locks';
import { Emulator, EmulatorRules } from '../../src/emulator/index';
import { StateStoreClient, type StateStoreError } from '../../src/index';
import { compareHlc, formatHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { rejectsWith } from '../support/assertions';
import { FaultProxy } from '../support/fault-proxy';
import { freePort } from '../support/ports';
import { startScriptedStore } from '../support/scripted-store';

const hlc = (version: string | undefined) => parseHlc(version as string) as Hlc;
const isNewer = (a: string | undefined, b: string | undefined) => compareHlc(hlc(a), hlc(b)) > 0;

describe('Coordination', () => {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let clients: StateStoreClient[];
  let a: StateStoreClient;
  let b: StateStoreClient;

  const client = (port = emulator.port, options = {}) => {
    const one = new StateStoreClient({ host: '127.0.0.1', port, ...options });
    clients.push(one);
    return one;
  };
  const stored = async (key: string) => {
    const got = await b.get(key);
    return got.found ? got.value.toString() : undefined;
  };

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    clients = [];
    a = client();
    b = client();
  });
  afterEach(async () => {
    proxy.heal();
    await Promise.all(clients.map((one) => one.close()));
    await proxy.close();
    await emulator.close();
  });

  describe('a lease', () => {
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
        else if (++sets !== 2)
          respond('+OK\r\n', { userProperties: { __ts: `${Date.now()}:${sets}:store` } });
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

  describe('a lock', () => {
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
      clients.push(one);
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

  describe('an update', () => {
    const add = (one: StateStoreClient, key = 'n') =>
      update(one, key, (value) => String(Number(value ?? 0) + 1));

    it('of many clients at once loses nothing', async () => {
      const all = [a, b, client()].flatMap((one) => Array.from({ length: 300 }, () => add(one)));
      const results = await Promise.all(all);
      assert.equal(await stored('n'), '900');
      assert.equal(new Set(results.map(({ value }) => String(value))).size, 900);
      assert.ok(results.every(({ before, value }) => Number(value) === Number(before ?? 0) + 1));
    });

    it('is seen by observers, value by value', async () => {
      const seen: number[] = [];
      await b.observe('n', (change) => {
        if (change.operation === 'set') seen.push(Number(change.value));
      });
      await Promise.all(Array.from({ length: 100 }, () => add(a)));
      while (seen.length < 100) await pause(5);
      assert.deepEqual(
        seen,
        Array.from({ length: 100 }, (_, i) => i + 1),
      );
    });

    it('that throws fails alone and changes nothing', async () => {
      const calls = [
        add(a),
        update(a, 'n', () => {
          throw new Error('no number');
        }),
        add(a),
      ];
      const [first, failed, third] = await Promise.allSettled(calls);
      assert.deepEqual([first?.status, third?.status], ['fulfilled', 'fulfilled']);
      assert.equal(failed?.status === 'rejected' && failed.reason.message, 'no number');
      assert.equal(await stored('n'), '2');
    });

    it('may be asynchronous, delete, or change nothing', async () => {
      await update(a, 'n', async (value) => {
        await pause(5);
        return `${value ?? 'new'}!`;
      });
      assert.equal(await stored('n'), 'new!');
      const same = await update(a, 'n', (value) => value);
      assert.deepEqual([same.updated, String(same.value)], [false, 'new!']);
      const gone = await update(a, 'n', () => undefined);
      assert.deepEqual([gone.updated, String(gone.before), gone.value], [true, 'new!', undefined]);
      assert.equal(await stored('n'), undefined);
      assert.equal((await update(a, 'n', () => undefined)).updated, false);
    });

    it('that is aborted while its value is made ends at once, and nothing is written', async () => {
      const abort = new AbortController();
      const [begun, made] = [new Deferred(), new Deferred<string>()];
      const change = () => {
        begun.resolve();
        return made.promise;
      };
      const call = assert.rejects(update(a, 'k', change, { signal: abort.signal }), { name: 'AbortError' });
      await begun.promise;
      abort.abort();
      await call;
      const next = update(a, 'k', (value) => `${value ?? 'nothing'} before`);
      made.resolve('late');
      assert.equal((await next).value?.toString(), 'nothing before');
    });

    it('that has to be made again is not, if its signal was aborted meanwhile', async () => {
      const abort = new AbortController();
      const set = a.set.bind(a);
      a.set = async (key, value, options) => {
        if (key.toString() === 'k') {
          await b.set('k', 'theirs');
          abort.abort();
        }
        return set(key, value, options);
      };
      await assert.rejects(
        update(a, 'k', () => 'mine', { signal: abort.signal }),
        { name: 'AbortError' },
      );
      assert.equal(await stored('k'), 'theirs');
    });

    it('that is made too slowly is a TIMEOUT, and the next one goes on', async () => {
      const slow = update(a, 'n', () => new Promise<string>(() => undefined), { duration: 400 });
      await rejectsWith(slow, {
        code: 'TIMEOUT',
        key: 'n',
        message: /was not computed within 200 ms.*Nothing was changed/,
      });
      await add(a);
      assert.equal(await stored('n'), '1');
    });

    it('that takes longer to make than it may is not sent any more, and costs no connection', async () => {
      const far = client(proxy.port);
      await far.connect();
      // Nothing is answered within a millisecond.
      proxy.delay = 20;
      const states: string[] = [];
      far.on('state', ({ kind }) => states.push(kind));
      const slow = async () => {
        await pause(1500);
        return 'late';
      };
      await rejectsWith(update(far, 'n', slow, { timeout: 1000 }), {
        code: 'TIMEOUT',
        key: 'n',
        message: /was not computed within \d+ ms, what was left of its time\. Nothing was changed/,
      });
      await add(far);
      assert.deepEqual([await stored('n'), states], ['1', []]);
    });

    it('has all of its time, though one before it had none left', async () => {
      const far = client(proxy.port);
      await far.connect();
      proxy.refusing = true;
      const lost = once(far, 'state');
      proxy.cut();
      await lost;
      const first = update(far, 'n', () => '1', { timeout: 500 });
      let second: ReturnType<typeof add> | undefined;
      await assert.rejects(
        first.catch((error) => {
          second = add(far);
          throw error;
        }),
        { code: 'NOT_CONNECTED' },
      );
      proxy.heal();
      assert.equal(String((await second)?.value), '1');
    });

    it('leaves no lock behind when its client is closed at once', async () => {
      for (let i = 1; i <= 3; i++) {
        const one = client();
        assert.equal(String((await add(one)).value), String(i));
        await one.close();
        assert.equal(await stored('n/lock'), undefined);
      }
    });

    it('that has begun when its client is closed ends first', async () => {
      const one = client();
      const slow = new Promise<{ value: Buffer | undefined }>((resolve) => {
        const change = async () => {
          closed = one.close();
          await pause(100);
          return 'slow';
        };
        update(one, 'n', change).then(resolve);
      });
      let closed: Promise<void> | undefined;
      assert.equal(String((await slow).value), 'slow');
      await closed;
      assert.deepEqual([await stored('n'), await stored('n/lock')], ['slow', undefined]);
    });

    it('that is held for longer than its client lives releases the lock', async () => {
      const one = client();
      const hold = await new Lock(one, 'held').acquire();
      await one.close();
      assert.deepEqual([hold?.held, await stored('held')], [false, undefined]);
    });

    it('checks its options', async () => {
      for (const options of [{ timeout: 0 }, { expiry: 0.5 }, { duration: 1 }]) {
        await rejectsWith(
          update(a, 'n', () => '1', options),
          { code: 'BAD_ARGUMENT' },
        );
      }
    });

    it('protects the key: what has no token is refused', async () => {
      await add(a);
      await rejectsWith(b.set('n', '0'), { code: 'FENCING_TOKEN_REQUIRED' });
    });

    it('of a key that is protected by a newer token is refused, and nothing is changed', async () => {
      await add(a);
      const { version } = await b.set('other', 'x');
      const future = `${String(hlc(version).wallClockMs + 30_000).padStart(15, '0')}:00000:x`;
      await b.set('n', '7', { fencingToken: future });
      await rejectsWith(add(a), { code: 'FENCING_TOKEN_LOWER_VERSION', key: 'n', operation: 'update' });
      assert.equal(await stored('n'), '7');
    });

    it('with the token of a role is refused when another client has had the role since, though the lock is free', async () => {
      const key = 'shared';
      const roles = [new Lease(a, `${key}/1`), new Lease(a, `${key}/2`)];
      for (const role of roles) await role.tryAcquire();
      const [older, newer] = roles.map(({ token }) => token as string) as [string, string];
      const append = (text: string, fencingToken: string) =>
        update(b, key, (value) => `${value ?? ''}${text}`, { fencingToken });
      assert.equal((await append('a', older)).value?.toString(), 'a');
      // Asked for at once, they go on their way one after the other.
      const all = await Promise.allSettled([append('b', newer), append('c', older), append('d', newer)]);
      assert.deepEqual(
        all.map((one) => (one.status === 'fulfilled' ? one.value.value?.toString() : one.reason.code)),
        ['ab', 'FENCING_TOKEN_LOWER_VERSION', 'abd'],
      );
      await Promise.all(roles.map((role) => role.release()));
    });

    it('with a token newer than its lock takes the lock again first', async () => {
      const key = 'shared';
      const role = new Lease(a, `${key}/role`);
      const tokens: string[] = [];
      const seen = await b.observe(`${key}/lock`, (change) => {
        if (change.operation === 'set') tokens.push(change.version as string);
      });
      const [first, second] = await Promise.all([
        // The role is taken while the lock is held.
        update(b, key, async () => {
          await role.tryAcquire();
          return 'one';
        }),
        pause(0).then(async () => {
          while (!role.token) await pause(1);
          return update(b, key, () => 'two', { fencingToken: role.token as string });
        }),
      ]);
      assert.deepEqual([first.updated, second.updated], [true, true]);
      assert.equal(tokens.length, 2);
      assert.ok(isNewer(role.token, tokens[0]) && isNewer(tokens[1], role.token));
      await seen.close();
      await role.release();
    });

    it('that too many others of this client came before is NOT_FREE, and says how many', async () => {
      const slow = update(b, 'busy', () => pause(300).then(() => 'x'));
      const late = update(b, 'busy', () => 'y', { timeout: 100 });
      const message = /^1 other change of key busy came first: it was not changed\./;
      await rejectsWith(late, { code: 'NOT_FREE', message });
      await slow;
    });

    it('with a token newer than a lock that it got just now takes the lock once more, and leaves the rest to the store', async () => {
      const { version } = await a.set('some role', 'x');
      const held = hlc(version);
      const newer = formatHlc({ ...held, wallClockMs: held.wallClockMs + 5000 });
      let locked = 0;
      const seen = await b.observe('early/lock', ({ operation }) => {
        if (operation === 'set') locked++;
      });
      assert.equal((await update(b, 'early', () => 'x', { fencingToken: newer })).updated, true);
      await b.get('early'); // Earlier notifications have arrived before this answer.
      assert.equal(locked, 2);
      await seen.close();
    });

    it('under a lock that is not free in time is NOT_FREE, and names the holder', async () => {
      await a.set('n/lock', 'the-other:123');
      await rejectsWith(
        update(b, 'n', () => '1', { timeout: 200 }),
        {
          code: 'NOT_FREE',
          key: 'n',
          message: /^the-other:123 holds the lock n\/lock: key n was not changed/,
        },
      );
      await rejectsWith(
        update(b, 'n', () => '1', { lock: 'n' }),
        { code: 'BAD_ARGUMENT', message: /lock must not be/ },
      );
    });

    it('applies each change that is reported as applied, and no other, while connections are cut', async () => {
      const far = client(proxy.port, { timeout: 20_000 });
      const tally = { applied: 0, unknown: 0 };
      const refused = new Set<string>();
      const lane = async (one: StateStoreClient, index: number) => {
        for (let i = 0; i < 150; i++) {
          try {
            const call = add(one);
            // Not too often: each time the client waits longer before it comes back.
            if (index === 0 && i % 40 === 20) proxy.cut();
            await call;
            tally.applied++;
          } catch (error) {
            // Every other error says that nothing was changed.
            if ((error as StateStoreError).code === 'OUTCOME_UNKNOWN') tally.unknown++;
            else refused.add((error as StateStoreError).code);
          }
        }
      };
      await Promise.all([far, far, far, far, b, b].map(lane));
      const value = Number(await stored('n'));
      assert.ok(
        value >= tally.applied && value <= tally.applied + tally.unknown,
        `${value} ${JSON.stringify(tally)}`,
      );
      assert.deepEqual(
        [...refused].filter((code) => code !== 'NOT_FREE' && code !== 'TIMEOUT' && code !== 'NOT_CONNECTED'),
        [],
      );
    });
  });

  describe('an election', () => {
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
});
