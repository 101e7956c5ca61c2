import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Emulator, EmulatorRules } from '../../src/emulator/index';
import { StateStoreClient, type StateStoreClientOptions } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { ROOT } from '../support/node-red';

const PAGE = readFileSync(join(ROOT, 'docs', 'emulator.md'), 'utf8');
const EXAMPLE = /```yaml\n([\s\S]*?)```/.exec(PAGE)?.[1] as string;

describe('The emulator with rules', () => {
  let emulator: Emulator;
  const clients: StateStoreClient[] = [];
  const connect = (options: StateStoreClientOptions) => {
    const client = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, ...options });
    clients.push(client);
    return client;
  };
  const start = async (rules: string) => {
    emulator = await Emulator.start({ port: 0, rules: EmulatorRules.parse(rules), keyQuota: 5 });
  };
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await emulator.close();
  });

  it('of its documentation lets each client do what is allowed, and nothing else', async () => {
    await start(EXAMPLE);
    const line1 = connect({ username: 'line1', password: 'one', clientId: 'l1' });
    const auditor = connect({ username: 'auditor', password: 'two' });
    for (const key of ['machine/1', 'clients/l1/x', 'shelf/7']) {
      assert.equal((await line1.set(key, 'v')).stored, true, key);
      assert.equal((await auditor.get(key)).found, true, key);
      assert.ok(await auditor.observe(key, () => undefined));
    }
    for (const key of ['other', 'clients/l2/x', 'shelf/x', 'shelf/77', 'xmachine/1']) {
      await rejectsWith(line1.set(key, 'v'), {
        code: 'NOT_AUTHORIZED',
        key,
        message: /BrokerAuthorization rule/,
      });
      await rejectsWith(line1.get(key), { code: 'NOT_AUTHORIZED' });
      await rejectsWith(
        line1.observe(key, () => undefined),
        { code: 'NOT_AUTHORIZED' },
      );
    }
    await rejectsWith(auditor.set('machine/1', 'v'), { code: 'NOT_AUTHORIZED' });
    await rejectsWith(auditor.delete('machine/1'), { code: 'NOT_AUTHORIZED' });
    await rejectsWith(auditor.deleteIfValue('machine/1', 'v'), { code: 'NOT_AUTHORIZED' });
  });

  for (const [name, options] of [
    ['a wrong password', { username: 'line1', password: 'wrong' }],
    ['an unknown user', { username: 'nobody', password: 'one' }],
    ['no login', {}],
  ] as const) {
    it(`refuses ${name}, in words`, async () => {
      await start(EXAMPLE);
      await rejectsWith(connect({ ...options, timeout: 500 }).connect(), {
        code: 'REFUSED',
        message: /Check the login/,
      });
    });
  }

  it('knows exact and binary keys, and rules for all clients', async () => {
    const resource = (keyType: string, key: string) =>
      `{ "method": "ReadWrite", "keyType": "${keyType}", "keys": ["${key}"] }`;
    await start(
      `{ "spec": { "authorizationPolicies": { "rules": [{ "principals": { "clientIds": ["*"] }, "stateStoreResources": [${resource('String', 'a*')}, ${resource('Binary', '/w==')}] }] } } }`,
    );
    const client = connect({});
    assert.equal((await client.set('a*', 'v')).stored, true);
    assert.equal((await client.set(Buffer.from([0xff]), 'v')).stored, true);
    await rejectsWith(client.set('ab', 'v'), { code: 'NOT_AUTHORIZED' });
  });

  it('follows rules for the broker as well: publish, subscribe, connect', async () => {
    const rules = (publish: string, subscribe: string) => `
spec:
  authorizationPolicies:
    rules:
      - principals: { clientIds: ["*"] }
        brokerResources:
          - { method: Connect }
          - { method: Publish, topics: ["${publish}"] }
          - { method: Subscribe, topics: ["${subscribe}"] }
        stateStoreResources:
          - { method: ReadWrite, keyType: Pattern, keys: ["*"] }`;
    await start(rules('statestore/#', 'clients/{principal.clientId}/#'));
    assert.equal((await connect({}).set('k', 'v')).stored, true);
    await emulator.close();
    await start(rules('elsewhere/#', 'clients/#'));
    await rejectsWith(connect({}).set('k', 'v'), {
      code: 'REFUSED',
      message: /does not allow this client to publish/,
    });
    await emulator.close();
    await start(rules('statestore/#', 'clients/other/#'));
    await rejectsWith(connect({ timeout: 500 }).connect(), {
      code: 'REFUSED',
      message: /refused the subscription/,
    });
  });

  it('has a quota of keys', async () => {
    emulator = await Emulator.start({ port: 0, keyQuota: 2 });
    const client = connect({});
    await client.setMany([
      ['a', '1'],
      ['b', '1'],
    ]);
    await rejectsWith(client.set('c', '1'), { code: 'QUOTA_EXCEEDED', key: 'c', message: /Delete keys/ });
    assert.equal((await client.set('a', '2')).stored, true);
    await client.delete('b');
    assert.equal((await client.set('c', '1')).stored, true);
  });

  for (const [name, text, message] of [
    ['no YAML', '{', /^not valid JSON or YAML/],
    ['an empty list', '[]', /^the file has no BrokerAuthorization/],
    ['a user without password', 'users: [{ username: a }]', /^users\[0\]\.password must be text/],
    [
      'an unknown method',
      'spec: { authorizationPolicies: { rules: [{ stateStoreResources: [{ method: Peek, keyType: Pattern, keys: [] }] }] } }',
      /rules\[0\]\.stateStoreResources\[0\]\.method must be Read, Write or ReadWrite/,
    ],
    [
      'a key that is no text',
      'spec: { authorizationPolicies: { rules: [{ stateStoreResources: [{ method: Read, keyType: Pattern, keys: [1] }] }] } }',
      /keys\[0\] must be text/,
    ],
  ] as const) {
    it(`a file with ${name} is one clear error`, async () => {
      emulator = await Emulator.start({ port: 0 });
      assert.throws(() => EmulatorRules.parse(text), { message });
    });
  }
});
