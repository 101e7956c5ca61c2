/**
 * The protocol, row by row, against the emulator and against the same engine behind Mosquitto. Part one: the 37 cases that the
 * network tests of the public Rust client list. Part two: bytes on the wire, docs/protocol.md sections 2 to 5, 7 and 8.
 *
 * What the client reads beyond what this store writes (`-1`, `-ERR:`, `DEL`) is in answers.spec.ts and the unit tests; the laws of
 * the clock are in hlc.spec.ts.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connectAsync, type IPublishPacket, type MqttClient } from 'mqtt';
import type { StateStoreEngine } from '../../src/emulator/engine';
import { Emulator } from '../../src/emulator/index';
import { type KeyChange, StateStoreClient } from '../../src/index';
import { formatHlc } from '../../src/protocol/hlc';
import { REQUEST_TOPIC, responseTopic } from '../../src/protocol/topics';
import { rejectsWith } from '../support/assertions';
import { requireProgram, startMosquitto } from '../support/mosquitto';
import { serveStore } from '../support/store-adapter';

interface Backend {
  port: number;
  engine: StateStoreEngine;
  close(): Promise<void>;
}

const BACKENDS: Record<string, (context: Mocha.Context) => Promise<Backend>> = {
  'the emulator': () => Emulator.start({ port: 0 }),
  'the engine behind Mosquitto': async (context) => {
    requireProgram(context, 'mosquitto');
    const mosquitto = await startMosquitto();
    const adapter = await serveStore({ port: mosquitto.port });
    return {
      port: mosquitto.port,
      engine: adapter.engine,
      close: async () => {
        await adapter.close();
        await mosquitto.stop();
      },
    };
  },
};

/** What a case works with: two clients, a key of its own, and a version that can be a fencing token. */
interface Bench {
  store: StateStoreClient;
  writer: StateStoreClient;
  key: string;
  token: string;
}

/** Collects changes and waits for a number of them. */
class Watcher {
  readonly changes: string[] = [];
  #arrived: (() => void) | undefined;

  readonly handler = (change: KeyChange) => {
    this.changes.push(change.operation === 'set' ? `set ${change.value}` : 'delete');
    this.#arrived?.();
  };

  async told(count: number): Promise<string[]> {
    while (this.changes.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return this.changes;
  }
}

const fenced = async ({ store, key, token }: Bench) => {
  await store.set(key, 'v', { fencingToken: token });
};
const REQUIRED = { code: 'FENCING_TOKEN_REQUIRED' };

const CASES: [group: string, number: number, name: string, run: (bench: Bench) => Promise<void>][] = [
  ['SET', 1, 'a new key', async ({ store, key }) => assert.equal((await store.set(key, 'v')).stored, true)],
  [
    'SET',
    2,
    'an existing key',
    async ({ store, key }) => {
      const first = await store.set(key, 'v');
      const second = await store.set(key, 'w');
      assert.ok(second.stored && (second.version as string) > (first.version as string));
    },
  ],
  [
    'SET',
    3,
    'with a fencing token where one is required',
    async (bench) => {
      await fenced(bench);
      assert.equal((await bench.store.set(bench.key, 'w', { fencingToken: bench.token })).stored, true);
    },
  ],
  [
    'SET',
    4,
    'without a fencing token where one is required',
    async (bench) => {
      await fenced(bench);
      await rejectsWith(bench.store.set(bench.key, 'w'), REQUIRED);
    },
  ],
  [
    'SET',
    5,
    'with a fencing token where none is required',
    async ({ store, key, token }) => {
      await store.set(key, 'v');
      assert.equal((await store.set(key, 'w', { fencingToken: token })).stored, true);
    },
  ],
  [
    'SET',
    6,
    'without a fencing token where none is required',
    async ({ store, key }) => {
      assert.equal((await store.set(key, 'v')).stored, true);
    },
  ],
  [
    'SET',
    7,
    'with an expiry',
    async ({ store, key }) => {
      // On a busy machine the first ones may be over before they are looked at.
      let found = false;
      for (let expiry = 50; !found && expiry < 60_000; expiry *= 2)
        [, { found }] = await Promise.all([store.set(key, 'v', { expiry }), store.get(key)]);
      assert.equal(found, true);
      while ((await store.get(key)).found);
    },
  ],
  [
    'SET',
    8,
    'only if new, and it is',
    async ({ store, key }) => {
      assert.equal((await store.set(key, 'v', { condition: 'NX' })).stored, true);
    },
  ],
  [
    'SET',
    9,
    'only if new, and it is not',
    async ({ store, key }) => {
      await store.set(key, 'v');
      assert.equal((await store.set(key, 'w', { condition: 'NX' })).stored, false);
    },
  ],
  [
    'SET',
    10,
    'only if new or equal, and it is equal',
    async ({ store, key }) => {
      await store.set(key, 'v');
      assert.equal((await store.set(key, 'v', { condition: 'NEX' })).stored, true);
    },
  ],
  [
    'SET',
    11,
    'only if new or equal, and it is neither',
    async ({ store, key }) => {
      await store.set(key, 'v');
      assert.equal((await store.set(key, 'w', { condition: 'NEX' })).stored, false);
    },
  ],
  [
    'SET',
    12,
    'only if new or equal, and it is new',
    async ({ store, key }) => {
      assert.equal((await store.set(key, 'v', { condition: 'NEX' })).stored, true);
    },
  ],
  [
    'GET',
    13,
    'a key that exists',
    async ({ store, key }) => {
      const { version } = await store.set(key, 'v');
      assert.deepEqual(await store.get(key), { found: true, value: Buffer.from('v'), version });
    },
  ],
  [
    'GET',
    14,
    'a key that does not exist',
    async ({ store, key }) => assert.deepEqual(await store.get(key), { found: false }),
  ],
  [
    'DEL',
    15,
    'a key that exists',
    async ({ store, key }) => {
      await store.set(key, 'v');
      assert.equal((await store.delete(key)).deleted, true);
    },
  ],
  [
    'DEL',
    16,
    'a key that does not exist',
    async ({ store, key }) => {
      assert.deepEqual(await store.delete(key), { deleted: false, found: false });
    },
  ],
  [
    'DEL',
    17,
    'with a fencing token where one is required',
    async (bench) => {
      await fenced(bench);
      assert.equal((await bench.store.delete(bench.key, { fencingToken: bench.token })).deleted, true);
    },
  ],
  [
    'DEL',
    18,
    'without a fencing token where one is required',
    async (bench) => {
      await fenced(bench);
      await rejectsWith(bench.store.delete(bench.key), REQUIRED);
    },
  ],
  [
    'DEL',
    19,
    'without a fencing token where none is required',
    async ({ store, key }) => {
      await store.set(key, 'v');
      assert.equal((await store.delete(key)).deleted, true);
    },
  ],
  [
    'VDEL',
    20,
    'the value matches',
    async ({ store, key }) => {
      await store.set(key, 'v');
      assert.equal((await store.deleteIfValue(key, 'v')).deleted, true);
    },
  ],
  [
    'VDEL',
    21,
    'the key does not exist',
    async ({ store, key }) => {
      assert.deepEqual(await store.deleteIfValue(key, 'v'), { deleted: false, found: false });
    },
  ],
  [
    'VDEL',
    22,
    'the value does not match',
    async ({ store, key }) => {
      await store.set(key, 'v');
      assert.deepEqual(await store.deleteIfValue(key, 'w'), { deleted: false, found: true });
    },
  ],
  [
    'VDEL',
    23,
    'with a fencing token where one is required',
    async (bench) => {
      await fenced(bench);
      assert.equal(
        (await bench.store.deleteIfValue(bench.key, 'v', { fencingToken: bench.token })).deleted,
        true,
      );
    },
  ],
  [
    'VDEL',
    24,
    'without a fencing token where one is required',
    async (bench) => {
      await fenced(bench);
      await rejectsWith(bench.store.deleteIfValue(bench.key, 'v'), REQUIRED);
    },
  ],
  [
    'VDEL',
    25,
    'without a fencing token where none is required',
    async ({ store, key }) => {
      await store.set(key, 'v');
      assert.equal((await store.deleteIfValue(key, 'v')).deleted, true);
    },
  ],
  [
    'OBSERVE',
    26,
    'a key that exists',
    async ({ store, key }) => {
      await store.set(key, 'v');
      assert.ok(await store.observe(key, () => undefined));
    },
  ],
  [
    'OBSERVE',
    27,
    'a key that does not exist',
    async ({ store, key }) => {
      assert.ok(await store.observe(key, () => undefined));
    },
  ],
  [
    'OBSERVE',
    28,
    'a key that is observed already: both are told',
    async ({ store, writer, key }) => {
      const [one, two] = [new Watcher(), new Watcher()];
      await store.observe(key, one.handler);
      await store.observe(key, two.handler);
      await writer.set(key, 'v');
      assert.deepEqual([await one.told(1), await two.told(1)], [['set v'], ['set v']]);
    },
  ],
  [
    'OBSERVE',
    29,
    'a key whose first observation was closed: the second goes on',
    async ({ store, writer, key }) => {
      const [one, two] = [new Watcher(), new Watcher()];
      const first = await store.observe(key, one.handler);
      await store.observe(key, two.handler);
      await first.close();
      await writer.set(key, 'v');
      assert.deepEqual([await two.told(1), one.changes], [['set v'], []]);
    },
  ],
  [
    'OBSERVE',
    30,
    'again after unobserving',
    async ({ store, writer, key }) => {
      const watcher = new Watcher();
      await (await store.observe(key, watcher.handler)).close();
      await store.observe(key, watcher.handler);
      await writer.set(key, 'v');
      assert.deepEqual(await watcher.told(1), ['set v']);
    },
  ],
  [
    'UNOBSERVE',
    31,
    'a key that is observed',
    async ({ store, key }) => {
      const observation = await store.observe(key, () => undefined);
      await observation.close();
      assert.equal(store.observed, 0);
    },
  ],
  [
    'UNOBSERVE',
    32,
    'a key that is not observed any more: nothing happens',
    async ({ store, key }) => {
      const observation = await store.observe(key, () => undefined);
      await observation.close();
      await observation.close();
    },
  ],
  [
    'NOTIFICATION',
    33,
    'of a set',
    async ({ store, writer, key }) => {
      const watcher = new Watcher();
      await store.observe(key, watcher.handler);
      await writer.set(key, 'v1');
      assert.deepEqual(await watcher.told(1), ['set v1']);
    },
  ],
  [
    'NOTIFICATION',
    34,
    'of a delete',
    async ({ store, writer, key }) => {
      const watcher = new Watcher();
      await writer.set(key, 'v');
      await store.observe(key, watcher.handler);
      await writer.delete(key);
      assert.deepEqual(await watcher.told(1), ['delete']);
    },
  ],
  [
    'NOTIFICATION',
    35,
    'of what happens while observing, and of nothing else',
    async ({ store, writer, key }) => {
      const watcher = new Watcher();
      await writer.set(key, 'v1');
      await writer.delete(key);
      const observation = await store.observe(key, watcher.handler);
      await writer.set(key, 'v2');
      await writer.delete(key);
      await writer.set(key, 'v3');
      await watcher.told(3);
      await observation.close();
      await writer.set(key, 'v4');
      await writer.delete(key);
      await store.get(key);
      assert.deepEqual(watcher.changes, ['set v2', 'delete', 'set v3']);
    },
  ],
  [
    'NOTIFICATION',
    36,
    'of an expiry',
    async ({ store, writer, key }) => {
      const watcher = new Watcher();
      await store.observe(key, watcher.handler);
      await writer.set(key, 'v', { expiry: 30 });
      // Behind Mosquitto no timer checks the expiry: the next request does.
      while (watcher.changes.length < 2) await writer.get(key);
      assert.deepEqual(watcher.changes, ['set v', 'delete']);
    },
  ],
  [
    'SHUTDOWN',
    37,
    'ends an observation',
    async ({ store, key }) => {
      const observation = await store.observe(key);
      const rest = (async () => {
        const changes: KeyChange[] = [];
        for await (const change of observation) changes.push(change);
        return changes;
      })();
      await store.close();
      assert.deepEqual(await rest, []);
    },
  ],
];

const bulk = (...items: string[]) =>
  `*${items.length}\r\n${items.map((one) => `$${Buffer.byteLength(one)}\r\n${one}\r\n`).join('')}`;
const now = (ahead = 0) => formatHlc({ wallClockMs: Date.now() + ahead, counter: 0, nodeId: 'wire' });
const CLOCKS = 'ensure that the client and broker system clocks are synchronized';

/** What goes in and what must come back, in order; `{k}` is a key of the row's own. */
type Exchange = [request: string, reply: string, properties?: () => Record<string, string>];

const WIRE: Record<string, Exchange[]> = {
  'SET, GET, DEL': [
    [bulk('GET', '{k}'), '$-1\r\n'],
    [bulk('SET', '{k}', 'v'), '+OK\r\n'],
    [bulk('GET', '{k}'), '$1\r\nv\r\n'],
    [bulk('DEL', '{k}'), ':1\r\n'],
    [bulk('DEL', '{k}'), ':0\r\n'],
  ],
  'an empty value is a value': [
    [bulk('SET', '{k}', ''), '+OK\r\n'],
    [bulk('GET', '{k}'), '$0\r\n\r\n'],
  ],
  'NX and NEX, bare, before PX': [
    [bulk('SET', '{k}', 'v', 'NX', 'PX', '60000'), '+OK\r\n'],
    [bulk('SET', '{k}', 'w', 'NX'), ':-1\r\n'],
    [bulk('SET', '{k}', 'v', 'NEX', 'PX', '60000'), '+OK\r\n'],
    [bulk('SET', '{k}', 'w', 'NEX'), ':-1\r\n'],
  ],
  VDEL: [
    [bulk('VDEL', '{k}', 'v'), ':0\r\n'],
    [bulk('SET', '{k}', 'v'), '+OK\r\n'],
    [bulk('VDEL', '{k}', 'w'), ':-1\r\n'],
    [bulk('VDEL', '{k}', 'v'), ':1\r\n'],
  ],
  'KEYNOTIFY and STOP, :0 where nothing changes': [
    [bulk('KEYNOTIFY', '{k}', 'STOP'), ':0\r\n'],
    [bulk('KEYNOTIFY', '{k}'), '+OK\r\n'],
    [bulk('KEYNOTIFY', '{k}'), ':0\r\n'],
    [bulk('KEYNOTIFY', '{k}', 'STOP'), '+OK\r\n'],
  ],
  'a key of no length': [
    [bulk('SET', '', 'v'), '-ERR the key length is zero\r\n'],
    [bulk('GET', ''), '-ERR the key length is zero\r\n'],
  ],
  'what is no request': [
    ['hello', '-ERR syntax error\r\n'],
    [bulk('FLY', '{k}'), '-ERR unknown command\r\n'],
    [bulk('GET'), '-ERR wrong number of arguments\r\n'],
    [bulk('SET', '{k}'), '-ERR wrong number of arguments\r\n'],
    [bulk('SET', '{k}', 'v', 'PX', '0'), '-ERR syntax error\r\n'],
    [bulk('SET', '{k}', 'v', 'XX'), '-ERR syntax error\r\n'],
  ],
  timestamps: [
    [bulk('SET', '{k}', 'v'), '-ERR missing timestamp\r\n', () => ({})],
    [bulk('SET', '{k}', 'v'), '-ERR malformed timestamp\r\n', () => ({ __ts: 'noon' })],
    [
      bulk('SET', '{k}', 'v'),
      `-ERR the request timestamp is too far in the future; ${CLOCKS}\r\n`,
      () => ({ __ts: now(90_000) }),
    ],
    [bulk('SET', '{k}', 'v'), '+OK\r\n', () => ({ __ts: now(-90_000) })],
    [bulk('SET', '{k}', 'v'), '+OK\r\n', () => ({ __ts: `${Date.now()}:0:unpadded` })],
  ],
  'fencing tokens': [
    [bulk('SET', '{k}', 'v'), '-ERR malformed timestamp\r\n', () => ({ __ts: now(), __ft: 'x' })],
    [
      bulk('SET', '{k}', 'v'),
      `-ERR the request fencing token timestamp is too far in the future; ${CLOCKS}\r\n`,
      () => ({ __ts: now(), __ft: now(90_000) }),
    ],
    [bulk('SET', '{k}', 'v'), '+OK\r\n', () => ({ __ts: now(), __ft: '2000:0:a' })],
    [bulk('SET', '{k}', 'v'), '-ERR a fencing token is required for this request\r\n'],
    [
      bulk('DEL', '{k}'),
      '-ERR the request fencing token is a lower version than the fencing token protecting the resource\r\n',
      () => ({ __ts: now(), __ft: '1000:0:a' }),
    ],
    [bulk('GET', '{k}'), '$1\r\nv\r\n'],
    [bulk('VDEL', '{k}', 'v'), ':1\r\n', () => ({ __ts: now(), __ft: '2000:0:b' })],
  ],
};

for (const [name, start] of Object.entries(BACKENDS)) {
  describe(`The protocol with ${name}`, () => {
    let backend: Backend;
    let bench: Bench;
    let wire: MqttClient;

    before(async function () {
      backend = await start(this);
      wire = await connectAsync({
        port: backend.port,
        protocolVersion: 5,
        clientId: 'wire',
        reconnectPeriod: 0,
      });
      await wire.subscribeAsync(responseTopic('wire'), { qos: 1 });
    });
    after(async () => {
      await wire?.endAsync(true);
      await backend?.close();
    });
    beforeEach(async () => {
      const [store, writer] = [1, 2].map(
        () => new StateStoreClient({ host: '127.0.0.1', port: backend.port }),
      );
      bench = { store, writer, key: randomUUID(), token: '' } as Bench;
      bench.token = (await bench.writer.set('lock', 'v')).version as string;
    });
    afterEach(async () => {
      await bench.store.close();
      await bench.writer.close();
    });

    for (const [group, number, title, run] of CASES) {
      it(`${group} ${number}: ${title}`, () => run(bench));
    }

    it('a key that no rule allows', async () => {
      const { store, key } = bench;
      const { engine } = backend;
      engine.authorize = (_client, access) => access === 'Read';
      await rejectsWith(store.set(key, 'v'), { code: 'NOT_AUTHORIZED', key });
      await rejectsWith(store.delete(key), { code: 'NOT_AUTHORIZED' });
      assert.equal((await store.get(key)).found, false);
      engine.authorize = (_client, access) => access === 'Write';
      await rejectsWith(store.get(key), { code: 'NOT_AUTHORIZED' });
      await rejectsWith(store.observe(key), { code: 'NOT_AUTHORIZED', operation: 'observe' });
      engine.authorize = () => true;
    });

    it('more keys than the quota', async () => {
      const { store, key } = bench;
      const { engine } = backend;
      engine.keyQuota = engine.size;
      await rejectsWith(store.set(key, 'v'), { code: 'QUOTA_EXCEEDED', key });
      engine.keyQuota = Number.POSITIVE_INFINITY;
      assert.equal((await store.set(key, 'v')).stored, true);
    });

    it('keys that cannot be observed: none, and those over 30,000 bytes', async () => {
      const { store } = bench;
      await rejectsWith(store.observe(''), { code: 'BAD_ARGUMENT' });
      await rejectsWith(store.observe('k'.repeat(30_001)), { code: 'BAD_ARGUMENT' });
    });

    it('an observation ends with its signal, and with the connection', async () => {
      const { store, writer, key } = bench;
      const watcher = new Watcher();
      const abort = new AbortController();
      await store.observe(key, watcher.handler, { signal: abort.signal });
      await writer.set(key, '1');
      await watcher.told(1);
      abort.abort();
      assert.equal(store.observed, 0);
      await assert.rejects(store.observe(key, watcher.handler, { signal: abort.signal }), {
        name: 'AbortError',
      });
      await writer.set(key, '2');
      await store.get(key);
      assert.deepEqual(watcher.changes, ['set 1']);
    });

    for (const [title, exchanges] of Object.entries(WIRE)) {
      it(`on the wire: ${title}`, async () => {
        const key = randomUUID();
        for (const [request, reply, sent = () => ({ __ts: now() })] of exchanges) {
          const payload = request.replaceAll('$3\r\n{k}', `$${key.length}\r\n${key}`);
          const correlationData = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
          const answer = new Promise<[Buffer, IPublishPacket]>((resolve) =>
            wire.once('message', (_topic, bytes, packet) => resolve([bytes, packet])),
          );
          wire.publish(REQUEST_TOPIC, payload, {
            qos: 1,
            properties: {
              responseTopic: responseTopic('wire'),
              correlationData,
              ...(Object.keys(sent()).length > 0 && { userProperties: sent() }),
            },
          });
          const [bytes, packet] = await answer;
          const properties = packet.properties ?? {};
          assert.equal(bytes.toString(), reply, payload);
          assert.deepEqual(properties.correlationData, correlationData);
          const { __stat, __ts } = properties.userProperties ?? {};
          assert.equal(__stat, '200');
          if (reply === '+OK\r\n' || reply === ':1\r\n') assert.match(__ts as string, /^\d{15}:\d{5}:/);
          if (reply === '$-1\r\n' || reply === ':0\r\n')
            assert.ok(__ts === undefined || payload.includes('KEYNOTIFY'));
        }
      });
    }
  });
}
