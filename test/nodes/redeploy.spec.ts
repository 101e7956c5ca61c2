import assert from 'node:assert/strict';
import { once } from 'node:events';
import { events, type Node } from 'node-red';
import { Emulator } from '../../src/emulator/index';
import type { StoreNode } from '../../src/node-red/store/store';
import { FaultProxy } from '../support/fault-proxy';
import { DEFAULTS, handle, helper, NODES } from '../support/flow';

const TIMES = 100;

const WAITED_IN_VAIN = 'a lock node was closed';

describe('Redeploying a hundred times under load', () => {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let load: NodeJS.Timeout;
  /** Outcomes by message; each must end with exactly one. */
  let outcomes: Map<string, string[]>;

  const flow = (version: number) => {
    const port = proxy.port;
    const at = { z: 'tab', x: 0, y: 0, wires: [[]] };
    const leader = { type: 'statestore-leader', role: 'role', lease: '10', outputs: 2 };
    const lock = { type: 'statestore-lock', keyType: 'str', wait: '10', lease: '10', outputs: 2 };
    const set = {
      ...at,
      type: 'statestore-set',
      keyType: 'str',
      valueType: 'msg',
      value: 'payload',
      expiry: '',
      expiryType: 'num',
      condition: '',
      fencingToken: '',
      fencingTokenType: 'msg',
      outputs: 1,
    };
    const update = {
      ...DEFAULTS['statestore-update'],
      type: 'statestore-update',
      z: 'tab',
      x: 0,
      y: 0,
      wires: [[]],
    };
    return [
      { id: 'tab', type: 'tab', label: 'test', info: `version ${version}` },
      { id: 'store1', type: 'statestore-config', host: '127.0.0.1', port },
      { id: 'store2', type: 'statestore-config', host: '127.0.0.1', port },
      { ...set, id: 'n1', store: 'store1', key: `k${version}` },
      { ...set, id: 'n2', store: 'store1', key: 'k' },
      { ...set, id: 'n3', store: 'store2', key: `other${version}` },
      { ...at, id: 'n4', store: 'store1', ...leader, candidate: `left ${version}` },
      { ...at, id: 'n5', store: 'store2', ...leader, candidate: 'right' },
      { ...update, id: 'n8', store: 'store1', key: 'count', expiry: String(1000 + version) },
      { ...at, id: 'n6', store: 'store1', ...lock, key: 'lock', limit: String(60 + version) },
      { ...at, id: 'n7', type: 'statestore-unlock', name: `version ${version}` },
    ] as never;
  };
  const storeOf = (id: string) => (helper.getNode(id) as unknown as StoreNode).store;
  const connected = async () => {
    for (const id of ['store1', 'store2']) {
      while (storeOf(id).state.kind !== 'connected') await once(storeOf(id), 'state');
    }
  };
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
  const settled = () => [...outcomes.values()].every((one) => one.length > 0);

  /** The helper waits 300 ms for the start of the flows, which a busy machine exceeds. */
  const deploy = async (nodes: never, type: 'nodes' | 'flows' | 'full') => {
    const started = once(events, 'flows:started');
    await helper.setFlows(nodes, type).catch((error: Error) => {
      if (!/timeout waiting event/.test(error.message)) throw error;
    });
    await started;
  };

  const put = (id: string, more: object = {}) => {
    const node = helper.getNode(id) as unknown as Node | null;
    if (!node) return;
    const msgid = `m${outcomes.size}`;
    const said: string[] = [];
    outcomes.set(msgid, said);
    const msg = { _msgid: msgid, payload: 'v', ...more };
    // A message that waits for a lock during a deploy fails.
    const closed = (code: string) => (id === 'n6' && code === 'CLOSED' ? WAITED_IN_VAIN : code);
    const done = (error?: { code: string }) => error && said.push(closed(error.code));
    handle(
      node,
      msg,
      () => {
        said.push('sent');
        if ('statestoreLock' in msg) put('n7', { statestoreLock: msg.statestoreLock });
      },
      done,
    );
  };
  /** One message into every node. Messages that got a lock release it. */
  const send = () => {
    for (const id of ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n8']) put(id);
  };

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    outcomes = new Map();
    await helper.load(NODES, flow(0));
    await connected();
    load = setInterval(send, 2);
  });
  afterEach(async () => {
    clearInterval(load);
    await helper.unload();
    await proxy.close();
    await emulator.close();
  });

  for (const [type, connections] of [
    ['nodes', 2],
    ['flows', 2],
    ['full', 2 + 2 * TIMES],
  ] as const) {
    it(`${type}: ${connections} connections in all, one per store in the end`, async () => {
      const timersBefore = timers();
      const listenersBefore = storeOf('store1').listenerCount('state');
      for (let version = 1; version <= TIMES; version++) {
        send(); // so that something is in flight when the nodes are closed
        await deploy(flow(version), type);
        await connected();
      }
      clearInterval(load);
      while (!settled()) await new Promise((resolve) => setImmediate(resolve));
      const codes: Record<string, number> = {};
      for (const said of outcomes.values()) {
        assert.equal(said.length, 1, `outcomes ${said}`);
        codes[said[0] as string] = (codes[said[0] as string] ?? 0) + 1;
      }
      console.log(`        ${outcomes.size} messages: ${JSON.stringify(codes)}`);
      assert.deepEqual(
        Object.keys(codes).filter((code) => code !== WAITED_IN_VAIN),
        ['sent'],
        'nothing was lost by the deploys, no lock was left behind',
      );
      assert.equal(proxy.accepted, connections);
      assert.equal(emulator.clients, 2);
      assert.equal(storeOf('store1').listenerCount('state'), listenersBefore);
      // Those of closing connections end soon; a leak would not.
      while (timers() > timersBefore + 2) await new Promise((resolve) => setImmediate(resolve));
    });
  }

  it('a store that no node uses opens no connection, and one that no node uses any more closes it', async () => {
    clearInterval(load);
    while (!settled()) await new Promise((resolve) => setImmediate(resolve));
    const all = flow(1) as { id: string }[];
    await deploy(all.filter(({ id }) => !['n3', 'n5'].includes(id)) as never, 'nodes');
    while (emulator.clients > 1) await once(emulator, 'change');
    const accepted = proxy.accepted;
    await deploy(all.filter(({ id }) => !['n3', 'n5', 'n2', 'n8'].includes(id)) as never, 'full');
    while (storeOf('store1').state.kind !== 'connected') await once(storeOf('store1'), 'state');
    assert.equal(storeOf('store2').state.kind, 'closed');
    assert.equal(proxy.accepted - accepted, 1, 'only the store that is used was opened again');
  });
});
