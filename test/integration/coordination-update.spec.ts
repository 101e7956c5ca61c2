/** Updates of several clients on one emulator. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Deferred } from '../../src/coordination/deferred';
import { Lease, Lock, update } from '../../src/coordination/index';
import type { StateStoreClient, StateStoreError } from '../../src/index';
import { formatHlc } from '../../src/protocol/hlc';
import { rejectsWith } from '../support/assertions';
import { hlc, isNewer, useClients } from '../support/clients-suite';
import type { FaultProxy } from '../support/fault-proxy';

describe('An update', () => {
  const suite = useClients();
  const { client, stored } = suite;
  let proxy: FaultProxy;
  let a: StateStoreClient;
  let b: StateStoreClient;
  beforeEach(() => {
    ({ proxy, a, b } = suite);
  });

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
          const { version } = await call;
          assert.ok(version, 'the version of the write that contains the change');
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
