/** Deployed stores in function nodes of a real Node-RED. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Emulator, EmulatorRules } from '../../src/emulator';
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

  it('gets one clear error for a store that is not deployed, a function that returns nothing and a wrong option', async () => {
    const result = await logged(`
      const message = async (call) => { try { await call(); return 'none'; } catch (error) { return error.code + ' ' + error.message; } };
      return [
        await message(() => global.get('statestore')('Other').get('k')),
        await message(() => store.update('k', () => undefined)),
        await message(() => store.set('k', 1, { expiry: 'soon' })),
        await message(() => global.get('statestore')('Plant store').observe('k', () => 0)),
        await message(async () => global.get('statestore')(7)),
        await message(() => store.set('k', 1, { ttl: 5 })),
        await message(() => store.set('k', 1, { onlyIfNew: 'no' })),
        await message(() => store.get('k', { format: 'xml' })),
        await message(() => store.get('k', null)),
        await message(() => store.delete('k', { fencingToken: '' })),
        await message(() => store.append('k', 1, { last: 3 })),
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
    assert.match(messages[5] ?? '', /^BAD_ARGUMENT ttl is not a known option/);
    assert.match(messages[6] ?? '', /^BAD_ARGUMENT onlyIfNew must be true or false, not "no"/);
    assert.match(messages[7] ?? '', /^BAD_ARGUMENT format must be auto-detect or .*, not "xml"/);
    assert.match(messages[8] ?? '', /^BAD_ARGUMENT options must be an object, not null/);
    assert.match(messages[9] ?? '', /^BAD_ARGUMENT fencingToken must be a version/);
    assert.match(messages[10] ?? '', /^BAD_ARGUMENT last is not a known option/);
  });

  it('stores what the function of an update changed in place, and keeps the digits of long numbers', async () => {
    await store.set('serial', '{"id":9007199254740993,"n":1}');
    const result = await logged(`
      await store.update('line', () => ({ speed: 1, faults: [] }));
      const changed = await store.update('line', (line) => { line.speed = 2; line.faults.push('hot'); return line; });
      const copied = await store.update('line', (line) => { line.faults.push('loud'); return { ...line }; });
      const got = await store.get('line');
      const digits = await store.update('serial', (serial) => ({ ...serial, n: 2 })).catch((error) => error.code + ' ' + error.message);
      return { changed, copied, got, digits };`);
    const { digits, ...others } = result as { digits: string };
    const changed = { speed: 2, faults: ['hot'] };
    const copied = { speed: 2, faults: ['hot', 'loud'] };
    assert.deepEqual(others, { changed, copied, got: copied });
    assert.match(digits, /^BAD_ARGUMENT Key serial holds the number 9007199254740993/);
  });

  it('observes on the other store of two with one name when its own is deleted, and reports it if none is left', async () => {
    const other = await Emulator.start({ port: 0 });
    const second = { id: 'second', type: 'statestore-config', name: 'Plant store', host: '127.0.0.1' };
    const observing = flows('', {
      initialize: `await global.get('statestore')('Plant store', node).observe('setpoint', (change) => node.warn('SEEN ' + change.value));`,
    }).filter(({ id }) => id !== 'get');
    const without = observing.filter(({ id }) => id !== 'plant');
    const otherStore = new StateStoreClient({ host: '127.0.0.1', port: other.port });
    try {
      await store.set('setpoint', 'own');
      await otherStore.set('setpoint', 'other');
      await nodeRed.deploy(observing);
      await nodeRed.lines.find(/SEEN own/);
      await nodeRed.deploy([...observing, { ...second, port: String(other.port) }], 'nodes');
      await nodeRed.lines.find(/2 deployed stores are called Plant store/);
      await nodeRed.deploy([...without, { ...second, port: String(other.port) }], 'nodes');
      await nodeRed.lines.find(/SEEN other/);
      await nodeRed.deploy(without, 'nodes');
      await nodeRed.lines.find(/\[function:work\] There is no deployed store Plant store/);
    } finally {
      await otherStore.close();
      await other.close();
    }
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

  it('observes from the tab On Start, also in a subflow, until it is deployed again', async () => {
    const initialize = (mark: string) => `const store = global.get('statestore')('Plant store', node);
      await store.observe('setpoint', (change) => node.warn('${mark} ' + change.value));`;
    const observing = (mark: string) => [
      ...flows('', { initialize: initialize(mark) }),
      { id: 'sub', type: 'subflow', name: 'Sub', in: [], out: [] },
      {
        ...{ id: 'inner', type: 'function', z: 'sub', x: 0, y: 0, outputs: 1, func: '', wires: [[]] },
        initialize: initialize(`INNER ${mark}`),
      },
      { id: 'instance', type: 'subflow:sub', z: 'tab', x: 0, y: 0, wires: [] },
    ];
    await store.set('setpoint', 'v1');
    for (const mark of ['FIRST', 'SECOND']) {
      const after = nodeRed.lines.all.length;
      await nodeRed.deploy(observing(mark));
      await nodeRed.lines.find(new RegExp(`\\] ${mark} v1`), after);
      await nodeRed.lines.find(new RegExp(`\\] INNER ${mark} v1`), after);
    }
    const after = nodeRed.lines.all.length;
    await store.set('setpoint', 'v2');
    await nodeRed.lines.find(/\] SECOND v2/, after);
    await nodeRed.lines.find(/\] INNER SECOND v2/, after);
    assert.ok(!nodeRed.lines.all.slice(after).some((line) => /FIRST/.test(line)));
  });

  it('observes a key as soon as the store responds, also if it was away at the start', async () => {
    const { port } = emulator;
    await emulator.close();
    const observe = `const store = global.get('statestore')('Plant store', node);
      await store.observe('setpoint', (change) => node.warn('SEEN ' + change.value));`;
    const impatient = flows('', { initialize: observe }).map((node) =>
      node.id === 'plant' ? { ...node, timeout: '0.2' } : node,
    );
    await nodeRed.deploy(impatient);
    await nodeRed.lines.find(/\[function:work\] .*setpoint/);
    emulator = await Emulator.start({ port });
    await store.set('setpoint', 'v1');
    await nodeRed.lines.find(/SEEN v1/);
  });

  it('gets an error for a key that a new rule does not let it observe', async () => {
    const { port } = emulator;
    await store.set('setpoint', 'v1');
    await nodeRed.deploy(
      flows(`await store.observe('setpoint', (change) => node.warn('SEEN ' + change.value));`),
    );
    await nodeRed.lines.find(/SEEN v1/);
    await emulator.close();
    const after = nodeRed.lines.all.length;
    emulator = await Emulator.start({
      port,
      rules: EmulatorRules.parse('{"spec":{"authorizationPolicies":{"rules":[]}}}'),
    });
    await nodeRed.lines.find(/\[function:work\] .*setpoint/, after);
  });

  it('has no error if another store starts first in a deploy', async () => {
    const [tab, plant, ...others] = flows(
      `await store.observe('setpoint', (change) => node.warn('SEEN ' + change.value));`,
    );
    const two = (keepAlive: string) => [
      tab,
      { ...plant, id: 'first', name: 'Another store', keepAlive },
      { ...plant, keepAlive },
      ...others,
    ];
    await store.set('setpoint', 'v1');
    await nodeRed.deploy(two('60'));
    await nodeRed.lines.find(/SEEN v1/);
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(two('30'), 'nodes');
    await nodeRed.lines.find(/SEEN v1/, after);
    assert.ok(!nodeRed.lines.all.slice(after).some((line) => /There is no deployed store/.test(line)));
  });

  it('uses the store of its own instance of a subflow', async () => {
    const [tab, plant] = flows('');
    const instance = (id: string) => ({
      ...{ id, type: 'subflow:sub', z: 'tab', x: 0, y: 0, wires: [] },
      env: [{ name: 'PREFIX', type: 'str', value: id }],
    });
    await nodeRed.deploy([
      tab,
      { ...plant, z: 'sub' },
      { id: 'sub', type: 'subflow', name: 'Sub', in: [], out: [], env: [] },
      {
        ...{ id: 'inner', type: 'function', z: 'sub', x: 0, y: 0, outputs: 1, func: '', wires: [[]] },
        initialize: `const store = global.get('statestore')('Plant store', node);
          await store.set(env.get('PREFIX'), 1);
          await store.observe(env.get('PREFIX'), (change) => node.warn('SEEN ' + change.key + ' ' + change.value));`,
      },
      ...[instance('one'), instance('two')],
    ]);
    await Promise.all([nodeRed.lines.find(/SEEN one 1/), nodeRed.lines.find(/SEEN two 1/)]);
    assert.equal(emulator.clients, 2, 'each instance has a store of its own');
    assert.ok(!nodeRed.lines.all.some((line) => /are called Plant store/.test(line)));
  });

  it('can end its calls of the tab On Stop when everything is deployed again', async () => {
    const finalize = `global.get('statestore')('Plant store').increment('stops').then(
      (stops) => node.warn('STOPPED ' + stops), (error) => node.warn('FAILED ' + error.code));`;
    const stopping = flows(`node.warn('GOT ' + await store.get('k'));`).map((node) =>
      node.id === 'work' ? { ...node, finalize } : node,
    );
    for (const stops of [1, 2]) {
      const after = nodeRed.lines.all.length;
      await nodeRed.deploy(stopping);
      await nodeRed.lines.find(/GOT undefined/, after);
      await nodeRed.deploy(flows(''));
      const line = await nodeRed.lines.find(/STOPPED|FAILED/, after);
      assert.match(line, new RegExp(`STOPPED ${stops}$`));
    }
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
