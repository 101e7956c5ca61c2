import assert from 'node:assert/strict';
import contextStore from '../../../src/context';
import { resolveContextOptions } from '../../../src/context/options';
import { StoreKeys } from '../../../src/context/store-keys';

const wrong = (config: object) => () => resolveContextOptions(config as contextStore.Options);

describe('The options of the context store', () => {
  it('have defaults, and pass those of the client on', () => {
    const { client, ...own } = resolveContextOptions({
      host: 'broker',
      port: 1,
      settings: {},
    } as contextStore.Options);
    assert.deepEqual(own, {
      ...{ prefix: 'nodered', cache: true, startTimeout: 30_000, persist: false },
      ...{ local: ['dashboardStore'], parts: [] },
    });
    assert.deepEqual(client, { host: 'broker', port: 1, queueLimit: 1_000_000 });
  });

  for (const [config, words] of [
    [{ prefx: 'a' }, /option prefx .* unknown\. Valid options: from, prefix/],
    [{ toString: 'a' }, /option toString .* is unknown/],
    [{ prefix: '' }, /option prefix .* must not be empty/],
    [{ prefix: 7 }, /option prefix .* of type string, not number/],
    [{ cache: 'yes' }, /option cache .* of type boolean, not "yes"/],
    [{ from: 'file' }, /option from .* must be 'environment', not "file"/],
    [{ startTimeout: 0 }, /option startTimeout .* whole number from 1/],
    [{ local: 'timers' }, /option local .* of type object, not "timers"/],
    [{ local: ['a.b'] }, /option local .* must be a list of names like \['line'\], not \["a.b"\]/],
    [{ parts: [1] }, /option parts .* must be a list of names/],
    [{ parts: ['dashboardStore'] }, /option parts .* must not have dashboardStore, which is local/],
    [{ parts: ['line'], cache: false }, /option parts .* needs cache: true/],
    [{ host: null }, /option host .* of type string, not null/],
    [{ port: 70_000 }, /option port of the context store must be a whole number from 1 to 65535, not 70000/],
    [
      { tokenFile: 'f', username: 'u' },
      /option tokenFile of the context store cannot be used together with a username/,
    ],
  ] as const) {
    it(`that are wrong are named: ${JSON.stringify(config)}`, () => {
      assert.throws(wrong(config), { code: 'BAD_ARGUMENT', message: words });
    });
  }

  it('from the environment come after what is given, with a client ID beside that of the flows', () => {
    const before = { ...process.env };
    Object.assign(process.env, {
      ...{ AIO_BROKER_HOSTNAME: 'aio', AIO_MQTT_USE_TLS: 'false', AIO_MQTT_CLIENT_ID: 'pod' },
    });
    try {
      const { client } = resolveContextOptions({ from: 'environment', port: 5 });
      assert.deepEqual([client.host, client.port, client.clientId], ['aio', 5, 'pod-context']);
      const named = resolveContextOptions({ from: 'environment', clientId: 'mine' });
      assert.equal(named.client.clientId, 'mine');
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    }
  });

  it('need a name that Node-RED can log', () => {
    assert.equal(`${contextStore}`, 'statestore');
    assert.ok(Object.hasOwn(contextStore, 'toString'));
  });
});

describe('The keys of the context store', () => {
  it('of different scopes and names never meet', () => {
    const keys = new StoreKeys('p');
    const scopes = ['global', 'a', 'a/b', 'a%2fb', '$index', '$lock', 'n:f', '%24index'];
    const names = ['x', 'b/x', '/x', '$index', '', 'global/x', 'a/b/x'];
    const all = [
      ...[keys.life, keys.scopes, keys.scopesLock],
      ...scopes.flatMap((scope) => [
        ...[keys.index(scope), keys.indexLock(scope)],
        ...names.map((name) => keys.value(scope, name)),
      ]),
    ];
    assert.equal(new Set(all).size, all.length);
    assert.equal(keys.value('global', 'x'), 'p/global/x');
    assert.equal(keys.value('n:f', '__proto__'), 'p/n:f/__proto__');
  });
});
