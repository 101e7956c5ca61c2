import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAuthority, makeCertificate, writeCertificate } from '../support/certificates';
import { type Mosquitto, requireProgram, startMosquitto } from '../support/mosquitto';
import { NodeRed } from '../support/node-red';
import { freePort } from '../support/ports';
import { type StoreAdapter, serveStore } from '../support/store-adapter';

/** `${NAME}`, as a person types it into a field. */
const variable = (name: string) => `$\{${name}}`;

describe('The settings of a store in a real Node-RED', () => {
  let directory: string;
  let mosquitto: Mosquitto;
  let adapter: StoreAdapter;
  let nodeRed: NodeRed;
  let tlsPort: number;
  let ca: string;

  before(async function () {
    requireProgram(this, 'mosquitto');
    directory = mkdtempSync(join(tmpdir(), 'settings-'));
    const authority = makeAuthority('Test authority');
    ({ cert: ca } = writeCertificate(directory, 'ca', authority));
    const server = writeCertificate(directory, 'server', makeCertificate('localhost', authority));
    tlsPort = await freePort();
    mosquitto = await startMosquitto(
      `allow_anonymous true\nlistener ${tlsPort} 127.0.0.1\ncafile ${ca}\ncertfile ${server.cert}\nkeyfile ${server.key}`,
    );
    adapter = await serveStore({ port: mosquitto.port });
    nodeRed = await NodeRed.start({
      env: {
        MY_HOST: 'localhost',
        MY_PORT: String(tlsPort),
        AIO_BROKER_HOSTNAME: 'localhost',
        AIO_BROKER_TCP_PORT: String(tlsPort),
        AIO_TLS_CA_FILE: ca,
        AIO_MQTT_CLIENT_ID: 'line-1',
      },
    });
  });
  after(async () => {
    await nodeRed?.stop();
    await adapter?.close();
    await mosquitto?.stop();
    if (directory) rmSync(directory, { recursive: true, force: true });
  });

  let round = 0;
  /** Deploys a set node with these settings of its store, and returns what came of its one message. */
  const tryOut = async (settings: Record<string, unknown>, more: object[] = []): Promise<string> => {
    const after = nodeRed.lines.all.length;
    const mark = `round${++round}`;
    const at = { z: 'tab', x: 100, y: 100 };
    const debug = { ...at, type: 'debug', targetType: 'jsonata', console: true, tosidebar: false, wires: [] };
    await nodeRed.deploy([
      { id: 'tab', type: 'tab', label: 'test' },
      { id: 'store', type: 'statestore-config', timeout: 3, ...settings },
      { ...at, id: 'inject', type: 'inject', once: true, onceDelay: 0.1, props: [], wires: [['set']] },
      {
        ...{
          ...at,
          id: 'set',
          type: 'statestore-set',
          store: 'store',
          keyType: 'str',
          key: mark,
          valueType: 'str',
          value: 'v',
        },
        ...{
          expiry: '',
          expiryType: 'num',
          condition: '',
          fencingToken: '',
          fencingTokenType: 'msg',
          outputs: 1,
          wires: [['show']],
        },
      },
      { ...debug, id: 'show', complete: `"${mark} stored " & statestore.key` },
      { ...at, id: 'catch', type: 'catch', scope: null, uncaught: false, wires: [['error']] },
      { ...debug, id: 'error', complete: `"${mark} failed " & error.message` },
      ...more,
    ]);
    return nodeRed.lines.find(new RegExp(`${mark} (stored|failed)`), after);
  };
  const stored = (key: string) =>
    adapter.engine
      .execute(
        { clientId: 'test', payload: Buffer.from(`*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`) },
        Date.now(),
        performance.now(),
      )
      .response.payload.toString();

  it('may be variables of the environment, in every field', async () => {
    const line = await tryOut({
      host: variable('MY_HOST'),
      port: variable('MY_PORT'),
      tls: 'files',
      caFile: variable('AIO_TLS_CA_FILE'),
    });
    assert.match(line, /stored round/);
  });

  it('may be variables of Node-RED itself, of any type', async () => {
    const env = [
      { name: 'HERE', value: 'localhost', type: 'str' },
      { name: 'TLS_PORT', value: String(tlsPort), type: 'num' },
      { name: 'LINE', value: '5', type: 'num' },
    ];
    const at = { z: 'tab', x: 100, y: 200, store: 'store', wires: [[]] };
    const key = variable('LINE');
    const settings = { host: variable('HERE'), port: variable('TLS_PORT'), tls: 'files', caFile: ca };
    const from = nodeRed.lines.all.length;
    const line = await tryOut({ ...settings, keyPrefix: variable('LINE') }, [
      { id: 'global', type: 'global-config', env },
      { ...at, id: 'get', type: 'statestore-get', key, keyType: 'str', property: 'payload', outputs: 1 },
      { ...at, id: 'observe', type: 'statestore-observe', keys: key, mode: 'fixed', format: 'auto-detect' },
    ]);
    const mark = /round\d+/.exec(line)?.[0] as string;
    assert.match(line, /stored round/);
    assert.equal(stored(`5${mark}`), '$1\r\nv\r\n');
    assert.deepEqual(
      nodeRed.lines.all.slice(from).filter((one) => /\[error\]/.test(one)),
      [],
    );
    const tested = await nodeRed.api<{ results: object[] }>('POST', '/statestore/stores/store/test', {});
    assert.deepEqual(tested.results.at(-1), { step: 'store', ok: true });
  });

  it('name a variable that is not set', async () => {
    const line = await tryOut({ host: variable('NOT_SET'), port: tlsPort });
    assert.match(
      line,
      /failed The host of this store is taken from the environment variable NOT_SET, which is not set\.$/,
    );
  });

  it('may come from the AIO variables as a whole', async () => {
    assert.match(await tryOut({ source: 'environment', host: 'elsewhere', port: 1 }), /stored round/);
  });

  it('put a prefix before every key, which the flow does not see', async () => {
    assert.match(
      await tryOut({ host: 'localhost', port: mosquitto.port, keyPrefix: 'line1/' }),
      new RegExp(`stored round${round}$`),
    );
    assert.equal(stored(`line1/round${round}`), '$1\r\nv\r\n');
  });

  it('use a TLS configuration of Node-RED, and read its files again', async () => {
    const late = join(directory, 'late.crt');
    const tlsConfig = {
      id: 'tls',
      type: 'tls-config',
      name: '',
      cert: '',
      key: '',
      ca: late,
      servername: '',
      verifyservercert: true,
      alpnprotocol: '',
    };
    const settings = { host: 'localhost', port: tlsPort, tls: 'config', tlsConfig: 'tls' };
    const missing = await tryOut(settings, [tlsConfig]);
    assert.match(missing, new RegExp(`failed .*The CA file ${late} does not exist`));
    writeFileSync(late, makeAuthority('Other').cert);
    assert.match(await tryOut(settings, [tlsConfig]), /failed .*is not trusted: /);
  });

  it('use a TLS configuration whose CA file is good', async () => {
    const tlsConfig = {
      id: 'tls',
      type: 'tls-config',
      name: '',
      cert: '',
      key: '',
      ca,
      servername: '',
      verifyservercert: true,
      alpnprotocol: '',
    };
    assert.match(
      await tryOut({ host: 'localhost', port: tlsPort, tls: 'config', tlsConfig: 'tls' }, [tlsConfig]),
      /stored round/,
    );
  });

  it('say in the log that the certificate is not verified', async () => {
    const after = nodeRed.lines.all.length;
    assert.match(
      await tryOut({ host: 'localhost', port: tlsPort, tls: 'files', verify: false }),
      /stored round/,
    );
    await nodeRed.lines.find(/\[warn\] .*The certificate of the broker is not verified/, after);
  });

  for (const [name, settings, message] of [
    [
      'a port that is no number',
      { host: 'localhost', port: 'x' },
      /The port of this store must be a number, not "x"/,
    ],
    [
      'a port out of range',
      { host: 'localhost', port: 70_000 },
      /The port of this store must be a whole number from 1 to 65535, not 70000/,
    ],
    [
      'a TLS configuration that is not there',
      { host: 'localhost', tls: 'config', tlsConfig: 'none' },
      /The TLS configuration of this store is missing/,
    ],
    [
      'a token file that is not given',
      { host: 'localhost', login: 'token' },
      /"Token file" of this store is missing/,
    ],
    [
      'a user name that is not given',
      { host: 'localhost', login: 'password' },
      /The username of this store is missing/,
    ],
    [
      'a client ID with a slash',
      { host: 'localhost', clientId: 'a/b' },
      /"Client ID" of this store must not .* is "a\/b"/,
    ],
  ] as const) {
    it(`with ${name} are one clear error for each message`, async () => {
      assert.match(await tryOut({ ...settings }), message);
    });
  }
});
