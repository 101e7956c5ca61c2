/** Two real Node-RED instances whose flows are in the state store. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { update } from '../../src/coordination';
import { Emulator } from '../../src/emulator';
import { StateStoreClient } from '../../src/index';
import { NodeRed, type NodeRedOptions, newUserDir } from '../support/node-red';
import { VERSIONS } from '../support/node-red-versions';

interface Flows {
  rev: string;
  flows: { id: string; type: string; [property: string]: unknown }[];
}

const V2 = { 'Node-RED-API-Version': 'v2' };

/** A tab with one comment, which is enough to distinguish versions. */
const flowsOf = (text: string) => [
  { id: 'tab', type: 'tab', label: 'Line 1' },
  { id: 'comment', type: 'comment', z: 'tab', name: text, x: 100, y: 100, wires: [] },
];

const textOf = ({ flows }: Flows) => flows.find(({ id }) => id === 'comment')?.name;

describe('Flows in the state store', () => {
  let emulator: Emulator;
  let port: number;
  const running: NodeRed[] = [];
  const folders: string[] = [];

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    port = emulator.port;
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.end('SIGKILL')));
    await emulator.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  const storage = (more = '') =>
    `require(${JSON.stringify(join(__dirname, '../../src/storage'))})({ host: '127.0.0.1', port: ${port}, startTimeout: 60_000, timeout: 60_000${more} })`;

  /** Short limits, for a store that is away. */
  const impatientStorage = () => storage(', startTimeout: 2000, timeout: 2000');

  const start = async (options: NodeRedOptions = {}) => {
    const userDir = options.userDir ?? newUserDir();
    folders.push(userDir);
    const nodeRed = await NodeRed.start({ storageModule: storage(), ...options, userDir });
    running.push(nodeRed);
    return nodeRed;
  };

  const get = (nodeRed: NodeRed) => nodeRed.api<Flows>('GET', '/flows', undefined, V2);

  const deploy = async (nodeRed: NodeRed, text: string, type = 'full') => {
    const { rev } = await get(nodeRed);
    return nodeRed.api<{ rev: string }>(
      'POST',
      '/flows',
      { rev, flows: flowsOf(text) },
      {
        ...V2,
        'Node-RED-Deployment-Type': type,
      },
    );
  };

  /** Resolves when this instance runs flows with this text. */
  const runs = async (nodeRed: NodeRed, text: string) => {
    for (let seen = 0; textOf(await get(nodeRed)) !== text; seen = nodeRed.lines.all.length)
      await nodeRed.lines.find(/./, seen);
  };

  for (const [version, options] of Object.entries(VERSIONS)) {
    it(`reach a second instance that starts later, and each deploy reaches both, in Node-RED ${version}`, async () => {
      const first = await start(options());
      await deploy(first, 'one');
      const second = await start(options());
      assert.equal(textOf(await get(second)), 'one');
      await deploy(second, 'two');
      await runs(first, 'two');
      await deploy(first, 'three', 'nodes');
      await runs(second, 'three');
      assert.equal((await get(first)).rev, (await get(second)).rev);
    });
  }

  it('are refused with the conflict status of Node-RED if another instance deployed meanwhile', async () => {
    const first = await start();
    await deploy(first, 'one');
    const second = await start();
    const { rev } = await get(second);
    const outcomes = await Promise.allSettled(
      [first, second].map((one, i) => one.api('POST', '/flows', { rev, flows: flowsOf(`editor ${i}`) }, V2)),
    );
    const failed = outcomes.flatMap((one, i) =>
      one.status === 'rejected' ? [{ i, error: one.reason }] : [],
    );
    assert.equal(failed.length, 1, 'both deploys succeeded, or none');
    assert.match(failed[0]?.error.message, /: 409 .*version_mismatch/);
    const winner = `editor ${failed[0]?.i === 0 ? 1 : 0}`;
    await runs(first, winner);
    await runs(second, winner);
  });

  it('start from the copy on disk if the store is away, and catch up when it is back', async () => {
    const first = await start();
    await deploy(first, 'one');
    const secondDir = newUserDir();
    let second = await start({ userDir: secondDir });
    await second.end('SIGTERM');
    await emulator.close();
    second = await start({ userDir: secondDir, storageModule: impatientStorage() });
    assert.equal(textOf(await get(second)), 'one');
    await second.lines.find(/starts with its copy of the flows/);
    await assert.rejects(
      deploy(second, 'lost?'),
      /400 .*Connection refused by .*: key nodered-flows\/flows was not changed\. Check host and port/,
    );
    emulator = await Emulator.start({ port });
    // The memory of the store is gone. One instance writes the flows back.
    const wroteBack = /wrote its flows back/;
    await Promise.race([first.lines.find(wroteBack), second.lines.find(wroteBack)]);
    assert.equal(textOf(await get(second)), 'one');
    await deploy(first, 'two');
    await runs(second, 'two');
  });

  it('take over the flow file and its credentials, which no key of the store has in clear text', async () => {
    const userDir = newUserDir();
    folders.push(userDir);
    const flows = [...flowsOf('from files'), { id: 'broker', type: 'mqtt-broker', broker: 'localhost' }];
    // An instance without a secret in its settings: Node-RED makes one for itself.
    const before = await NodeRed.start({ userDir, settings: { credentialSecret: undefined } });
    const credentials = { broker: { user: 'operator', password: 'very-secret' } };
    await before.api('POST', '/flows', { flows, credentials }, V2);
    await before.end('SIGTERM');

    const first = await start({ userDir });
    assert.equal(textOf(await get(first)), 'from files');
    const second = await start();
    const shown = await second.api('GET', '/credentials/mqtt-broker/broker');
    assert.deepEqual(shown, { user: 'operator', has_password: true });
    const store = new StateStoreClient({ host: '127.0.0.1', port });
    const index = await store.get('nodered-flows/flows');
    assert.ok(index.found);
    const [version] = JSON.parse(index.value.toString()).versions;
    const part = await store.get(`nodered-flows/flows/${version.id}/0`);
    await store.close();
    assert.ok(part.found && part.value.includes('mqtt-broker'));
    assert.ok(!part.value.includes('very-secret') && !part.value.includes('operator'));
  });

  it('keep settings of users and entries of the library in the store as well', async () => {
    const first = await start();
    await first.api('POST', '/settings/user', { menu: { 'view-show-grid': false } });
    await first.api('POST', '/library/local/functions/line/add.js', { text: 'return msg;', name: 'Add' });
    const second = await start();
    const settings = await second.api<{ menu?: object }>('GET', '/settings/user');
    assert.deepEqual(settings.menu, { 'view-show-grid': false });
    assert.deepEqual(await second.api('GET', '/library/local/functions/'), ['line']);
    assert.deepEqual(await second.api('GET', '/library/local/functions/line/'), [
      { name: 'Add', fn: 'add.js' },
    ]);
  });

  describe('are not started with', () => {
    const refusal = async (options: NodeRedOptions, expected: RegExp) => {
      const nodeRed = await NodeRed.fail({ storageModule: storage(), ...options });
      assert.match(nodeRed, expected);
    };

    it('no credentialSecret', () =>
      refusal({ settings: { credentialSecret: undefined } }, /need the setting credentialSecret/));

    it('projects', () =>
      refusal({ settings: { editorTheme: { projects: { enabled: true } } } }, /Projects cannot be used/));

    it('another credentialSecret, and nothing is overwritten', async () => {
      const first = await start();
      await deploy(first, 'one');
      await refusal(
        { settings: { credentialSecret: 'another' } },
        /were encrypted with another credentialSecret.*same credentialSecret in settings.js of all instances/,
      );
      assert.equal(textOf(await get(await start())), 'one');
    });

    it('a store that is away, without a copy', async () => {
      await emulator.close();
      await refusal(
        { storageModule: impatientStorage() },
        /could not be loaded .* and this instance has no copy.*Connection refused/,
      );
    });

    it('a damaged copy, while the store is away', async () => {
      const userDir = newUserDir();
      folders.push(userDir);
      mkdirSync(join(userDir, '.statestore'));
      writeFileSync(join(userDir, '.statestore', 'flows.json'), '{"format":1,"sequence"');
      await emulator.close();
      await refusal(
        { userDir, storageModule: impatientStorage() },
        /The copy of the flows in .*flows\.json cannot be read/,
      );
    });

    it('a damaged version', async () => {
      await deploy(await start(), 'one');
      const store = new StateStoreClient({ host: '127.0.0.1', port });
      const index = await store.get('nodered-flows/flows');
      assert.ok(index.found);
      const [version] = JSON.parse(index.value.toString()).versions;
      await store.set(`nodered-flows/flows/${version.id}/0`, '[]');
      await store.close();
      await refusal({}, new RegExp(`Flow version ${version.id} is damaged: it has 2 bytes instead of`));
    });
  });

  it('go on running if a later version is damaged', async () => {
    const first = await start();
    await deploy(first, 'one');
    const store = new StateStoreClient({ host: '127.0.0.1', port });
    const key = 'nodered-flows/flows';
    const index = await store.get(key);
    assert.ok(index.found);
    const { sequence, versions } = JSON.parse(index.value.toString());
    const lost = { ...versions[0], id: 'lost', parts: 1 };
    const next = { sequence: sequence + 1, current: 'lost', versions: [...versions, lost], pending: [] };
    await update(store, key, () => JSON.stringify(next));
    await store.close();
    await first.lines.find(
      /flows before go on running: Flow version lost is damaged: part 1 of 1 is missing/,
    );
    assert.equal(textOf(await get(first)), 'one');
  });

  it('are refused if they are too large, with both sizes, before anything is written', async () => {
    const small = await start({ storageModule: storage(', maxBytes: 5000') });
    await deploy(small, 'fits');
    await assert.rejects(
      deploy(small, 'x'.repeat(6000)),
      /400 .*The flows have 6\d\d\d bytes, and at most 5000 may be stored.*Nothing was written/,
    );
    assert.equal(textOf(await get(small)), 'fits');
  });

  it('name the palette modules that this instance lacks', async () => {
    const first = await start();
    const { rev } = await get(first);
    const flows = [...flowsOf('one'), { id: 'store', type: 'statestore-config', host: 'localhost', port }];
    await first.api('POST', '/flows', { rev, flows }, V2);
    const userDir = newUserDir();
    rmSync(join(userDir, 'node_modules'), { recursive: true, force: true });
    const second = await start({ userDir, withoutFlows: true });
    await second.lines.find(/not installed here: @edgestate\/node-red-statestore@/);
  });
});
