/** Deployed stores in function nodes of a real Node-RED. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator';
import { StateStoreClient } from '../../src/index';
import { NodeRed, newUserDir, ROOT } from '../support/node-red';

describe('A function node', () => {
  let emulator: Emulator;
  let nodeRed: NodeRed;
  let store: StateStoreClient;

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    const source = JSON.stringify(join(ROOT, 'dist', 'src', 'node-red', 'function'));
    nodeRed = await NodeRed.start({
      userDir: newUserDir(),
      functionGlobalContext: `{ statestore: require(${source}) }`,
    });
  });

  afterEach(async () => {
    await nodeRed.stop();
    await store.close();
    await emulator.close();
  });

  /** Flows with one function node, whose code runs when the flows start. */
  const flows = (code: string, { name = 'Plant store', initialize = '' } = {}) => [
    { id: 'tab', type: 'tab', label: 'Line 1' },
    { id: 'plant', type: 'statestore-config', name, host: '127.0.0.1', port: String(emulator.port) },
    { id: 'get', type: 'statestore-get', z: 'tab', store: 'plant', key: 'k', keyType: 'str', wires: [[]] },
    {
      ...{ id: 'start', type: 'inject', z: 'tab', once: true, onceDelay: '0.1', repeat: '', props: [] },
      wires: [['work']],
    },
    {
      ...{ id: 'work', type: 'function', z: 'tab', name: '', outputs: 1, initialize, wires: [[]] },
      func: `const store = global.get('statestore')('Plant store', node);\n${code}`,
    },
  ];

  const logged = async (code: string) => {
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(flows(`node.warn('RESULT ' + JSON.stringify(await (async () => { ${code} })()));`));
    const line = await nodeRed.lines.find(/RESULT /, after);
    return JSON.parse(/RESULT (.*)/.exec(line)?.[1] ?? '') as unknown;
  };

  it('reads, writes, counts and collects with the values that the nodes have', async () => {
    const result = await logged(`
      const stored = await store.set('machine/1', { speed: 7 });
      const again = await store.set('machine/1', 1, { onlyIfNew: true });
      const count = [await store.increment('count'), await store.increment('count', 2)];
      await store.append('last', 'a'); await store.append('last', 'b');
      const last = await store.append('last', 'c', { keep: 2 });
      const updated = await store.update('best', (best = 0) => Math.max(best, 5));
      const keys = await store.keys('machine/*');
      const got = await store.get('machine/1');
      const deleted = [await store.delete('machine/1'), await store.delete('machine/1')];
      return { stored, again, count, last, updated, keys, got, deleted, missing: await store.get('none') === undefined };`);
    assert.deepEqual(result, {
      ...{ stored: true, again: false, count: [1, 3], last: ['b', 'c'], updated: 5 },
      ...{ keys: ['machine/1'], got: { speed: 7 }, deleted: [true, false], missing: true },
    });
  });

  it('gets one clear error for a store that is not deployed, and for a function that returns nothing', async () => {
    const result = await logged(`
      const message = async (call) => { try { await call(); return 'none'; } catch (error) { return error.code + ' ' + error.message; } };
      return [
        await message(() => global.get('statestore')('Other').get('k')),
        await message(() => store.update('k', () => undefined)),
        await message(() => store.set('k', 1, { expiry: 'soon' })),
        await message(() => global.get('statestore')('Plant store').observe('k', () => 0)),
        await message(async () => global.get('statestore')(7)),
      ];`);
    const messages = result as string[];
    assert.match(
      messages[0] ?? '',
      /^BAD_ARGUMENT There is no deployed store Other\. Deployed stores: Plant store\./,
    );
    assert.match(messages[1] ?? '', /^BAD_ARGUMENT The function returned nothing: nothing was changed/);
    assert.match(messages[2] ?? '', /^BAD_ARGUMENT expiry is "soon"/);
    assert.match(messages[3] ?? '', /must pass itself .*'Plant store', node\)/);
    assert.match(messages[4] ?? '', /The name of a store must be text, not 7/);
  });

  it('observes until it is deployed again, and goes on when only the store is deployed again', async () => {
    const observing = (mark: string) =>
      flows(`await store.observe('setpoint', (change) => node.warn('${mark} ' + change.value));`);
    await store.set('setpoint', 'v1');
    await nodeRed.deploy(observing('FIRST'));
    await nodeRed.lines.find(/FIRST v1/);
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(observing('SECOND'));
    await nodeRed.lines.find(/SECOND v1/, after);
    await store.set('setpoint', 'v2');
    await nodeRed.lines.find(/SECOND v2/, after);
    assert.ok(!nodeRed.lines.all.slice(after).some((line) => /FIRST v2/.test(line)));
    const changed = observing('SECOND').map((node) =>
      node.id === 'plant' ? { ...node, keepAlive: '30' } : node,
    );
    const later = nodeRed.lines.all.length;
    await nodeRed.deploy(changed, 'nodes');
    await nodeRed.lines.find(/SECOND v2/, later);
    await store.set('setpoint', 'v3');
    await nodeRed.lines.find(/SECOND v3/, later);
    assert.equal(nodeRed.lines.all.filter((line) => /SECOND v3/.test(line)).length, 1);
  });

  it('shares the connection of the nodes, and adds none with 40 deploys', async () => {
    const code = `await store.increment('n'); await store.observe('n', (change) => node.warn('SEEN ' + change.value));`;
    for (let n = 1; n <= 40; n++) {
      const after = nodeRed.lines.all.length;
      await nodeRed.deploy(flows(code));
      await nodeRed.lines.find(new RegExp(`SEEN ${n}$`), after);
    }
    const after = nodeRed.lines.all.length;
    await store.set('other', '1');
    assert.equal(nodeRed.lines.all.slice(after).length, 0);
    // The client of this test, and one of Node-RED.
    assert.equal(emulator.clients, 2);
    const metrics = await (await fetch(`${nodeRed.base}/statestore/metrics`)).text();
    assert.match(metrics, /statestore_keys_observed\{[^}]*\} 1$/m);
    assert.match(metrics, /statestore_requests_in_flight\{[^}]*\} 0$/m);
  });

  it('observes once after 40 deploys of itself alone, on a store that stays', async () => {
    const code = (n: number) =>
      `await store.increment('n'); await store.observe('n', (change) => node.warn('SEEN ' + change.value)); // ${n}`;
    await nodeRed.deploy(flows(code(0)));
    await nodeRed.lines.find(/SEEN 1$/);
    for (let n = 1; n <= 40; n++) {
      const after = nodeRed.lines.all.length;
      await nodeRed.deploy(flows(code(n)), 'nodes');
      await nodeRed.inject('start');
      await nodeRed.lines.find(new RegExp(`SEEN ${n + 1}$`), after);
    }
    const after = nodeRed.lines.all.length;
    await nodeRed.inject('start');
    await nodeRed.lines.find(/SEEN 42$/, after);
    const metrics = await (await fetch(`${nodeRed.base}/statestore/metrics`)).text();
    assert.match(metrics, /statestore_keys_observed\{[^}]*\} 1$/m);
  });
});
