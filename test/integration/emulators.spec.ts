/** The emulators of one Node-RED: who shares one, who gives way, and what is left when several things happen at once. */
import assert from 'node:assert/strict';
import { StateStoreClient } from '../../src/index';
import { Emulators, OtherSettingsError } from '../../src/node-red/emulators';
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
});
