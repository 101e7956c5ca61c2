/** One observation: its loop, its handler, its end, its time, and its options. */
import assert from 'node:assert/strict';
import { EventEmitter, getEventListeners, once } from 'node:events';
import { generate, type IPublishPacket } from 'mqtt-packet';
import { Election, Lease, Lock } from '../../src/coordination/index';
import { Emulator } from '../../src/emulator/index';
import { json, type KeyChange, type Observation, StateStoreClient, text } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { answer, ByteBroker, MQTT5 } from '../support/byte-broker';
import { FaultProxy } from '../support/fault-proxy';

const shown = (change: KeyChange) => (change.operation === 'set' ? String(change.value) : 'deleted');

describe('An observation', () => {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let store: StateStoreClient;
  let writer: StateStoreClient;

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    store = new StateStoreClient({ host: '127.0.0.1', port: proxy.port, clientId: 'me' });
    writer = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  });
  afterEach(async () => {
    await store.close();
    await writer.close();
    await proxy.close();
    await emulator.close();
  });

  /** The commands that the emulator executes from now on. */
  const commands = () => {
    const seen: string[] = [];
    const execute = emulator.engine.execute.bind(emulator.engine);
    emulator.engine.execute = (request, ...times) => {
      const payload = request.payload.toString('latin1');
      if (payload.includes('KEYNOTIFY')) seen.push(payload.includes('STOP') ? 'STOP' : 'KEYNOTIFY');
      return execute(request, ...times);
    };
    return seen;
  };

  it('stops when its loop is left with break, return or an error', async () => {
    const seen = commands();
    const leave = async (how: 'break' | 'return' | 'throw') => {
      const observation = await store.observe('k', { current: true });
      for await (const change of observation) {
        assert.equal(shown(change), 'a');
        if (how === 'break') break;
        if (how === 'return') return observation;
        throw new Error('enough');
      }
      return observation;
    };
    await writer.set('k', 'a');
    for (const how of ['break', 'return', 'throw'] as const) {
      await leave(how).catch((error) => assert.equal(error.message, 'enough'));
      assert.equal(store.observed, 0, how);
    }
    assert.deepEqual(seen, ['KEYNOTIFY', 'STOP', 'KEYNOTIFY', 'STOP', 'KEYNOTIFY', 'STOP']);
  });

  it('ends its loop with the error when the store refuses the key after a reconnect', async () => {
    const observation = await store.observe('k');
    const lost = once(store, 'observationLost');
    const loop = (async () => {
      for await (const change of observation) assert.fail(shown(change));
    })();
    emulator.engine.authorize = (_id, access) => access === 'Write';
    proxy.cut();
    await rejectsWith(loop, { code: 'NOT_AUTHORIZED', operation: 'observe', key: 'k' });
    assert.equal((await observation.closed)?.code, 'NOT_AUTHORIZED');
    assert.equal(String((await lost)[0]), 'k');
    assert.equal(store.observed, 0);
  });

  it('ends its loop with the error when another client takes the client ID', async () => {
    const observation = await store.observe('k');
    const loop = (async () => {
      for await (const change of observation) assert.fail(shown(change));
    })();
    const ended = rejectsWith(loop, { code: 'NOT_CONNECTED', operation: 'observe', key: 'k' });
    const thief = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, clientId: 'me' });
    await thief.connect();
    await ended;
    assert.equal(store.observed, 0);
    await thief.close();
  });

  it('ends its loop without an error when the client is closed, after the changes that wait', async () => {
    const observation = await store.observe('k');
    await writer.set('k', 'a');
    await store.set('other', 'its response comes after the notification');
    await store.close();
    const seen: string[] = [];
    for await (const change of observation) seen.push(shown(change));
    assert.deepEqual(seen, ['a']);
    assert.equal(await observation.closed, undefined);
  });

  it('has one reader: a second loop, or a loop beside a handler, is refused', async () => {
    const observation = await store.observe('k');
    observation[Symbol.asyncIterator]();
    assert.throws(() => observation[Symbol.asyncIterator](), {
      code: 'BAD_ARGUMENT',
      message: /another loop/,
    });
    const handled = await store.observe('k', () => undefined);
    assert.throws(() => handled[Symbol.asyncIterator](), { code: 'BAD_ARGUMENT', message: /its handler/ });
  });

  it('returns from a loop while a change is awaited', async () => {
    const iterator = (await store.observe('k'))[Symbol.asyncIterator]();
    const waiting = [iterator.next(), iterator.next()];
    await iterator.return?.();
    assert.deepEqual(await Promise.all(waiting), Array(2).fill({ done: true, value: undefined }));
  });

  it('keeps the newest 1,000 changes for a slow reader, and counts the others', async () => {
    const observation = await store.observe('k');
    await store.setMany(Array.from({ length: 3000 }, (_, i) => ['k', String(i)] as const));
    await store.get('k');
    assert.equal(observation.dropped, 2000);
    let next = 2000;
    for await (const change of observation) {
      assert.equal(shown(change), String(next++));
      if (next === 3000) break;
    }
  });

  it('keeps the newest change for a slow reader, however large it is', async () => {
    const observation = await store.observe('k');
    for (const size of [3, 3, 3, 3, 3, 3]) await store.set('k', Buffer.alloc(size * 2 ** 20));
    await store.get('k');
    assert.equal(observation.dropped, 1);
  });

  it('can be closed and left alone while its client is closed', async () => {
    const observation = await store.observe('k');
    const closing = [observation.close(), store.close()];
    await Promise.all(closing);
  });

  it('reports a handler that throws or rejects as an event, and goes on', async () => {
    const failures: [string, unknown][] = [];
    store.on('observationError', (key, error) => failures.push([String(key), error]));
    const seen: string[] = [];
    await store.observe('k', () => {
      throw new Error('thrown');
    });
    await store.observe('k', async () => {
      throw new Error('rejected');
    });
    const done = new EventEmitter();
    await store.observe('k', (change) => {
      seen.push(shown(change));
      done.emit('change');
    });
    for (const value of ['a', 'b']) {
      const change = once(done, 'change');
      await writer.set('k', value);
      await change;
    }
    assert.deepEqual(seen, ['a', 'b']);
    assert.deepEqual(failures.map(([key, error]) => `${key}: ${(error as Error).message}`).sort(), [
      'k: rejected',
      'k: rejected',
      'k: thrown',
      'k: thrown',
    ]);
  });

  it('keeps no message from others when a listener of its failures throws', async () => {
    const raised: string[] = [];
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => raised.push(error.message));
    try {
      store.on('observationError', () => {
        throw new Error('in the listener');
      });
      await store.observe('k', () => {
        throw new Error('in the handler');
      });
      // The responses to both, and the notifications between them, come together.
      await Promise.all(['a', 'b'].map((value) => store.set('k', value, { timeout: 1500 })));
      assert.deepEqual(raised, ['in the listener', 'in the listener']);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of before) process.on('uncaughtException', listener);
    }
  });

  it('warns when an asynchronous handler rejects and nothing listens', async () => {
    const warned = once(process, 'warning');
    await store.observe('k', async () => {
      throw new Error('rejected without a listener');
    });
    await writer.set('k', 'a');
    assert.match(String((await warned)[0]), /rejected without a listener/);
  });

  it('gives each observer bytes of its own', async () => {
    const changes: KeyChange[] = [];
    const first = await store.observe('k');
    const second = await store.observe('k');
    await writer.set('k', 'aaaa');
    for (const observation of [first, second]) {
      for await (const change of observation) {
        if (change.operation === 'set') change.value.fill('x', 0, 2);
        change.key.fill('x');
        changes.push(change);
        break;
      }
    }
    assert.deepEqual(changes.map(shown), ['xxaa', 'xxaa']);
    assert.equal(store.observed, 0);
  });

  it('listens to a signal once for any number of observations, and no more when the client is closed', async () => {
    const abort = new AbortController();
    for (let i = 0; i < 20; i++) await store.observe(`key/${i}`, () => undefined, { signal: abort.signal });
    assert.equal(getEventListeners(abort.signal, 'abort').length, 1);
    await store.close();
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  });

  it('is closed by its signal', async () => {
    const abort = new AbortController();
    const observation = await store.observe('k', { signal: abort.signal });
    const loop = (async () => {
      for await (const change of observation) assert.fail(shown(change));
    })();
    abort.abort();
    await loop;
    assert.equal(store.observed, 0);
  });

  it('is disposed of at the end of a block', async () => {
    const observation: AsyncDisposable = await store.observe('k');
    await observation[Symbol.asyncDispose]();
    assert.equal(store.observed, 0);
    await (store as AsyncDisposable)[Symbol.asyncDispose]();
    assert.equal(store.state.kind, 'closed');
  });

  it('has values of the type of a codec', async () => {
    const settings = store.withCodec(json<{ limit: number }>());
    const observation: Observation<{ limit: number }> = await settings.observe('k');
    await settings.set('k', { limit: 5 });
    const got = await settings.get('k');
    assert.deepEqual(got.found && got.value.limit, 5);
    await writer.set('k', 'no JSON');
    await rejectsWith(settings.get('k'), {
      code: 'BAD_RESPONSE',
      operation: 'get',
      key: 'k',
      retryable: false,
    });
    const seen: number[] = [];
    const loop = (async () => {
      for await (const change of observation) if (change.operation === 'set') seen.push(change.value.limit);
    })();
    await rejectsWith(loop, { code: 'BAD_RESPONSE', operation: 'observe', key: 'k' });
    assert.deepEqual(seen, [5]);
    const circle: { limit: number; self?: unknown } = { limit: 1 };
    circle.self = circle;
    await rejectsWith(settings.set('k', circle), { code: 'BAD_ARGUMENT', operation: 'set', key: 'k' });
    await rejectsWith(store.withCodec(json<undefined>()).set('k', undefined), { code: 'BAD_ARGUMENT' });
    const words = store.withCodec(text);
    await words.set('k', 'größer');
    assert.deepEqual((await words.deleteIfValue('k', 'größer')).deleted, true);
    await store.set('k', Buffer.from([0xff]));
    await rejectsWith(words.get('k'), { code: 'BAD_RESPONSE' });
  });
});

describe('Locks, leases, roles and the emulator', () => {
  it('are disposed of at the end of a block', async () => {
    const emulator = await Emulator.start({ port: 0 });
    const store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    const lease = new Lease(store, 'lease');
    assert.equal(await lease.tryAcquire(), true);
    const hold = await new Lock(store, 'lock').acquire();
    const election = new Election(store, 'role');
    election.start();
    while (!election.active) await once(election, 'change');
    const disposables: AsyncDisposable[] = [lease, hold ?? assert.fail(), election];
    for (const one of disposables) await one[Symbol.asyncDispose]();
    for (const key of ['lease', 'lock', 'role']) assert.equal((await store.get(key)).found, false, key);
    const owners: AsyncDisposable[] = [store, emulator];
    for (const one of owners) await one[Symbol.asyncDispose]();
  });
});

describe('A key that cannot be observed yet', () => {
  let broker: ByteBroker;
  let store: StateStoreClient;
  /** The verbs that were received. */
  let asked: string[];
  let respond: (packet: IPublishPacket, verb: string) => Buffer | undefined;

  beforeEach(async () => {
    broker = new ByteBroker();
    asked = [];
    respond = (packet, verb) => answer(packet, verb === 'GET' ? '$-1\r\n' : '+OK\r\n', { __stat: '200' });
    broker.on('packet', (packet, socket) => {
      if (packet.cmd !== 'publish') return;
      const payload = String(packet.payload);
      const verb = ['STOP', 'KEYNOTIFY', 'GET'].find((one) => payload.includes(one)) ?? '';
      asked.push(verb);
      socket.write(generate({ cmd: 'puback', messageId: packet.messageId as number, reasonCode: 0 }, MQTT5));
      const response = respond(packet, verb);
      if (response) socket.write(response);
    });
    store = new StateStoreClient({ host: '127.0.0.1', port: await broker.listen(), timeout: 20_000 });
  });
  afterEach(async () => {
    const closed = store.close();
    await broker.close();
    await closed;
  });

  for (const step of ['CONNECT', 'SUBSCRIBE', 'KEYNOTIFY', 'GET']) {
    it(`ends in its one timeout while ${step} has no response`, async () => {
      let late: StateStoreClient | undefined;
      if (step === 'CONNECT') {
        late = new StateStoreClient({ host: '127.0.0.1', port: 1, timeout: 20_000 });
      } else {
        await store.connect();
        if (step === 'SUBSCRIBE') broker.onSubscribe = () => undefined;
        const usual = respond;
        respond = (packet, verb) => (verb === step ? undefined : usual(packet, verb));
      }
      const begin = performance.now();
      await rejectsWith((late ?? store).observe('k', { timeout: 150 }), {
        code: step === 'CONNECT' ? 'NOT_CONNECTED' : 'TIMEOUT',
        operation: 'observe',
        key: 'k',
      });
      assert.ok(performance.now() - begin < 5000);
      await late?.close();
    });
  }

  for (const step of ['KEYNOTIFY', 'GET']) {
    it(`is stopped at the store when ${step} fails in a way that leaves it observed`, async () => {
      await store.connect();
      const usual = respond;
      const stopped = new Promise<void>((resolve) => {
        respond = (packet, verb) => {
          if (verb === 'STOP') resolve();
          return verb === step ? answer(packet, '', { __stat: '503' }) : usual(packet, verb);
        };
      });
      await rejectsWith(store.observe('k'), {
        code: 'UNKNOWN',
        operation: 'observe',
        key: 'k',
        retryable: true,
      });
      await stopped;
    });
  }

  it('is not stopped at the store when the store refused to observe it', async () => {
    await store.connect();
    respond = (packet, verb) => answer(packet, verb === 'KEYNOTIFY' ? '-ERR not authorized\r\n' : '$-1\r\n');
    await rejectsWith(store.observe('k'), { code: 'NOT_AUTHORIZED', operation: 'observe', key: 'k' });
    await store.get('k');
    assert.deepEqual(asked, ['KEYNOTIFY', 'GET']);
  });

  it('is stopped at the store again after a STOP that failed', async () => {
    const observation = await store.observe('k');
    let failures = 2;
    const usual = respond;
    const stopped = new Promise<void>((resolve) => {
      respond = (packet, verb) => {
        if (verb !== 'STOP') return usual(packet, verb);
        if (failures-- > 0) return answer(packet, '', { __stat: '503' });
        resolve();
        return usual(packet, verb);
      };
    });
    await observation.close();
    await stopped;
    assert.deepEqual(asked, ['KEYNOTIFY', 'GET', 'STOP', 'STOP', 'STOP']);
  });
});

describe('Options', () => {
  let emulator: Emulator;
  let store: StateStoreClient;

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  });
  afterEach(async () => {
    await store.close();
    await emulator.close();
  });

  /** Calls as JavaScript can make them. */
  type Loose = Record<string, (...parameters: unknown[]) => Promise<unknown>>;
  const loose = (): Loose => store as unknown as Loose;

  const CALLS: [name: string, parameters: unknown[]][] = [
    ['connect', []],
    ['get', ['k']],
    ['set', ['k', 'v']],
    ['delete', ['k']],
    ['deleteIfValue', ['k', 'v']],
    ['observe', ['k']],
    ['observe', ['k', () => undefined]],
  ];
  const WRONG: [title: string, options: unknown, message: RegExp][] = [
    ...[Number.POSITIVE_INFINITY, 2 ** 31, Number.NaN, -5, 0, 1.5, '100', null].map(
      (timeout): [string, unknown, RegExp] => [
        `timeout ${timeout}`,
        { timeout },
        /^timeout must be a whole number from 1 to 2147483647, not /,
      ],
    ),
    ['an AbortController as signal', { signal: new AbortController() }, /^signal must be an AbortSignal/],
    ['a misspelled name', { timeuot: 5 }, /^timeuot is not a known option/],
    ['the name of a member of every object', { constructor: 5 }, /^constructor is not a known option/],
    ['null', null, /^options must be an object, not null/],
    ['a number', 5, /^options must be an object, not 5/],
  ];
  for (const [title, options, message] of WRONG) {
    it(`of any call are refused by name: ${title}`, async () => {
      for (const [name, parameters] of CALLS) {
        const call = loose()[name]?.call(store, ...parameters, options) as Promise<unknown>;
        await rejectsWith(call, { code: 'BAD_ARGUMENT', message });
      }
      assert.equal(store.state.kind, 'closed', 'nothing was opened');
    });
  }

  for (const [title, options, message] of [
    ['an unknown name', { timeuot: 5 }, /^timeuot is not a known option/],
    ['an unknown name in tls', { tls: { verfiy: true } }, /^tls\.verfiy is not a known option/],
    ['tls of a wrong type', { tls: 'yes' }, /^tls must be an object, not "yes"/],
    ['a number as host', { host: 5 }, /^host must be a string/],
    ['a number as clientId', { clientId: 5 }, /^clientId must be a string/],
    ['a number as keyPrefix', { keyPrefix: 5 }, /^keyPrefix must be a string/],
    ['an empty persistence', { persistence: {} }, /^persistence needs a name and a value/],
    ['a text as cleanStart', { cleanStart: 'no' }, /^cleanStart must be true or false/],
    [
      'a U+0000 in persistence',
      { persistence: { name: 'a\0', value: '' } },
      /^persistence\.name must not contain/,
    ],
    ['null', null, /^options must be an object/],
  ] as [string, object, RegExp][]) {
    it(`of a client are refused by name: ${title}`, () => {
      assert.throws(() => new StateStoreClient(options), { code: 'BAD_ARGUMENT', message });
    });
  }

  it('are refused for characters that MQTT forbids, and the connection goes on', async () => {
    await store.set('k', 'v');
    for (const end of ['\0', '\u0007', '\ud800', '\ufffe'])
      await rejectsWith(store.set('k', 'v', { fencingToken: `001737000000000:00000:name${end}` }), {
        code: 'BAD_ARGUMENT',
        message: /^fencingToken must/,
      });
    assert.equal((await store.get('k')).found, true);
    assert.equal(store.state.kind, 'connected');
  });

  it('of many keys need a list', async () => {
    for (const name of ['setMany', 'getMany', 'deleteMany'])
      for (const list of [null, 5, 'k', Buffer.from('k')])
        await rejectsWith(loose()[name]?.call(store, list) as Promise<unknown>, {
          code: 'BAD_ARGUMENT',
          message: /^(entries|keys) must be an array/,
        });
  });

  it('are not needed for small values to keep no large chunk in memory', async () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `key/${i}`);
    await store.setMany(keys.map((key) => [key, 'small'] as const));
    for (const got of await store.getMany(keys))
      assert.ok('value' in got && got.value.buffer.byteLength <= 8192);
  });
});
