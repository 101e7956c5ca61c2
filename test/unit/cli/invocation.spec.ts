import assert from 'node:assert/strict';
import { readDelete } from '../../../src/cli/commands/delete';
import { readObserve } from '../../../src/cli/commands/observe';
import { readSet } from '../../../src/cli/commands/set';
import { parseCommandLine, parseInvocation } from '../../../src/cli/invocation';
import { UsageError } from '../../../src/cli/usage-error';

const parse = (line: string, env = {}) => {
  const invocation = parseInvocation(line.split(' '), env);
  assert.ok(invocation.kind === 'command');
  return invocation.session;
};
const argumentsOf = (line: string) => parseCommandLine(line.split(' ')).args;
/** What does not come from the arguments. */
const ALWAYS = { timeout: 10_000, connectTimeout: 9000, cleanStart: true, sessionExpiry: 60 };
const POD = {
  AIO_BROKER_HOSTNAME: 'aio-broker.azure-iot-operations',
  AIO_BROKER_TCP_PORT: '18883',
  AIO_MQTT_CLIENT_ID: 'node-red-0',
  AIO_TLS_CA_FILE: '/certs/ca.crt',
  AIO_SAT_FILE: '/tokens/broker-sat',
};

describe('The arguments of statestore', () => {
  it('say where the store is', () => {
    assert.deepEqual(parse('get k').client, { tls: false, ...ALWAYS });
    assert.deepEqual(parse('get k --host broker --port 18883 --tls').client, {
      ...{ host: 'broker', port: 18_883, tls: {} },
      ...ALWAYS,
    });
    assert.deepEqual(
      parse('get k --ca ca --servername broker --cert cert --key key --key-password-file pw').client.tls,
      { caFile: 'ca', servername: 'broker', certFile: 'cert', keyFile: 'key', keyPasswordFile: 'pw' },
    );
    assert.equal(parse('get k --token-file token').client.tokenFile, 'token');
    assert.equal(parse('get k --client-id me --key-prefix p/').client.clientId, 'me');
    assert.equal(parse('get k --client-id me --key-prefix p/').client.keyPrefix, 'p/');
  });

  it('have the password in a file or a variable, and only with a user', () => {
    const env = { STATESTORE_PASSWORD: 'secret' };
    assert.deepEqual(parse('get k --username u', env).client, {
      ...{ tls: false, username: 'u', password: 'secret' },
      ...ALWAYS,
    });
    assert.deepEqual(parse('get k --username u --password-file f', env).client, {
      ...{ tls: false, username: 'u', passwordFile: 'f' },
      ...ALWAYS,
    });
    assert.equal(parse('get k', env).client.password, undefined);
  });

  it('take the place from the environment, but not the client ID of the program that runs there', () => {
    const { client, fromEnvironment } = parse('get k --env', POD);
    assert.equal(fromEnvironment, true);
    assert.deepEqual(client, {
      ...{ host: POD.AIO_BROKER_HOSTNAME, port: 18_883, keepAlive: 60 },
      ...{ tls: { caFile: POD.AIO_TLS_CA_FILE }, tokenFile: POD.AIO_SAT_FILE },
      ...ALWAYS,
    });
    assert.equal(parse('get k --env --client-id mine', POD).client.clientId, 'mine');
  });

  it('say what is to be done with the key', () => {
    const token = '001737000000000:00000:name';
    const line = `set k v --condition NEX --expiry 1.5 --persist --fencing-token ${token} --timeout 0.2`;
    const set = readSet(argumentsOf(line));
    assert.deepEqual(set.options, {
      ...{ condition: 'NEX', expiry: 1500, persist: true, fencingToken: token },
    });
    assert.deepEqual([set.key, set.input], [Buffer.from('k'), Buffer.from('v')]);
    const { timeout, client } = parse(line);
    assert.deepEqual([timeout, client.timeout, client.connectTimeout], [200, 200, 180]);
    assert.equal(readSet(argumentsOf('set k')).input, 'stdin');
    assert.deepEqual(readSet(argumentsOf('set k ')).input, Buffer.alloc(0));
    assert.deepEqual(readSet(argumentsOf('set --json -- -k -5')).input, Buffer.from('-5'));
    assert.equal(readDelete(argumentsOf('delete k')).input, undefined);
    assert.deepEqual(readDelete(argumentsOf('delete k --if-value v')).input, Buffer.from('v'));
    assert.equal(readDelete(argumentsOf('delete k --if-stdin')).input, 'stdin');
    const observe = readObserve(argumentsOf('observe k --current --json'));
    assert.ok(observe.current && observe.json);
  });

  for (const [line, words] of [
    ['frob k', /unknown command "frob": use get, set, delete, observe, /],
    ['get', /get needs a KEY/],
    ['get ', /get needs a KEY/],
    ['get k v', /unexpected argument "v"/],
    ['set k v w', /unexpected argument "w"/],
    ['get k --fly', /unknown option --fly/],
    ['set k -5', /unknown option -5.*after "--"/],
    ['get k --port', /--port/],
    ['get k --port 0', /--port must be .* from 1 to 65535, not "0"/],
    ['get k --port 65536', /--port/],
    ['get k --timeout 0', /--timeout must be/],
    ['get k --timeout 1e3', /--timeout must be/],
    ['get k --timeout 2147484', /--timeout must be/],
    ['set k v --expiry -1', /--expiry/],
    ['set k v --condition XX', /--condition must be NX or NEX, not "XX"/],
    ['delete k --fencing-token mine', /--fencing-token must be a version/],
    ['get k --condition NX', /--condition is for set, not for get/],
    ['observe k --fencing-token x', /--fencing-token is for set and delete, not for observe/],
    ['set k v --current', /--current is for observe/],
    ['delete k --if-value v --if-stdin', /cannot be used together/],
    ['get k --cert c', /--cert and --key must be used together/],
    ['get k --username u --token-file t', /cannot be used together/],
    ['get k --password-file f', /needs --username/],
    ['get k --username u --password p', /--password is not supported.*STATESTORE_PASSWORD/],
    ['get k --password=p', /--password is not supported/],
    ['get k --env --host h', /--env and --host cannot be used together/],
    ['get \ufffd', /KEY must be UTF-8/],
    ['set k \ufffd', /VALUE must be UTF-8.*stdin/],
  ] as const) {
    it(`refuse "${line}"`, () => {
      assert.throws(
        () => parse(line, POD),
        (error) => {
          assert.ok(error instanceof UsageError, `${error}`);
          assert.match(error.message, words);
          assert.doesNotMatch(error.message, /\n/);
          return true;
        },
      );
    });
  }
});
