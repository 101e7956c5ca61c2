/** The emulators of one Node-RED: who shares one, who gives way, and what is left when several things happen at once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { Emulators, OtherSettingsError } from '../../src/node-red/emulator/emulators';
import { freePort, portIsFree } from '../support/ports';

const RULES = `users:\n  - { username: line, password: secret }
spec: { authorizationPolicies: { rules: [{ principals: { usernames: [line] },
  stateStoreResources: [{ method: ReadWrite, keyType: Pattern, keys: ["*"] }] }] } }\n`;

describe('The emulators of a Node-RED', () => {
  const [store, other, node] = [{}, {}, {}];
  let all: Emulators;
  let settings: { host: string; port: number; rules: string; tls: object };

  beforeEach(async () => {
    all = new Emulators();
    settings = { host: '127.0.0.1', port: await freePort(), rules: '', tls: {} };
  });
  afterEach(async () => {
    for (const user of [store, other, node]) await all.release(user, true);
    assert.ok(await portIsFree(settings.port), 'nothing is left behind');
  });

  const stored = async () => {
    const client = new StateStoreClient({ port: settings.port, username: 'line', password: 'secret' });
    try {
      return (await client.get('k')).found;
    } finally {
      await client.close();
    }
  };
  const set = async () => {
    const client = new StateStoreClient({ port: settings.port });
    await client.set('k', 'v');
    await client.close();
  };

  it('have one at its address again, with what it held, that is asked for while it ends', async () => {
    await all.acquire(store, settings, 'a');
    await set();
    const released = all.release(store, false);
    await all.acquire(other, settings, 'a');
    await released;
    assert.equal(await stored(), true);
  });

  it('keep the one of a store where a node comes with rules that are none', async () => {
    await all.acquire(store, settings, 'a');
    await set();
    await assert.rejects(all.acquire(node, { ...settings, rules: 'users: [\n' }));
    assert.equal(all.portOf(store), settings.port);
    assert.equal(await stored(), true);
  });

  it('let a node with rules have the address, and what is stored, also while that of the store still starts', async () => {
    const starting = all.acquire(store, settings, 'a');
    await all.acquire(node, { ...settings, rules: RULES });
    await starting;
    assert.equal(all.portOf(store), undefined);
    await assert.rejects(all.acquire(store, settings, 'a'), OtherSettingsError);
    const client = new StateStoreClient({ port: settings.port, username: 'line', password: 'secret' });
    assert.equal((await client.set('k', 'v')).stored, true);
    await client.close();
  });

  for (const host of ['localhost', '0.0.0.0'])
    it(`let a node with rules have the port of the one of a store at ${host}, and what is stored`, async () => {
      await all.acquire(store, settings, 'a');
      await set();
      await all.acquire(node, { ...settings, host, rules: RULES });
      assert.equal(all.portOf(store), undefined);
      assert.equal(await stored(), true);
      await assert.rejects(all.acquire(store, settings, 'a'), OtherSettingsError);
    });

  it('let a node listen where it says, in place of the one of a store', async () => {
    await all.acquire(store, settings, 'a');
    await set();
    await all.acquire(node, { ...settings, host: '0.0.0.0' });
    assert.equal(all.portOf(store), undefined);
    assert.equal(await stored(), true);
    // A store uses the running emulator. Another node does not.
    assert.ok(all.runsAt(settings));
    await assert.rejects(all.acquire(other, settings), OtherSettingsError);
  });

  it('are one for the two names of this machine', async () => {
    const emulator = await all.acquire(store, settings, 'a');
    assert.equal(await all.acquire(node, { ...settings, host: 'localhost' }), emulator);
  });

  it('differ from any other broker that has a client with the same ID', async () => {
    const emulator = await all.acquire(node, settings);
    const elsewhere = await Emulator.start({ port: 0 });
    const clients = [settings.port, elsewhere.port].map(
      (port) => new StateStoreClient({ host: '127.0.0.1', port, clientId: 'one-and-the-same' }),
    ) as [StateStoreClient, StateStoreClient];
    for (const client of clients) await client.connect();
    assert.equal(all.serving(clients[0]), emulator);
    assert.equal(all.serving(clients[1]), undefined);
    await clients[0].close();
    assert.equal(all.serving(clients[0]), undefined);
    await clients[1].close();
    await elsewhere.close();
  });

  it('leave that of a store alone for a node that is closed meanwhile', async () => {
    await all.acquire(store, settings, 'a');
    const acquired = all.acquire(node, { ...settings, rules: RULES });
    await all.release(node, true);
    await assert.rejects(acquired, /was closed/);
    assert.equal(all.portOf(store), settings.port);
  });

  it('keep what is stored where the next one cannot start', async () => {
    await all.acquire(store, settings, 'a');
    await set();
    const tls = { cert: '/no/such.crt', key: '/no/such.key' };
    await all.release(store, false);
    await assert.rejects(all.acquire(node, { ...settings, tls }));
    await all.acquire(store, settings, 'a');
    assert.equal(await stored(), true);
  });

  describe('with a file', () => {
    let folder: string;
    let kept: typeof settings & { file: string };

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'emulators-'));
      kept = { ...settings, file: join(folder, 'keys') };
    });
    afterEach(async () => {
      for (const user of [store, other, node]) await all.release(user, true);
      rmSync(folder, { recursive: true });
    });

    it('have what they held after all users were removed, as after a restart', async () => {
      await all.acquire(store, kept, 'a');
      await set();
      await all.release(store, true);
      await all.acquire(store, kept, 'a');
      assert.equal(await stored(), true);
    });

    it('move what a store holds in memory to the file that another store wants, and lend it to all stores', async () => {
      await all.acquire(store, settings, 'a');
      await set();
      const emulator = await all.acquire(other, kept, 'b');
      assert.equal(await all.acquire(store, settings, 'a'), emulator);
      await all.release(store, true);
      await all.release(other, true);
      await all.acquire(other, kept, 'b');
      assert.equal(await stored(), true);
    });

    it('keep what is stored when a file is given up', async () => {
      await all.acquire(store, kept, 'a');
      await set();
      await all.release(store, false);
      assert.equal((await all.acquire(store, settings, 'a')).file, undefined);
      assert.equal(await stored(), true);
    });

    it('let a node decide where its keys are kept', async () => {
      await all.acquire(store, kept, 'a');
      const emulator = await all.acquire(node, settings);
      assert.equal(emulator.file, undefined);
      assert.equal(await all.acquire(store, kept, 'a'), emulator);
      await assert.rejects(all.acquire(other, kept), OtherSettingsError);
    });

    it('start again, with what is on disk, after the file could not be written', async () => {
      const emulator = await all.acquire(store, { ...kept, file: join(folder, 'gone', 'keys') }, 'a');
      const fault = once(emulator, 'fault');
      rmSync(join(folder, 'gone'), { recursive: true });
      const client = new StateStoreClient({ port: settings.port, timeout: 2000 });
      await Promise.allSettled([1, 2, 3].map(() => client.set('k', Buffer.alloc(3_000_000))));
      await client.close();
      await fault;
      assert.equal(all.portOf(store), undefined);
      assert.notEqual(await all.acquire(store, kept, 'a'), emulator);
    });
  });
});
