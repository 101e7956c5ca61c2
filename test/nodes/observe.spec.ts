import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { Flow, type Outcome } from '../support/flow';
import { freePort } from '../support/ports';
import { startScriptedStore } from '../support/scripted-store';

describe('The node observe', () => {
  let emulator: Emulator;
  let store: StateStoreClient;
  let flow: Flow;

  before(async () => {
    emulator = await Emulator.start({ port: 0 });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    await store.connect();
  });
  after(async () => {
    await store.close();
    await emulator.close();
  });
  afterEach(() => flow.stop());

  const start = async (
    definition: Record<string, unknown>,
    port = emulator.port,
    settings: Record<string, unknown> = {},
  ) => {
    const defaults = {
      type: 'statestore-observe',
      ...{ mode: 'fixed', keys: '', format: 'auto-detect', current: false, onlyChanges: false },
    };
    flow = await Flow.start(port, { ...defaults, ...definition }, settings);
  };
  const sent = async (count: number): Promise<unknown[]> => {
    while (flow.outcomes.length < count)
      await new Promise<void>((resolve) => flow.once('outcome', () => resolve()));
    return flow.outcomes.map((outcome: Outcome) => {
      const { topic, payload, statestore } = outcome.msg as unknown as {
        topic: string;
        payload: unknown;
        statestore: { operation: string };
      };
      return [topic, payload, statestore.operation];
    });
  };
  const observing = (keys: 'observing' | 'observingOne' = 'observing') => flow.status(`status.${keys}`);

  it('tries a fixed key again whose request got no answer in time', async () => {
    const silent = await startScriptedStore();
    silent.answer = () => undefined;
    try {
      await start({ keys: 'o/late' }, silent.port, { timeout: 1 });
      await flow.status('status.error.TIMEOUT');
      silent.answer = ({ command, respond }) => respond(command.verb === 'GET' ? '$-1\r\n' : '+OK\r\n');
      await observing('observingOne');
    } finally {
      await flow.stop();
      await silent.close();
    }
  });

  it('tries a fixed key again that the store refuses for a reason that passes', async () => {
    const full = await startScriptedStore();
    full.answer = ({ respond }) => respond('-ERR the quota has been exceeded\r\n');
    try {
      await start({ keys: 'o/full' }, full.port);
      await flow.status('status.error.QUOTA_EXCEEDED');
      full.answer = ({ command, respond }) => respond(command.verb === 'GET' ? '$-1\r\n' : '+OK\r\n');
      await observing('observingOne');
    } finally {
      await flow.stop();
      await full.close();
    }
  });

  it('sends every change of fixed keys, with key, value, operation and version', async () => {
    await start({ keys: 'o/1\n o/2 \n\n' });
    await observing();
    const { version } = await store.set('o/1', '{"a":1}');
    await store.set('o/2', 'text');
    await store.set('o/3', 'not observed');
    await store.delete('o/1');
    assert.deepEqual(await sent(3), [
      ['o/1', { a: 1 }, 'set'],
      ['o/2', 'text', 'set'],
      ['o/1', undefined, 'delete'],
    ]);
    assert.deepEqual(flow.outcomes[0]?.msg.statestore, { operation: 'set', key: 'o/1', version });
  });

  it('sends the current value first if asked to, and omits messages without a change', async () => {
    await store.set('o/c', '1');
    await start({ keys: 'o/c\no/none', current: true, onlyChanges: true });
    await sent(1);
    await store.set('o/c', '1');
    await store.set('o/c', '2');
    await store.delete('o/c');
    await store.set('o/c', '2');
    assert.deepEqual(await sent(4), [
      ['o/c', 1, 'set'],
      ['o/c', 2, 'set'],
      ['o/c', undefined, 'delete'],
      ['o/c', 2, 'set'],
    ]);
  });

  it('sends gone keys by the second output with the default value, also keys that are missing on start', async () => {
    await store.set('o/here', '5');
    await start({
      ...{ keys: 'o/here\no/never', current: true, onlyChanges: true, outputs: 2 },
      ...{ gone: 'default', default: '0', defaultType: 'num', missing: true },
    });
    await sent(2);
    await store.delete('o/here');
    await sent(3);
    const told = flow.outcomes.map((outcome) => [
      outcome.msg.topic,
      outcome.msg.payload,
      outcome.kind === 'sent' && outcome.output,
    ]);
    assert.deepEqual(told.slice(0, 2).sort(), [
      ['o/here', 5, 0],
      ['o/never', 0, 1],
    ]);
    assert.deepEqual(told[2], ['o/here', 0, 1]);
  });

  it('reports a default value that cannot be read when a key is gone', async () => {
    await store.set('o/bad', '5');
    await start({ keys: 'o/bad', gone: 'default', default: '{', defaultType: 'json' });
    await observing('observingOne');
    await store.delete('o/bad');
    await flow.status('status.error.BAD_ARGUMENT');
  });

  it('observes what messages name, until they say otherwise', async () => {
    await start({ mode: 'messages' });
    assert.equal(await flow.settle({ topic: ['m/1', 'm/2'] }), 'done');
    assert.equal(await flow.settle({ topic: 'm/1', action: 'observe' }), 'done', 'twice is once');
    await store.set('m/1', '1');
    await store.set('m/2', '1');
    await sent(2);
    assert.equal(await flow.settle({ topic: 'm/1', action: 'unobserve' }), 'done');
    await store.set('m/1', '2');
    await store.set('m/2', '2');
    assert.deepEqual((await sent(3)).at(-1), ['m/2', 2, 'set']);
  });

  for (const [name, msg, message] of [
    ['no key', {}, /^msg\.topic is undefined, but the key to observe must be/],
    ['an empty key in a list', { topic: ['a', ''] }, /^msg\.topic\[1\] is empty/],
    [
      'an unknown action',
      { topic: 'a', action: 'watch' },
      /^msg\.action is "watch", but must be "observe" or "unobserve"/,
    ],
    ['a key that is too long', { topic: 'x'.repeat(30_001) }, /30000 bytes/],
  ] as const) {
    it(`${name}: one clear error`, async () => {
      await start({ mode: 'messages' });
      const error = await flow.settle({ ...msg });
      assert.ok(error !== 'done');
      assert.equal(error.code, 'BAD_ARGUMENT');
      assert.match(error.message, message);
    });
  }

  it('is red for a value that cannot be read until one can', async () => {
    await start({ keys: 'o/json', format: 'json' });
    await observing('observingOne');
    await store.set('o/json', 'x');
    await flow.status('status.error.BAD_RESPONSE');
    await store.set('o/json', '1');
    while (flow.outcomes.at(-1)?.kind !== 'sent') await once(flow, 'outcome');
    assert.deepEqual(
      flow.outcomes.map(({ kind, msg }) => [kind, msg.payload]),
      [
        ['failed', undefined],
        ['sent', 1],
      ],
    );
    await observing('observingOne');
    assert.equal(flow.statuses.at(-1)?.fill, 'green');
  });

  it('distinguishes keys that are not text', async () => {
    await start({ mode: 'messages' });
    const [first, second] = [Buffer.from([0xff]), Buffer.from([0xfe])];
    assert.equal(await flow.settle({ topic: first }), 'done');
    assert.equal(await flow.settle({ topic: second }), 'done');
    assert.equal(await flow.settle({ topic: first, action: 'unobserve' }), 'done');
    await store.set(second, '2');
    assert.deepEqual(await sent(1), [['0xfe', 2, 'set']]);
  });

  it('observes fixed keys as soon as there is a broker', async () => {
    const port = await freePort();
    await start({ keys: 'late', current: true }, port);
    await flow.status('status.reason.nothingListens');
    const late = await Emulator.start({ port });
    const writer = new StateStoreClient({ host: '127.0.0.1', port });
    await writer.set('late', '1');
    assert.deepEqual(await sent(1), [['late', 1, 'set']]);
    await writer.close();
    await late.close();
  });

  it('sends KEYNOTIFY STOP when it is closed', async () => {
    await start({ keys: 'closing' });
    await observing('observingOne');
    await flow.stop();
    await store.set('closing', '1');
    assert.equal(flow.outcomes.length, 0);
  });
});
