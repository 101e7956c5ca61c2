import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient, type StateStoreClientOptions } from '../../src/index';
import { rejectsWith } from '../support/assertions';

describe('StateStoreClient with the emulator', () => {
  let emulator: Emulator;
  let store: StateStoreClient;

  const connect = (options: StateStoreClientOptions = {}) =>
    new StateStoreClient({ host: '127.0.0.1', port: emulator.port, ...options });

  before(async () => {
    emulator = await Emulator.start({ port: 0, maximumPacketSize: 70_000 });
    store = connect();
    await store.connect();
  });
  after(async () => {
    await store.close();
    await emulator.close();
  });

  it('sets, gets and deletes', async () => {
    const set = await store.set('k', 'v');
    assert.equal(set.stored, true);
    const got = await store.get('k');
    assert.ok(got.found);
    assert.deepEqual([got.value, got.version], [Buffer.from('v'), set.version]);
    const deleted = await store.delete('k');
    assert.deepEqual([deleted.deleted, deleted.found], [true, true]);
    assert.deepEqual(await store.get('k'), { found: false });
    assert.deepEqual(await store.delete('k'), { deleted: false, found: false });
  });

  it('reports the result of a condition', async () => {
    const { version } = await store.set('cond', '1', { condition: 'NX' });
    assert.deepEqual(await store.set('cond', '2', { condition: 'NX' }), { stored: false, version });
    assert.equal((await store.set('cond', '1', { condition: 'NEX' })).stored, true);
    assert.equal((await store.set('cond', '2', { condition: 'NEX' })).stored, false);
    assert.deepEqual(await store.deleteIfValue('cond', '2'), { deleted: false, found: true });
    assert.equal((await store.deleteIfValue('cond', '1')).deleted, true);
    assert.deepEqual(await store.deleteIfValue('cond', '1'), { deleted: false, found: false });
  });

  it('lets a key expire', async () => {
    const [, got] = await Promise.all([store.set('short', 'v', { expiry: 1000 }), store.get('short')]);
    assert.equal(got.found, true);
    while (emulator.engine.nextExpiry !== undefined) await once(emulator, 'change');
    assert.deepEqual(await store.get('short'), { found: false });
  });

  it('sends fencing tokens and reports why they failed', async () => {
    const { version: first } = await store.set('lock', 'a');
    const { version: second } = await store.set('lock', 'b');
    await store.set('fenced', '1', { fencingToken: second as string });
    await rejectsWith(store.set('fenced', '2'), {
      code: 'FENCING_TOKEN_REQUIRED',
      key: 'fenced',
      operation: 'set',
    });
    await rejectsWith(store.delete('fenced', { fencingToken: first as string }), {
      code: 'FENCING_TOKEN_LOWER_VERSION',
      operation: 'delete',
    });
    assert.equal((await store.delete('fenced', { fencingToken: second as string })).deleted, true);
  });

  it('stores any bytes under any bytes', async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    for (const [key, value] of [
      [all, all],
      [Buffer.alloc(6500, 'k'), Buffer.alloc(60_000, 'v')],
      ['🔑', '😀'],
      ['*2\r\n$3\r\nGET\r\n', '$-1\r\n'],
      ['empty', ''],
    ] as const) {
      await store.set(key, value);
      const got = await store.get(key);
      assert.ok(got.found);
      assert.deepEqual(got.value, Buffer.from(value));
    }
  });

  it('gives values of any size memory of their own: they stay as they are while others come', async () => {
    await using other = await Emulator.start({ port: 0 });
    await using client = connect({ port: other.port });
    const sizes = [0, 1, 100, 5000, 65_536, 250_000, 262_144, 1_000_000];
    for (const size of sizes) await client.set(`size/${size}`, Buffer.alloc(size, size % 251));
    const got = await Promise.all(sizes.map((size) => client.get(`size/${size}`)));
    for (let round = 0; round < 3; round++)
      await Promise.all(sizes.map((size) => client.get(`size/${size}`).then(() => client.get('size/0'))));
    for (const [index, size] of sizes.entries()) {
      const one = got[index];
      assert.ok(one?.found && one.value.equals(Buffer.alloc(size, size % 251)), `${size} bytes`);
    }
  });

  it('keeps the order of requests and matches each answer, a thousand at a time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        void store.set('order', String(i));
        const got = await store.get('order');
        return got.found ? got.value.toString() : 'none';
      }),
    );
    assert.deepEqual(
      answers,
      Array.from({ length: 1000 }, (_, i) => String(i)),
    );
  });

  describe('given bad input', () => {
    afterEach('the connection is still usable', async () => {
      assert.equal((await store.set('after', 'v')).stored, true);
      assert.equal(store.state.kind, 'connected');
    });

    const none = undefined as unknown as string;
    for (const [name, call, message] of [
      ['no key', () => store.set(none, 'v'), /^key must be a string or bytes, not undefined/],
      ['an empty key', () => store.get(''), /^key must not be empty/],
      ['no value', () => store.set('k', none), /^value must be a string or bytes, not undefined/],
      [
        'an expiry of 0',
        () => store.set('k', 'v', { expiry: 0 }),
        /^expiry must be a whole number from 1, not 0 \(set key k\)/,
      ],
      ['an expiry of -1', () => store.set('k', 'v', { expiry: -1 }), /^expiry .* not -1/],
      ['an expiry of 1.5', () => store.set('k', 'v', { expiry: 1.5 }), /^expiry .* not 1.5/],
      [
        'an expiry of "abc"',
        () => store.set('k', 'v', { expiry: 'abc' as unknown as number }),
        /^expiry .* not "abc"/,
      ],
      ['a timeout of 0', () => store.get('k', { timeout: 0 }), /^timeout must be a whole number/],
      [
        'a malformed fencing token',
        () => store.delete('k', { fencingToken: 'abc' }),
        /^fencingToken must be a version .* not "abc"/,
      ],
      [
        'a fencing token that no packet can hold',
        () => store.delete('k', { fencingToken: `1:0:${'x'.repeat(65_536)}` }),
        /^fencingToken must not be longer than 65535 bytes, but has 65540 \(delete key k\)/,
      ],
      [
        'an unknown condition',
        () => store.set('k', 'v', { condition: 'XX' as 'NX' }),
        /^condition must be NX or NEX/,
      ],
      [
        'a value over the Maximum Packet Size',
        () => store.set('big', Buffer.alloc(70_000)),
        /^The request has 70\d\d\d bytes, but the broker accepts at most 70000: key big was not set\./,
      ],
    ] as const) {
      it(`${name}: one error that names it`, () => rejectsWith(call(), { code: 'BAD_ARGUMENT', message }));
    }

    for (const [option, value] of [
      ['port', 0],
      ['port', 65536],
      ['host', ' '],
      ['keepAlive', -1],
      ['sessionExpiry', 2 ** 32],
      ['timeout', 1.5],
      ['inFlightLimit', 0],
      ['queueLimit', 0],
      ['clientId', 'a/b'],
      ['clientId', 'x'.repeat(30_001)],
      ['persistence', { name: 'n', value: 'x'.repeat(65_536) }],
    ] as const) {
      it(`refuses the client option ${option} = ${JSON.stringify(value).slice(0, 40)}`, () => {
        assert.throws(() => connect({ [option]: value }), {
          code: 'BAD_ARGUMENT',
          message: new RegExp(option === 'clientId' ? 'client ?ID' : `^${option}`, 'i'),
        });
      });
    }
  });

  it('checks the packet size to the byte', async () => {
    // The size of the whole packet varies with nothing but the value here.
    const fits = async (bytes: number) =>
      store.set('size', Buffer.alloc(bytes)).then(
        () => true,
        (error: { code: string }) => {
          assert.equal(error.code, 'BAD_ARGUMENT');
          return false;
        },
      );
    let low = 60_000;
    let high = 70_000;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (await fits(middle)) low = middle;
      else high = middle;
    }
    assert.equal(await fits(low), true, 'the broker took the largest one we let through');
    await rejectsWith(store.set('size', Buffer.alloc(high)), {
      code: 'BAD_ARGUMENT',
      message: /has 70001 bytes/,
    });
    assert.equal(store.state.kind, 'connected');
  });

  it('gives a call up when its signal says so', async () => {
    const reason = new Error('enough');
    await assert.rejects(store.get('k', { signal: AbortSignal.abort(reason) }), reason);
    const abort = new AbortController();
    const late = store.get('k', { signal: abort.signal });
    abort.abort(reason);
    await assert.rejects(late, reason);
    assert.equal(store.inFlight, 0);
  });

  it('ends with what is under way answered, and takes nothing more', async () => {
    const other = connect();
    const calls = Array.from({ length: 100 }, (_, i) => other.set(`end${i}`, 'v'));
    await other.connect();
    const closed = other.close();
    await rejectsWith(other.get('end1'), { code: 'CLOSED', message: /nothing was sent/ });
    await closed;
    assert.equal(
      (await Promise.all(calls)).every((result) => result.stored),
      true,
    );
    assert.equal(other.state.kind, 'closed');
  });

  it('leaves no session behind', async () => {
    const other = connect();
    await other.connect();
    const disconnected = new Promise<void>((resolve) => emulator.once('change', resolve));
    await other.close();
    await disconnected;
    assert.equal(emulator.clients, 1);
  });

  it('cannot have a response topic of the store', async () => {
    const { connectAsync } = await import('mqtt');
    const client = await connectAsync(`mqtt://127.0.0.1:${emulator.port}`, {
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    const reason = new Promise((resolve) =>
      client.once('disconnect', (packet) => resolve(packet.reasonCode)),
    );
    const topic = 'statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/command/invoke';
    const properties = { responseTopic: topic, correlationData: Buffer.alloc(16) };
    client.publish(topic, '*2\r\n$3\r\nGET\r\n$1\r\nk\r\n', { qos: 1, properties });
    assert.equal(await reason, 0x90);
    await client.endAsync(true);
  });
});
