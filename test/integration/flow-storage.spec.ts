/**
 * The storage module as Node-RED calls it, without a Node-RED around it. The runtime here is a stand-in with the five members that the module
 * uses. test/process/flow-storage.spec.ts has the real one.
 */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator';
import { StateStoreClient } from '../../src/index';
import flowStorage from '../../src/storage';
import { Secret } from '../../src/storage/secret';
import { rejectsWith } from '../support/assertions';

const FLOWS = [
  { id: 'tab', type: 'tab', label: 'Line 1' },
  { id: 'n', type: 'inject', z: 'tab' },
];

describe('The storage module', () => {
  let emulator: Emulator;
  let store: StateStoreClient;
  let userDir: string;

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    userDir = mkdtempSync(join(tmpdir(), 'storage-'));
  });

  afterEach(async () => {
    await store.close();
    await emulator.close();
    rmSync(userDir, { recursive: true, force: true });
  });

  const open = async (options: flowStorage.Options = {}, settings: object = {}) => {
    const logged: string[] = [];
    const log = (text: string) => logged.push(text);
    const runtime = {
      log: { info: log, warn: log, error: log, addHandler: () => undefined },
      events: new EventEmitter(),
      flows: { setFlows: () => Promise.resolve('') },
      nodes: { getNodeList: () => [] },
      isStarted: () => true,
    };
    const storage = flowStorage({ host: '127.0.0.1', port: emulator.port, startTimeout: 1000, ...options });
    await storage.init({ userDir, credentialSecret: 'secret', ...settings }, runtime);
    return Object.assign(storage, { logged });
  };

  /** A store without any keys at the same address. */
  const replaceEmulator = async () => {
    const { port } = emulator;
    await emulator.close();
    emulator = await Emulator.start({ port });
  };

  it('has no flows and no credentials at first', async () => {
    const storage = await open();
    assert.deepEqual(await storage.getFlows(), []);
    assert.deepEqual(await storage.getCredentials(), {});
    assert.deepEqual(await storage.getSettings(), {});
    assert.deepEqual(await storage.getSessions(), {});
  });

  it('returns flows and credentials as they were saved, also after a restart', async () => {
    const credentials = { $: 'encrypted by Node-RED' };
    const storage = await open();
    await storage.saveCredentials(credentials);
    await storage.saveFlows(FLOWS);
    for (const one of [storage, await open()]) {
      assert.deepEqual(await one.getFlows(), FLOWS);
      assert.deepEqual(await one.getCredentials(), credentials);
    }
  });

  it('keeps the credentials if only flows are saved', async () => {
    const storage = await open();
    await storage.saveCredentials({ $: 'first' });
    await storage.saveFlows(FLOWS);
    await storage.saveFlows(FLOWS.slice(0, 1));
    assert.deepEqual(await (await open()).getCredentials(), { $: 'first' });
  });

  it('does not use credentials of a deploy that failed', async () => {
    const storage = await open({ maxBytes: 1000 });
    await storage.saveCredentials({ $: 'first' });
    await storage.saveFlows(FLOWS);
    await storage.saveCredentials({ $: 'x'.repeat(2000) });
    await rejectsWith(storage.saveFlows(FLOWS), { code: 'BAD_ARGUMENT', message: /at most 1000/ });
    await storage.saveFlows(FLOWS.slice(0, 1));
    assert.deepEqual(await storage.getCredentials(), { $: 'first' });
  });

  it('writes its copy back if the store has lost all flows when it starts', async () => {
    await (await open()).saveFlows(FLOWS);
    await replaceEmulator();
    const restarted = await open();
    assert.deepEqual(await restarted.getFlows(), FLOWS);
    assert.match(restarted.logged.join(), /wrote its flows back/);
    assert.deepEqual(await (await open({}, { userDir: join(userDir, 'second') })).getFlows(), FLOWS);
  });

  it('writes its copy back, and not the older flow file that it began with', async () => {
    writeFileSync(join(userDir, 'flows.json'), JSON.stringify(FLOWS.slice(0, 1)));
    const storage = await open();
    assert.deepEqual(await storage.getFlows(), FLOWS.slice(0, 1));
    await storage.saveFlows(FLOWS);
    await replaceEmulator();
    assert.deepEqual(await (await open()).getFlows(), FLOWS);
  });

  it('takes a flow file that is newer than its copy, such as a backup, if the store has no flows', async () => {
    await (await open()).saveFlows(FLOWS);
    await replaceEmulator();
    const backup = join(userDir, 'flows.json');
    writeFileSync(backup, JSON.stringify(FLOWS.slice(0, 1)));
    const later = Date.now() / 1000 + 10;
    utimesSync(backup, later, later);
    assert.deepEqual(await (await open()).getFlows(), FLOWS.slice(0, 1));
  });

  it('takes the credentials from the user directory, also of a flow file in another folder and with another extension', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flows-'));
    try {
      const credentials = new Secret('secret').encryptCredentials('{"n":{"password":"p"}}');
      writeFileSync(join(userDir, 'line_cred.flows'), JSON.stringify(credentials));
      writeFileSync(join(folder, 'line.flows'), JSON.stringify(FLOWS));
      const storage = await open({}, { flowFile: join(folder, 'line.flows') });
      assert.deepEqual(await storage.getFlows(), FLOWS);
      assert.match(JSON.stringify(await storage.getCredentials()), /^{"\$":"/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('starts without settings and sessions that are damaged, and names the key in the log', async () => {
    for (const name of ['settings', 'sessions']) await store.set(`nodered-flows/${name}`, '{"editor":');
    const storage = await open();
    assert.deepEqual(await storage.getSettings(), {});
    assert.deepEqual(await storage.getSessions(), {});
    assert.match(
      storage.logged.join(),
      /settings of the editor were not read .* key nodered-flows\/settings is damaged/,
    );
    assert.match(storage.logged.join(), /login sessions were not read .* cannot be decrypted/);
  });

  it('makes the user directory that other parts of Node-RED need, and a copy of the flows', async () => {
    const storage = await open({}, { userDir: join(userDir, 'new') });
    await storage.saveFlows(FLOWS);
    const { private: isPrivate } = JSON.parse(readFileSync(join(userDir, 'new', 'package.json'), 'utf8'));
    assert.equal(isPrivate, true);
    assert.ok(existsSync(join(userDir, 'new', 'node_modules')));
    assert.ok(existsSync(join(userDir, 'new', '.statestore', 'flows.json')));
  });

  it('keeps flows that are larger than a packet of the emulator', async () => {
    const large = [...FLOWS, { id: 'f', type: 'function', func: '//'.repeat(3_000_000) }];
    await (await open()).saveFlows(large);
    assert.deepEqual(await (await open()).getFlows(), large);
  });

  it('keeps as many versions as it may, and deletes the parts of the others', async () => {
    const storage = await open({ versions: 2 });
    for (let n = 0; n < 4; n++) await storage.saveFlows([{ id: 'tab', type: 'tab', label: `Line ${n}` }]);
    const keys: string[] = [];
    for await (const key of store.keys('nodered-flows/flows/*')) keys.push(key.toString());
    assert.equal(keys.filter((key) => /\/\d+$/.test(key)).length, 2);
  });

  it('shares the settings of users, and keeps those of the installation to itself', async () => {
    const storage = await open();
    await storage.saveSettings({ users: { a: 1 }, nodes: { n: {} }, _credentialSecret: 'generated' });
    const here = await open();
    assert.deepEqual(await here.getSettings(), {
      ...{ users: { a: 1 }, nodes: { n: {} } },
      _credentialSecret: 'generated',
    });
    const there = await open({}, { userDir: join(userDir, 'other') });
    assert.deepEqual(await there.getSettings(), { users: { a: 1 } });
    const stored = await store.get('nodered-flows/settings');
    assert.ok(stored.found && !stored.value.includes('generated'));
  });

  it('merges settings that two instances change', async () => {
    const [left, right] = [await open(), await open({}, { userDir: join(userDir, 'other') })];
    await left.getSettings();
    await right.getSettings();
    await left.saveSettings({ left: 1 });
    await right.saveSettings({ right: 2 });
    assert.deepEqual(await (await open({}, { userDir: join(userDir, 'third') })).getSettings(), {
      left: 1,
      right: 2,
    });
  });

  it('encrypts login sessions, and adds and removes single ones', async () => {
    const [left, right] = [await open(), await open()];
    await left.saveSessions({ one: { accessToken: 'token-1' }, two: { accessToken: 'token-2' } });
    const known = await right.getSessions();
    await right.saveSessions({ ...known, three: { accessToken: 'token-3' } });
    await left.saveSessions({ two: { accessToken: 'token-2' } });
    assert.deepEqual(Object.keys(await (await open()).getSessions()).sort(), ['three', 'two']);
    const stored = await store.get('nodered-flows/sessions');
    assert.ok(stored.found && !stored.value.includes('token'));
  });

  it('has a library of folders and entries with their details', async () => {
    const storage = await open();
    assert.deepEqual(await storage.getLibraryEntry('functions', '/'), []);
    assert.deepEqual(await storage.getLibraryEntry('functions', 'line/'), []);
    await storage.saveLibraryEntry('functions', 'b.js', { name: 'B' }, 'return 2;');
    await storage.saveLibraryEntry('functions', '/line/deep/c.js', {}, 'return 3;');
    await storage.saveLibraryEntry('functions', 'a.js', { name: 'A' }, 'return 1;');
    await storage.saveLibraryEntry('flows', 'mine', {}, '[]');
    assert.deepEqual(await storage.getLibraryEntry('functions', ''), [
      'line',
      { name: 'A', fn: 'a.js' },
      { name: 'B', fn: 'b.js' },
    ]);
    assert.deepEqual(await storage.getLibraryEntry('functions', 'line'), ['deep']);
    assert.equal(await storage.getLibraryEntry('functions', 'a.js'), 'return 1;');
    assert.equal(await storage.getLibraryEntry('functions', 'line/deep/c.js'), 'return 3;');
    assert.deepEqual(await storage.getLibraryEntry('flows', '/'), [{ fn: 'mine.json' }]);
    assert.equal(await storage.getLibraryEntry('flows', 'mine'), '[]');
    await assert.rejects(storage.getLibraryEntry('functions', 'none.js'), { code: 'not_found' });
  });

  it('refuses wrong options with their names', () => {
    const refused = (options: object, name: RegExp) =>
      assert.throws(() => flowStorage(options as flowStorage.Options), {
        code: 'BAD_ARGUMENT',
        message: name,
      });
    refused({ from: 'file' }, /option from/);
    refused({ prefix: '' }, /option prefix/);
    refused({ versions: 0 }, /option versions/);
    refused({ maxBytes: '1' }, /option maxBytes/);
    refused({ startTimeout: Number.POSITIVE_INFINITY }, /option startTimeout/);
    refused({ persist: 'yes' }, /option persist/);
    refused({ instance: 7 }, /option instance/);
    refused({ prefx: 'x' }, /prefx/);
    refused({ port: 0 }, /port/);
  });
});
