import assert from 'node:assert/strict';
import { events, type NodeStatus } from 'node-red';
import { Emulator } from '../../src/emulator/index';
import { type Definition, Flow } from '../support/flow';
import { type Mosquitto, requireProgram, startMosquitto } from '../support/mosquitto';
import { freePort } from '../support/ports';
import { type ScriptedStore, startScriptedStore } from '../support/scripted-store';

/** A message for each node that uses a store, and what its definition needs. */
const MESSAGES: Record<string, { definition?: object; msg?: Record<string, unknown> }> = {
  'statestore-set': {},
  'statestore-get': {},
  'statestore-delete': {},
  'statestore-update': {},
  'statestore-observe': { definition: { mode: 'messages', keys: '' }, msg: { topic: 'k' } },
  'statestore-leader': {},
  'statestore-lock': {},
};
/** Reasons why a store cannot be used before anything was sent, and their statuses. */
const UNUSABLE = [
  ['no store', (definition: Definition) => Flow.start(0, definition), 'status.noStore'],
  [
    'wrong settings of the store',
    (definition: Definition) => Flow.start(1883, definition, { clientId: 'a/b' }),
    'status.badSettings',
  ],
] as const;

describe('The life of a node', () => {
  let flow: Flow;

  it('without a store says what to do, for every message', async () => {
    flow = await Flow.start(0, { type: 'statestore-set', key: 'k' });
    const outcome = await flow.send({ payload: 1 });
    assert.equal(outcome.kind, 'failed');
    assert.match(
      outcome.kind === 'failed' ? outcome.message : '',
      /^This node has no store\. Open the node and select or add one\./,
    );
    await flow.stop();
  });

  it('with wrong settings of the store says which', async () => {
    flow = await Flow.start(1883, { type: 'statestore-get', key: 'k' }, { clientId: 'a/b' });
    const outcome = await flow.send();
    assert.equal(outcome.kind, 'failed');
    assert.match(
      outcome.kind === 'failed' ? outcome.message : '',
      /^"Client ID" of this store must not contain \/ \+ #, but is "a\/b"\.$/,
    );
    await flow.stop();
  });

  for (const [type, more] of Object.entries(MESSAGES)) {
    for (const [what, start, status] of UNUSABLE) {
      it(`${type} with ${what} stays red, and each message fails with its error`, async () => {
        const shown: NodeStatus[] = [];
        const record = ({ id, status: one }: { id: string; status: NodeStatus }) =>
          id === 'n' && shown.push(one);
        events.on('node-status', record);
        flow = await start({ type, key: 'k', ...more.definition });
        for (let i = 1; i <= 3; i++) {
          const error = await flow.settle({ payload: i, ...more.msg });
          assert.ok(error !== 'done');
          assert.equal(error.code, 'BAD_ARGUMENT');
        }
        const text = `@edgestate/node-red-statestore/statestore-config:statestore.${status}`;
        const red = { fill: 'red', shape: 'ring', text };
        assert.deepEqual(shown, [red], 'while it is deployed');
        await flow.stop();
        events.off('node-status', record);
        assert.deepEqual(shown, [red, {}], 'when it is closed');
      });
    }
  }

  it('keeps messages while there is no broker, shows how many, and sends them when it comes', async () => {
    const port = await freePort();
    flow = await Flow.start(port, { type: 'statestore-set', key: 'topic', keyType: 'msg' });
    await flow.status('status.reason.nothingListens');
    const messages = Array.from({ length: 30 }, (_, i) => flow.send({ payload: i, topic: `k${i}` }));
    const waiting = await flow.status('status.queued');
    assert.equal((waiting as { fill: string }).fill, 'red');
    assert.match((waiting as { text: string }).text, /nothingListens, .*queued$/, 'and why');
    const emulator = await Emulator.start({ port });
    const outcomes = await Promise.all(messages);
    assert.ok(outcomes.every(({ kind }) => kind === 'sent'));
    assert.equal(emulator.keys, 30);
    const connected = await flow.status('status.connected');
    assert.equal((connected as { fill: string }).fill, 'green');
    await flow.stop();
    await emulator.close();
  });

  it('fails a message in time when there is no broker, with the reason', async () => {
    const port = await freePort();
    flow = await Flow.start(port, { type: 'statestore-get', key: 'k' }, { timeout: 0.3 });
    const outcome = await flow.send();
    assert.ok(outcome.kind === 'failed');
    assert.equal(outcome.code, 'NOT_CONNECTED');
    assert.match(
      outcome.message,
      /^Connection refused by 127\.0\.0\.1:\d+: key k was not read, and nothing was sent\. Check host and port/,
    );
    await flow.stop();
  });

  it('is never green while the store cannot be used', async () => {
    const emulator = await Emulator.start({ port: 0 });
    const { port } = emulator;
    flow = await Flow.start(port, { type: 'statestore-get', key: 'k' });
    await flow.status('status.connected');
    await emulator.close();
    await flow.status('status.reason.nothingListens');
    await flow.stop();
    const greens = flow.statuses.filter((one) => typeof one === 'object' && one.fill === 'green');
    assert.equal(greens.length, 1);
  });

  describe('with Mosquitto, which is not a state store', () => {
    let mosquitto: Mosquitto;
    before(async function () {
      requireProgram(this, 'mosquitto');
      mosquitto = await startMosquitto();
    });
    after(() => mosquitto?.stop());

    it('says exactly that', async () => {
      flow = await Flow.start(mosquitto.port, { type: 'statestore-set', key: 'k' });
      const outcome = await flow.send({ payload: 1 });
      assert.ok(outcome.kind === 'failed');
      assert.equal(outcome.code, 'REFUSED');
      assert.match(
        outcome.message,
        /^There is no state store on this broker: no matching subscribers \(0x10\)/,
      );
      await flow.status('status.reason.noStateStore');
      await flow.stop();
    });
  });

  it('asks to keep a key on disk in the words of the store', async () => {
    const server = await startScriptedStore();
    for (const [persist, settings, expected] of [
      [true, {}, { 'aio-persistence': 'true' }],
      [true, { persistName: 'keep', persistValue: 'yes' }, { keep: 'yes' }],
      [false, {}, {}],
      [false, { persistAll: true }, { 'aio-persistence': 'true' }],
    ] as const) {
      flow = await Flow.start(server.port, { type: 'statestore-set', key: 'k', persist }, settings);
      await flow.send({ payload: 1 });
      const properties = Object.entries(server.requests.at(-1)?.properties.userProperties ?? {});
      assert.deepEqual(Object.fromEntries(properties.filter(([name]) => !/^[_$]/.test(name))), expected);
      await flow.stop();
    }
    await server.close();
  });

  it('marks requests as control traffic, unless the store does not want that', async () => {
    const server = await startScriptedStore();
    for (const [settings, expected] of [
      [{}, ''],
      [{ highPriority: true }, ''],
      [{ highPriority: false }, undefined],
    ] as const) {
      flow = await Flow.start(server.port, { type: 'statestore-set', key: 'k' }, settings);
      await flow.send({ payload: 1 });
      assert.equal(server.requests.at(-1)?.properties.userProperties?.$high_priority, expected);
      await flow.stop();
    }
    await server.close();
  });

  describe('when it is closed', () => {
    let server: ScriptedStore;
    beforeEach(async () => {
      server = await startScriptedStore();
    });
    afterEach(() => server.close());

    it('waits for messages in flight', async () => {
      flow = await Flow.start(server.port, { type: 'statestore-set', key: 'k' });
      const asked = new Promise<void>((resolve) => {
        server.answer = ({ respond }) => {
          resolve();
          setTimeout(() => respond('+OK\r\n'), 200);
        };
      });
      const outcome = flow.handle({ payload: 1 });
      await asked;
      await flow.stop();
      assert.equal(await outcome, 'send');
    });

    it('sets no status any more, which would be that of the next deploy', async () => {
      flow = await Flow.start(server.port, { type: 'statestore-set', key: 'k' });
      await flow.status('status.connected');
      const { node } = flow;
      const { _inputCallback: late } = node as unknown as { _inputCallback(...args: unknown[]): void };
      await flow.stop();
      const shown: string[] = [];
      const record = ({ id }: { id: string }) => shown.push(id);
      events.on('node-status', record);
      const error = await new Promise<{ code: string }>((resolve) =>
        late.call(node, { payload: 1 }, assert.fail, resolve),
      );
      events.off('node-status', record);
      assert.equal(error.code, 'CLOSED');
      assert.deepEqual(shown, []);
    });

    it('fails slow requests with CLOSED, and ends the connection', async () => {
      flow = await Flow.start(server.port, { type: 'statestore-set', key: 'k' });
      const asked = new Promise<void>((resolve) => {
        server.answer = () => resolve();
      });
      const outcome = flow.handle({ payload: 1 });
      await asked;
      const begin = Date.now();
      await flow.stop();
      assert.ok(Date.now() - begin >= 1900, 'it was given its time');
      const error = await outcome;
      assert.ok(error !== 'send');
      assert.equal(error.code, 'CLOSED');
      assert.match(
        error.message,
        /^The node was closed before the store responded\. The set may or may not have been applied\. Get the key/,
      );
      await server.empty();
    });
  });

  it('offline for longer than the deadline, with more messages than the queue holds: each fails for its own reason', async () => {
    // The longer 20,000 messages take, the longer is the pause before the next attempt to connect: a minute at most.
    const port = await freePort();
    flow = await Flow.start(
      port,
      { type: 'statestore-set', key: 'topic', keyType: 'msg' },
      { timeout: 0.5, queueLimit: 100 },
    );
    await flow.status('status.reason.nothingListens');
    const outcomes = await Promise.all(
      Array.from({ length: 20_000 }, (_, i) => flow.send({ topic: `k${i}`, payload: i })),
    );
    const codes = outcomes.map((one) => (one.kind === 'failed' ? one.code : one.kind));
    assert.deepEqual(codes.slice(0, 100), Array(100).fill('NOT_CONNECTED'));
    assert.deepEqual(codes.slice(100), Array(19_900).fill('QUEUE_FULL'));
    const emulator = await Emulator.start({ port });
    while ((await flow.send({ topic: 'afterwards', payload: 1 })).kind !== 'sent');
    assert.equal(emulator.keys, 1, 'nothing that failed was written');
    await flow.stop();
    await emulator.close();
  });
});
