/** The nodes lock and unlock in Node-RED's runtime, on one emulator. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { Lock } from '../../src/coordination/index';
import { Emulator, EmulatorRules } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { compareHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { Canvas, type NodeDefinition } from '../support/canvas';
import { FaultProxy } from '../support/fault-proxy';
import { handle, type Message } from '../support/flow';
import { freePort } from '../support/ports';

const lock = (id: string, more: object = {}): NodeDefinition => ({
  ...{ id, type: 'statestore-lock', key: 'printer', store: 'near' },
  ...more,
});
const UNLOCK: NodeDefinition = { id: 'unlock', type: 'statestore-unlock' };

describe('The nodes lock and unlock', () => {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let canvas: Canvas;
  let other: StateStoreClient;

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    other = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  });
  afterEach(async () => {
    proxy.heal();
    await canvas.stop();
    await other.close();
    await proxy.close();
    await emulator.close();
  });

  const start = async (...nodes: NodeDefinition[]) => {
    canvas = await Canvas.start({ near: emulator.port, far: proxy.port }, [...nodes, UNLOCK]);
  };
  /** Sends a message into a lock node and resolves with it as it leaves by the first output. */
  const take = async (id: string, properties: object = {}): Promise<Message> => {
    const _msgid = randomUUID();
    canvas.node(id).receive({ ...properties, _msgid } as never);
    return canvas.until(() => canvas.from(id, 1).find((msg) => msg._msgid === _msgid));
  };
  /** Sends a copy of a message into the unlock node and resolves with it as it leaves. */
  const giveBack = async (msg: Message): Promise<Message> => {
    const after = canvas.from('unlock', 1).length;
    const error = await canvas.send('unlock', JSON.parse(JSON.stringify(msg)));
    assert.equal(error, undefined);
    return canvas.until(() => canvas.from('unlock', 1)[after]);
  };
  const isStored = async (key: string) => (await other.get(key)).found;
  const LOCKED = { operation: 'lock', key: 'printer', acquired: true };
  const UNLOCKED = { operation: 'unlock', key: 'printer', released: true };

  it('give a message a lock with a token, and take both from it again', async () => {
    await start(lock('one'));
    await canvas.until(() => canvas.shown('one') === 'green idle');
    const taken = await take('one', { payload: 1, topic: 'a' });
    assert.deepEqual([taken.payload, taken.topic, taken.statestore], [1, 'a', LOCKED]);
    assert.ok(parseHlc(taken.fencingToken as string));
    assert.equal(await isStored('printer'), true);
    await canvas.until(() => canvas.shown('one') === 'blue held');
    const { _msgid, ...given } = await giveBack(taken);
    assert.deepEqual(given, { payload: 1, topic: 'a', statestore: UNLOCKED });
    assert.equal(await isStored('printer'), false);
    await canvas.until(() => canvas.shown('one') === 'green idle');
  });

  it('let messages have the lock in their order, one at a time, each with a newer token', async () => {
    await start(lock('one'), lock('two'));
    const ids = ['one', 'two', 'one', 'one', 'two'];
    const waiting = ids.map((id, payload) => take(id, { payload }));
    await canvas.until(() => canvas.shown('two') === 'yellow waiting');
    const tokens: string[] = [];
    for (const [payload, one] of waiting.entries()) {
      const msg = await one;
      const all = canvas.sent.filter(({ from, output }) => from !== 'unlock' && output === 1);
      assert.equal(all.length, payload + 1, 'the next one waits');
      assert.equal(msg.payload, payload);
      tokens.push(msg.fencingToken as string);
      await giveBack(msg);
    }
    const newest = tokens.map((token) => parseHlc(token) as Hlc);
    for (const [i, token] of newest.slice(1).entries()) assert.ok(compareHlc(token, newest[i] as Hlc) > 0);
    await canvas.until(() => canvas.shown('two') === 'green idle');
  });

  it('exclude each other on two connections, and report the holder if the lock is not free in time', async () => {
    await start(lock('one'), lock('two', { store: 'far', wait: '0.2' }), lock('three', { wait: 0.2 }));
    const taken = await take('one');
    const [holder] = (await other
      .get('printer')
      .then((got) => got.found && got.value.toString().split(':'))) as [string];
    assert.equal(holder, hostname());
    for (const id of ['two', 'three']) {
      assert.equal(await canvas.send(id, { payload: 2 }), undefined);
      const [late] = canvas.from(id, 2);
      assert.deepEqual(late?.statestore, { operation: 'lock', key: 'printer', acquired: false, holder }, id);
      assert.deepEqual([late?.payload, late?.fencingToken, late?.statestoreLock], [2, undefined, undefined]);
      assert.deepEqual(canvas.from(id, 1), []);
    }
    await giveBack(taken);
    await giveBack(await take('two'));
  });

  it('keep the lock for as long as the message is on its way, however short the lease', async () => {
    await start(lock('one', { lease: 1 }));
    const taken = await take('one');
    let renewals = 0;
    await other.observe('printer', () => renewals++);
    while (renewals < 4) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual((await giveBack(taken)).statestore, UNLOCKED);
  });

  it('take the name of the lock from the message', async () => {
    await start(lock('one', { key: 'topic', keyType: 'msg' }));
    const [a, b] = [await take('one', { topic: 'a' }), await take('one', { topic: 7 })];
    assert.deepEqual([await isStored('a'), await isStored('7')], [true, true]);
    await giveBack(a);
    assert.deepEqual([await isStored('a'), await isStored('7')], [false, true]);
    await giveBack(b);
    const error = await canvas.send('one', {});
    assert.equal(error?.code, 'BAD_ARGUMENT');
    assert.match(error?.message as string, /^msg\.topic is undefined, but the key to lock must be text/);
    assert.deepEqual(error?.msg.statestore, { operation: 'lock', error: 'BAD_ARGUMENT' });
  });

  it('fail a message that cannot be extended, and keep no lock for it', async () => {
    await start(lock('one'));
    const settle = (id: string) =>
      new Promise<{ code: string } | undefined>((resolve) => {
        const msg = Object.preventExtensions({ _msgid: randomUUID() });
        handle(canvas.node(id), msg, () => assert.fail(), resolve);
      });
    assert.equal((await settle('one'))?.code, 'UNKNOWN');
    assert.equal((await settle('unlock'))?.code, 'BAD_ARGUMENT');
    await giveBack(await take('one'));
  });

  it('fail a message that does not get the lock in time, if the second output leads nowhere', async () => {
    await start(lock('one'), lock('two', { wait: '0.2', wires: [['two/1']] }));
    const taken = await take('one');
    const error = await canvas.send('two', {});
    assert.equal(error?.code, 'NOT_FREE');
    assert.match(
      error?.message as string,
      /^The lock printer was not free within 0\.2 s: it is held by .*\. Connect the second output/,
    );
    assert.deepEqual(error?.msg.statestore, { operation: 'lock', key: 'printer', error: 'NOT_FREE' });
    await canvas.until(() => canvas.shown('two') === 'red error.NOT_FREE');
    await giveBack(taken);
    await giveBack(await take('two'));
    await canvas.until(() => canvas.shown('two') === 'green idle');
  });

  it('fail a message that cannot be sent once, and keep no lock for it', async () => {
    await start(lock('one'));
    const outcomes: unknown[] = [];
    await new Promise<void>((resolve) => {
      const unsendable = () => {
        throw new Error('cannot be cloned');
      };
      handle(canvas.node('one'), { _msgid: randomUUID() }, unsendable, (error) => {
        outcomes.push(error?.message);
        resolve();
      });
    });
    assert.deepEqual(outcomes, ['cannot be cloned']);
    await giveBack(await take('one'));
  });

  it('nest: the last lock is released first, and each token is restored', async () => {
    await start(lock('outer', { key: 'a' }), lock('inner', { key: 'b' }));
    const outer = await take('outer', { fencingToken: 'mine' });
    const tokenOfOuter = outer.fencingToken;
    const inner = await take('inner', JSON.parse(JSON.stringify(outer)));
    assert.notEqual(inner.fencingToken, tokenOfOuter);
    const once = await giveBack(inner);
    assert.deepEqual([await isStored('a'), await isStored('b')], [true, false]);
    assert.deepEqual([once.fencingToken, once.statestoreLock], [tokenOfOuter, outer.statestoreLock]);
    const twice = await giveBack(once);
    assert.deepEqual([await isStored('a'), await isStored('b')], [false, false]);
    assert.deepEqual([twice.fencingToken, 'statestoreLock' in twice], ['mine', false]);
  });

  it('say which message held the lock for too long, and free it', async () => {
    await start(lock('one', { limit: '0.3' }));
    const taken = await take('one', { payload: 'stuck' });
    const next = take('one');
    const error = await canvas.until(() => canvas.caught[0]);
    assert.deepEqual([error.from, error.code, error.msg.payload], ['one', 'LEASE_LOST', 'stuck']);
    assert.match(
      error.message,
      new RegExp(
        `^The lock printer was released after 0\\.3 s, because its message did not reach an unlock node.*${taken._msgid}`,
      ),
    );
    const second = await next; // it is free
    const late = await canvas.send('unlock', JSON.parse(JSON.stringify(taken)));
    assert.deepEqual([late?.code, late?.message], ['LEASE_LOST', error.message]);
    assert.deepEqual(late?.msg.statestore, { operation: 'unlock', key: 'printer', error: 'LEASE_LOST' });
    assert.equal(late?.msg.statestoreLock, undefined);
    assert.equal(canvas.shown('unlock'), 'red error.LEASE_LOST');
    await giveBack(second);
    assert.equal(canvas.shown('unlock'), ' ');
  });

  it('report the loss of a lock to its message', async () => {
    await start(lock('one', { store: 'far', lease: 1 }));
    const taken = await take('one', { payload: 'far away' });
    proxy.frozen = true;
    const error = await canvas.until(() => canvas.caught[0]);
    assert.deepEqual([error.from, error.code, error.msg.payload], ['one', 'LEASE_LOST', 'far away']);
    assert.match(error.message, /^The lock printer was lost: it could not be renewed in time/);
    const late = await canvas.send('unlock', JSON.parse(JSON.stringify(taken)));
    assert.deepEqual([late?.code, late?.message], ['LEASE_LOST', error.message]);
  });

  it('do not treat a lock as held in a process that was paused longer than the lease', async () => {
    await start(lock('one', { lease: 1 }));
    const taken = await take('one');
    const codes: (string | undefined)[] = [];
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100);
    const settled = new Promise<void>((resolve) =>
      handle(
        canvas.node('unlock'),
        taken,
        () => assert.fail('it was not released'),
        (error) => {
          codes.push(error?.code);
          resolve();
        },
      ),
    );
    await settled;
    assert.deepEqual(codes, ['LEASE_LOST']);
  });

  for (const [what, properties, message] of [
    ['no lock', {}, /^This message does not hold a lock\. msg\.statestoreLock is missing\./],
    ['a list of nothing', { statestoreLock: [] }, /Its msg\.statestoreLock is \[\]\./],
    ['something else', { statestoreLock: 'printer' }, /Its msg\.statestoreLock is "printer"\./],
    [
      'the lock of another Node-RED',
      { statestoreLock: ['x'] },
      /is unknown\. Another Node-RED instance acquired it/,
    ],
  ] as const) {
    it(`cannot unlock a message with ${what}, and say so`, async () => {
      await start();
      const error = await canvas.send('unlock', properties);
      assert.equal(error?.code, 'BAD_ARGUMENT');
      assert.match(error?.message as string, message);
      assert.deepEqual(canvas.from('unlock', 1), []);
    });
  }

  it('give a lock back once, however many copies of the message there are', async () => {
    await start(lock('one'));
    const taken = await take('one');
    const next = take('one');
    await giveBack(taken);
    const second = await next;
    const error = await canvas.send('unlock', JSON.parse(JSON.stringify(taken)));
    assert.equal(error?.code, 'BAD_ARGUMENT');
    assert.match(error?.message as string, /^The lock printer in msg\.statestoreLock was already released/);
    assert.equal(await isStored('printer'), true, 'the next one still has it');
    await giveBack(second);
  });

  it('release held locks, and fail waiting messages, when the lock node is closed', async () => {
    await start(lock('one'), lock('two'));
    const taken = await take('one');
    const waiting = canvas.send('two');
    await canvas.until(() => canvas.shown('two') === 'yellow waiting');
    await canvas.redeploy([lock('one', { name: 'changed' }), UNLOCK]);
    const closed = await waiting;
    assert.equal(closed?.code, 'CLOSED');
    assert.match(closed?.message as string, /closed while the message waited for the lock printer\.$/);
    assert.equal(await isStored('printer'), false);
    const late = await canvas.send('unlock', JSON.parse(JSON.stringify(taken)));
    assert.equal(late?.code, 'LEASE_LOST');
    assert.match(
      late?.message as string,
      /was released while the message held it, because its lock node was closed/,
    );
    await giveBack(await take('one'));
  });

  it('are closed while a lock cannot be released, and report that this is not known', async () => {
    await start(lock('one', { store: 'far' }));
    const taken = await take('one');
    proxy.frozen = true;
    const sent: Message[] = [];
    handle(canvas.node('unlock'), taken, ((msg: Message) => sent.push(msg)) as never, () => undefined);
    await canvas.redeploy([]);
    assert.deepEqual(
      sent.map(({ statestore }) => statestore),
      [{ ...UNLOCKED, released: false }],
    );
  });

  it('wait for a store that cannot be reached no longer than for the lock', async () => {
    canvas = await Canvas.start({ near: await freePort() }, [lock('one', { wait: 0.5 })]);
    const error = await canvas.send('one');
    assert.equal(error?.code, 'NOT_CONNECTED');
    assert.match(
      error?.message as string,
      /^Connection refused by 127\.0\.0\.1:\d+: the lock printer was not acquired\. Check/,
    );
    assert.match(canvas.shown('one'), /^red /);
  });

  it('without the right to the lock say which key and what to allow', async () => {
    const rules = EmulatorRules.parse(
      'spec:\n  authorizationPolicies:\n    rules:\n      - principals:\n          clientIds: ["*"]\n        stateStoreResources:\n          - method: ReadWrite\n            keyType: Pattern\n            keys: ["line1/*"]\n',
    );
    const strict = await Emulator.start({ port: 0, rules });
    canvas = await Canvas.start({ near: strict.port }, [lock('one')]);
    const error = await canvas.send('one');
    assert.equal(error?.code, 'NOT_AUTHORIZED');
    assert.match(
      error?.message as string,
      /to use the lock printer\. .* grants ReadWrite to the key printer\.$/,
    );
    assert.equal(canvas.shown('one'), 'red error.NOT_AUTHORIZED');
    await canvas.stop();
    await strict.close();
  });

  for (const [what, definition, message] of [
    [
      'a wait that is too short',
      { wait: 0 },
      /^The timeout of this node must be a number of seconds from 0\.1 to 86400, not "0"/,
    ],
    ['a wait that is no number', { wait: 'long' }, /^The timeout .* not "long"/],
    ['a limit out of range', { limit: -1 }, /^The max. hold time of this node must be/],
    [
      'a lease out of range',
      { lease: 301 },
      /^The lease of this node must be a number of seconds from 1 to 300/,
    ],
  ] as const) {
    it(`with ${what} say so in red, and for every message`, async () => {
      await start(lock('one', definition));
      await canvas.until(() => canvas.shown('one') === 'red badNode');
      const error = await canvas.send('one');
      assert.equal(error?.code, 'BAD_ARGUMENT');
      assert.match(error?.message as string, message);
      assert.equal(canvas.shown('one'), 'red badNode');
    });
  }

  it('without a name say what is missing', async () => {
    await start(lock('one', { key: '' }));
    const error = await canvas.send('one');
    assert.equal(error?.code, 'BAD_ARGUMENT');
    assert.match(error?.message as string, /^the lock is empty, but the key to lock must be/);
  });

  it('take turns with programs', async () => {
    await start(lock('one'));
    const hold = await new Lock(other, 'printer').acquire();
    const taken = take('one');
    await canvas.until(() => canvas.shown('one') === 'yellow waiting');
    await hold?.release();
    await giveBack(await taken);
  });

  it('leave nothing behind when they are removed', async () => {
    await start(lock('one'), lock('two'));
    await take('one');
    void canvas.send('two');
    await canvas.until(() => canvas.shown('two') === 'yellow waiting');
    await canvas.redeploy([]);
    assert.equal(emulator.keys, 1, 'the marker of the memory of the store');
    while (emulator.clients > 0) await once(emulator, 'change');
  });
});
