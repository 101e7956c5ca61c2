/** The active/standby node: two candidates, in one Node-RED and on a connection each, on one emulator. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { Emulator, EmulatorRules } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { compareHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { Canvas, type NodeDefinition } from '../support/canvas';
import { FaultProxy } from '../support/fault-proxy';
import { freePort } from '../support/ports';

const type = 'statestore-leader';
const leader = (id: string, more: object = {}): NodeDefinition => ({
  ...{ id, type, role: 'pump', store: id, candidate: id, outputs: 3 },
  ...more,
});
const LEFT = leader('left');
const RIGHT = leader('right');
const STANDBY_FOR = (holder: string | undefined) => ({
  ...{ operation: 'leader', key: 'pump', active: false },
  ...(holder && { holder }),
});
const ACTIVE = (holder: string) => ({ operation: 'leader', key: 'pump', active: true, holder });

describe('The active/standby node', () => {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let canvas: Canvas;
  let observer: StateStoreClient;

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    observer = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  });
  afterEach(async () => {
    proxy.heal();
    await canvas.stop();
    await observer.close();
    await proxy.close();
    await emulator.close();
  });

  /** Both on the canvas; the left one, behind the proxy, is active. */
  const start = async (more: object = {}) => {
    canvas = await Canvas.start({ left: proxy.port, right: emulator.port }, [leader('left', more)]);
    await canvas.until(() => canvas.shown('left') === 'green active');
  };
  const startBoth = async (more: object = {}) => {
    await start(more);
    await canvas.redeploy([leader('left', more), leader('right', more)]);
    await canvas.until(() => canvas.shown('right') === 'blue standbyOf');
  };
  /** What the third output of a node said, in order. */
  const changes = (id: string) =>
    canvas.from(id, 3).map(({ payload, topic, statestore }) => {
      assert.equal(topic, 'pump');
      return [payload, statestore];
    });
  const isNewer = (a: unknown, b: unknown) =>
    compareHlc(parseHlc(a as string) as Hlc, parseHlc(b as string) as Hlc) > 0;

  it('lets messages pass while active, with the token, and sends them by the second output while standing by', async () => {
    await startBoth();
    assert.equal(await canvas.send('left', { payload: 1, topic: 'a' }), undefined);
    assert.equal(await canvas.send('right', { payload: 2, topic: 'b' }), undefined);
    const passed = await canvas.until(() => canvas.from('left', 1)[0]);
    assert.deepEqual([passed?.payload, passed?.topic], [1, 'a']);
    assert.deepEqual(passed?.statestore, ACTIVE('left'));
    assert.ok(parseHlc(passed?.fencingToken as string));
    const held = await canvas.until(() => canvas.from('right', 2)[0]);
    assert.deepEqual([held?.payload, held?.topic, held?.fencingToken], [2, 'b', undefined]);
    assert.deepEqual(held?.statestore, STANDBY_FOR('left'));
    assert.deepEqual([canvas.from('left', 2), canvas.from('right', 1)], [[], []]);
    const token = passed?.fencingToken as string;
    assert.equal((await observer.set('speed', '1', { fencingToken: token })).stored, true);
  });

  it('drops messages while standing by where it has one output, and is done with them', async () => {
    await startBoth({ outputs: 1 });
    assert.equal(await canvas.send('right'), undefined);
    assert.deepEqual(
      canvas.sent.filter(({ from }) => from === 'right'),
      [],
    );
  });

  it('sends each change of role by the third output, with the active instance', async () => {
    await startBoth();
    await canvas.redeploy([RIGHT]);
    await canvas.until(() => canvas.shown('right') === 'green active');
    await canvas.redeploy([RIGHT, LEFT]);
    await canvas.until(() => changes('right').length === 2);
    assert.deepEqual(changes('right'), [
      ['standby', STANDBY_FOR('left')],
      ['active', ACTIVE('right')],
    ]);
  });

  it('hands over at once when it is removed', async () => {
    await startBoth({ lease: '300' });
    await canvas.redeploy([leader('right', { lease: '300' })]);
    await canvas.until(() => canvas.shown('right') === 'green active'); // in far less time than the lease
    const got = await observer.get('pump');
    assert.ok(got.found && got.value.toString().startsWith('right:'));
  });

  it('hands over on request of a message, and gets the role again when the other node resigns', async () => {
    await startBoth();
    assert.equal(await canvas.send('left', { payload: 1 }), undefined);
    assert.equal(await canvas.send('left', { action: 'resign' }), undefined);
    await canvas.until(() => canvas.shown('right') === 'green active');
    assert.equal(await canvas.send('right', { payload: 2 }), undefined);
    await canvas.until(() => changes('left').length === 3);
    assert.equal(await canvas.send('right', { action: 'resign' }), undefined);
    await canvas.until(() => changes('left').length === 4);
    assert.deepEqual(changes('left'), [
      ['active', ACTIVE('left')],
      ['standby', STANDBY_FOR(undefined)],
      ['standby', STANDBY_FOR('right')],
      ['active', ACTIVE('left')],
    ]);
    const [first] = canvas.from('left', 1);
    const [second] = canvas.from('right', 1);
    assert.equal(canvas.from('left', 1).length, 1, 'the message that says so ends there');
    assert.ok(isNewer(second?.fencingToken, first?.fencingToken));
  });

  it('that is on standby has nothing to resign, and completes the message', async () => {
    await startBoth();
    assert.equal(await canvas.send('right', { action: 'resign' }), undefined);
    assert.equal(canvas.shown('left'), 'green active');
  });

  it('that is cut off changes to standby before another node is active, and reports it', async () => {
    await startBoth({ lease: 1 });
    proxy.frozen = true;
    const told = (id: string, role: string) =>
      canvas.sent.find(({ from, msg }) => from === id && msg.payload === role);
    const active = await canvas.until(() => told('right', 'active'));
    assert.ok((told('left', 'standby')?.at ?? Number.POSITIVE_INFINITY) < active.at);
    await canvas.send('left', { payload: 1 });
    assert.deepEqual(canvas.from('left', 1), []);
    proxy.heal();
    await canvas.until(
      () => JSON.stringify(changes('left').at(-1)) === JSON.stringify(['standby', STANDBY_FOR('right')]),
    );
  });

  it('whose broker is gone shows why in red, passes messages as long as the lease lasts, and is never green', async () => {
    await start({ lease: 2 });
    const begin = performance.now();
    proxy.refusing = true;
    proxy.cut();
    await canvas.until(() => canvas.shown('left').startsWith('red reason.'));
    await canvas.send('left', { payload: 1 });
    if (performance.now() - begin < 1000) assert.equal(canvas.from('left', 1).length, 1);
    await canvas.until(() => changes('left').at(-1)?.[0] === 'standby');
    await canvas.send('left', { payload: 2 });
    assert.equal(canvas.from('left', 2).at(-1)?.payload, 2);
    assert.match(canvas.shown('left'), /^(red|yellow) /);
    proxy.refusing = false;
    await canvas.until(() => canvas.shown('left') === 'green active');
  });

  it('does not pass a message as active when the process was paused longer than the lease', async () => {
    await start({ lease: 1 });
    const outputs: unknown[] = [];
    const { _inputCallback } = canvas.node('left') as unknown as { _inputCallback(...args: unknown[]): void };
    const pass = () =>
      _inputCallback.call(
        canvas.node('left'),
        { _msgid: 'm' },
        (out: unknown) => outputs.push(out),
        () => undefined,
      );
    pass();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100);
    pass(); // no timer has run since
    assert.equal((outputs[0] as { statestore: { active: boolean } }).statestore.active, true);
    assert.equal((outputs[1] as [null, { statestore: { active: boolean } }])[1].statestore.active, false);
  });

  it('excludes another one with the same role on the same store and with the same name', async () => {
    canvas = await Canvas.start({ store: emulator.port }, [
      leader('one', { store: 'store', candidate: '' }),
      leader('two', { store: 'store', candidate: '' }),
    ]);
    const shown = () => [canvas.shown('one'), canvas.shown('two')].sort();
    await canvas.until(() => shown().join() === 'blue standbyOf,green active');
    const got = await observer.get('pump');
    assert.ok(got.found && got.value.toString().startsWith(`${hostname()}:`));
    const [active, standby] = canvas.shown('one').startsWith('green') ? ['one', 'two'] : ['two', 'one'];
    await canvas.send(active as string, { action: 'resign' });
    await canvas.until(() => canvas.shown(standby as string) === 'green active');
  });

  it('excludes a lock of the same name', async () => {
    await observer.set('pump', 'somebody');
    canvas = await Canvas.start({ left: emulator.port }, [LEFT]);
    await canvas.until(() => changes('left').length);
    assert.deepEqual(changes('left'), [['standby', STANDBY_FOR('somebody')]]);
    await observer.delete('pump');
    await canvas.until(() => canvas.shown('left') === 'green active');
  });

  it('takes the role as soon as the store can be reached', async () => {
    const port = await freePort();
    canvas = await Canvas.start({ left: port }, [leader('left', { lease: 1 })]);
    await canvas.until(() => canvas.shown('left') === 'red reason.nothingListens');
    assert.equal(await canvas.send('left', { payload: 1 }), undefined);
    assert.deepEqual(canvas.from('left', 2)[0]?.statestore, STANDBY_FOR(undefined));
    const late = await Emulator.start({ port });
    await canvas.until(() => canvas.shown('left') === 'green active');
    await canvas.stop();
    await late.close();
  });

  it('that is closed without a connection is closed soon, and leaves no request behind', async () => {
    canvas = await Canvas.start({ left: await freePort() }, [leader('left', { lease: 300 })]);
    await canvas.until(() => canvas.shown('left') === 'red reason.nothingListens');
    const begin = performance.now();
    await canvas.redeploy([]);
    assert.ok(performance.now() - begin < 1900);
  });

  it('without the right to the role says which key and what to allow, in red, and goes on when it is allowed', async () => {
    const rules = EmulatorRules.parse(
      'spec:\n  authorizationPolicies:\n    rules:\n      - principals:\n          clientIds: ["*"]\n        stateStoreResources:\n          - method: ReadWrite\n            keyType: Pattern\n            keys: ["line1/*"]\n',
    );
    const strict = await Emulator.start({ port: 0, rules });
    canvas = await Canvas.start({ left: strict.port }, [LEFT]);
    const error = await canvas.until(() => canvas.caught[0]);
    assert.equal(error.code, 'NOT_AUTHORIZED');
    assert.match(
      error.message,
      /does not allow this client to use the role pump\. .* grants ReadWrite to the key pump\.$/,
    );
    assert.equal(canvas.shown('left'), 'red error.NOT_AUTHORIZED');
    await canvas.send('left', { payload: 1 });
    assert.equal(canvas.from('left', 2).length, 1);
    assert.equal(canvas.shown('left'), 'red error.NOT_AUTHORIZED', 'messages do not change that');
    assert.equal(canvas.caught.length, 1);
    await canvas.redeploy([leader('left', { role: 'line1/pump' })]);
    await canvas.until(() => canvas.shown('left') === 'green active');
    await canvas.stop();
    await strict.close();
  });

  for (const [what, definition, message] of [
    ['no role', { role: ' ' }, /^This node has no role\. Open the node and enter/],
    [
      'a lease that is too short',
      { lease: '0.5' },
      /^The lease of this node must be a number of seconds from 1 to 300, not "0\.5"/,
    ],
    ['a lease that is too long', { lease: 301 }, /not "301"/],
    ['a lease that is no number', { lease: 'ten' }, /not "ten"/],
    [
      'a variable that is not set',
      { candidate: ['$', '{NO_SUCH_NAME}'].join('') },
      /environment variable NO_SUCH_NAME, which is not set/,
    ],
  ] as const) {
    it(`with ${what} says so, in red and for every message`, async () => {
      canvas = await Canvas.start({ left: emulator.port }, [leader('left', definition)]);
      await canvas.until(() => canvas.shown('left') === 'red badNode');
      for (let i = 0; i < 2; i++) {
        const error = await canvas.send('left');
        assert.equal(error?.code, 'BAD_ARGUMENT');
        assert.match(error?.message as string, message);
      }
      assert.equal(canvas.shown('left'), 'red badNode');
      assert.equal(emulator.keys, 0);
    });
  }

  for (const action of ['Resign', 'stop', 1, {}]) {
    it(`asked for the action ${JSON.stringify(action)} says what it can do, and stays what it is`, async () => {
      await start();
      const error = await canvas.send('left', { action });
      assert.equal(error?.code, 'BAD_ARGUMENT');
      assert.match(error?.message as string, /^msg\.action is .*, but must be "resign", or missing\./);
      assert.equal(canvas.shown('left'), 'green active');
      assert.deepEqual([canvas.from('left', 1), canvas.from('left', 2)], [[], []]);
    });
  }

  it('is removed a hundred times and leaves neither keys nor connections nor timers', async () => {
    await start();
    const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
    const before = timers();
    for (let i = 0; i < 100; i++) await canvas.redeploy([leader('left', { candidate: `name ${i}` })]);
    await canvas.until(() => canvas.shown('left') === 'green active');
    while (timers() > before + 2) await new Promise((resolve) => setImmediate(resolve));
    await canvas.redeploy([]);
    assert.equal(emulator.keys, 1, 'the marker of the memory of the store');
    while (emulator.clients > 0) await once(emulator, 'change');
  });
});
