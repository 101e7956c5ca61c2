import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parser } from 'mqtt-packet';
import { Emulator } from '../../src/emulator/index';
import { type Mosquitto, requireProgram, startMosquitto } from '../support/mosquitto';
import { NodeRed } from '../support/node-red';
import { type SatBroker, startSatBroker } from '../support/sat-broker';
import { type StoreAdapter, serveStore } from '../support/store-adapter';

const PASSWORD = 'correct-horse-battery';
const TYPED = 'typed-but-not-saved';
const TOKEN = 'service-account-token';
const OF_BROKER = 'the-password-of-an-mqtt-broker-node';
/** bcrypt of "admin". */
const ADMIN_HASH = '$2b$08$UKLdWZlBbPoq8liqwDaRKeLZX8bp241MJGm/5Jo/Z03obvAPVz7Te';

/** `${NAME}`, as a person types it into a field. */
const variable = (name: string) => `$\{${name}}`;

describe('Secrets in a real Node-RED with users and a log at trace level', () => {
  let directory: string;
  let mosquitto: Mosquitto;
  let adapter: StoreAdapter;
  let emulator: Emulator;
  let sat: SatBroker;
  let nodeRed: NodeRed;
  let admin: Record<string, string>;
  let reader: Record<string, string>;
  const answers: string[] = [];
  /** The passwords that reached a stranger. */
  const heard: string[] = [];
  const stranger = createServer((socket) => {
    const packets = parser();
    packets.on('packet', (packet) => {
      if (packet.cmd === 'connect') heard.push(String(packet.password ?? 'none'));
      socket.end();
    });
    socket.on('data', (bytes) => packets.parse(bytes)).on('error', () => undefined);
  });

  const logIn = async (username: string) => {
    const response = await fetch(`${nodeRed.base}/auth/token`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        client_id: 'node-red-admin',
        grant_type: 'password',
        scope: username === 'reader' ? 'read' : '',
        username,
        password: 'admin',
      }),
    });
    const { access_token } = (await response.json()) as { access_token: string };
    return { Authorization: `Bearer ${access_token}`, 'Content-Type': 'application/json' };
  };
  const call = async (method: string, path: string, headers: Record<string, string>, body?: unknown) => {
    const response = await fetch(nodeRed.base + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    answers.push(text);
    return { status: response.status, text };
  };
  const strangerPort = () => (stranger.address() as AddressInfo).port;
  const test = (headers: Record<string, string>, body: unknown) =>
    call('POST', '/statestore/test', headers, body);

  before(async function () {
    requireProgram(this, 'mosquitto');
    directory = mkdtempSync(join(tmpdir(), 'secrets-'));
    const passwords = join(directory, 'passwords');
    writeFileSync(passwords, '');
    execFileSync('mosquitto_passwd', ['-b', passwords, 'line1', PASSWORD]);
    mosquitto = await startMosquitto(`allow_anonymous false\npassword_file ${passwords}`);
    adapter = await serveStore({ port: mosquitto.port, username: 'line1', password: PASSWORD });
    emulator = await Emulator.start({ port: 0 });
    sat = await startSatBroker(emulator.port, TOKEN);
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    writeFileSync(join(directory, 'token'), TOKEN);
    nodeRed = await NodeRed.start({
      settings: {
        logging: { console: { level: 'trace', metrics: true, audit: true } },
        adminAuth: {
          type: 'credentials',
          users: [
            { username: 'admin', password: ADMIN_HASH, permissions: '*' },
            { username: 'reader', password: ADMIN_HASH, permissions: 'read' },
            { username: 'operator', password: ADMIN_HASH, permissions: ['*.read', 'statestore.write'] },
          ],
        },
      },
    });
    admin = await logIn('admin');
    reader = await logIn('reader');
  });
  after(async () => {
    await nodeRed?.stop();
    stranger.close();
    await sat?.close();
    await emulator?.close();
    await adapter?.close();
    await mosquitto?.stop();
    if (directory) rmSync(directory, { recursive: true, force: true });
  });

  const settings = () => ({ host: '127.0.0.1', port: mosquitto.port, login: 'password' });

  it('log in a deployed flow with a stored password, and with a token', async () => {
    const at = { z: 'tab', x: 100, y: 100, wires: [[]] };
    const set = {
      ...at,
      type: 'statestore-set',
      keyType: 'str',
      key: 'k',
      valueType: 'str',
      value: 'v',
      expiry: '',
      expiryType: 'num',
      condition: '',
      fencingToken: '',
      fencingTokenType: 'msg',
      outputs: 1,
    };
    const flows = [
      { id: 'tab', type: 'tab', label: 'test' },
      {
        id: 'store',
        type: 'statestore-config',
        ...settings(),
        credentials: { username: 'line1', password: PASSWORD },
      },
      {
        id: 'resting',
        type: 'statestore-config',
        d: true,
        ...settings(),
        credentials: { username: 'line1', password: PASSWORD },
      },
      {
        id: 'broker',
        type: 'mqtt-broker',
        broker: '127.0.0.1',
        port: mosquitto.port,
        credentials: { user: 'line1', password: OF_BROKER },
      },
      {
        id: 'sat',
        type: 'statestore-config',
        host: '127.0.0.1',
        port: sat.port,
        login: 'token',
        tokenFile: join(directory, 'token'),
      },
      {
        ...at,
        id: 'inject',
        type: 'inject',
        once: true,
        onceDelay: 0.1,
        props: [],
        wires: [['set', 'satset']],
      },
      { ...set, id: 'set', store: 'store', wires: [['show']] },
      { ...set, id: 'satset', store: 'sat', wires: [['show']] },
      {
        ...at,
        id: 'show',
        type: 'debug',
        complete: 'true',
        targetType: 'full',
        console: true,
        tosidebar: true,
      },
    ];
    const after = nodeRed.lines.all.length;
    assert.ok((await call('POST', '/flows', admin, flows)).status < 300);
    await nodeRed.lines.find(/\[statestore-config:store\] Connected to the state store/, after);
    await nodeRed.lines.find(/\[statestore-config:sat\] Connected to the state store/, after);
    await nodeRed.lines.find(/stored: true/, after);
    assert.deepEqual(sat.events, ['connect good']);
  });

  it('are not in the flows that the editor gets, nor in what it gets of the credentials', async () => {
    assert.equal((await call('GET', '/flows', admin)).status, 200);
    const credentials = await call('GET', '/credentials/statestore-config/store', admin);
    assert.deepEqual(JSON.parse(credentials.text), {
      username: 'line1',
      has_password: true,
      has_keyPassword: false,
    });
  });

  for (const [what, id] of [
    ['a store', 'store'],
    ['a store that is switched off', 'resting'],
  ]) {
    it(`of ${what} are used by the test of its connection without being sent to it`, async () => {
      const { status, text } = await test(admin, {
        id,
        settings: settings(),
        credentials: { username: 'line1', password: '__PWRD__' },
      });
      assert.equal(status, 200);
      const { results, roundTrip } = JSON.parse(text);
      assert.ok(
        results.every(({ ok }: { ok: boolean }) => ok),
        text,
      );
      assert.ok(roundTrip > 0);
    });
  }

  it('that are stored go only where the deployed store sends them', async () => {
    const away = { ...settings(), port: strangerPort() };
    const credentials = { username: 'line1', password: '__PWRD__' };
    const refused = [
      { id: 'store', settings: away, credentials },
      { id: 'store', settings: { ...settings(), host: 'localhost' }, credentials },
      { id: 'store', settings: { ...settings(), tls: 'files', verify: false }, credentials },
      { id: 'sat', settings: { ...away, port: sat.port }, credentials },
      { id: 'broker', settings: away, credentials },
      { id: 'broker', settings: settings(), credentials },
      { id: 'nobody', settings: away, credentials },
      { id: '__proto__', settings: away, credentials },
      { settings: away, credentials },
    ];
    const results = [];
    for (const body of refused) results.push(await test(admin, body));
    assert.deepEqual(heard, []);
    for (const { status, text } of results) {
      assert.equal(status, 200);
      const [first] = JSON.parse(text).results;
      assert.equal(first.step, 'settings', text);
      assert.match(first.message, /^The password of this store is only sent to .* Enter it again, or deploy/);
    }
    await test(admin, {
      id: 'store',
      settings: away,
      credentials: { username: 'line1', password: TYPED },
    });
    assert.deepEqual(heard, [TYPED]);
  });

  it('may be typed for a test, and do not come back', async () => {
    const { text } = await test(admin, {
      id: 'store',
      settings: settings(),
      credentials: { username: 'line1', password: TYPED },
    });
    const last = JSON.parse(text).results.at(-1);
    assert.equal(last.step, 'login');
    assert.match(last.message, /Check the login/);
  });

  it('of the environment are named when they are not set', async () => {
    const { text } = await test(admin, {
      settings: { ...settings(), host: '$'.concat('{NO_SUCH_VARIABLE}') },
      credentials: { username: 'line1' },
    });
    assert.match(
      JSON.parse(text).results[0].message,
      /^The host of this store is taken from the environment variable NO_SUCH_VARIABLE, which is not set\.$/,
    );
    const environment = await test(admin, { settings: { source: 'environment' }, credentials: {} });
    assert.match(JSON.parse(environment.text).results[0].message, /AIO_BROKER_HOSTNAME is missing/);
  });

  it('are out of reach for those who may not write, and for strangers', async () => {
    const body = {
      id: 'store',
      settings: settings(),
      credentials: { username: 'line1', password: '__PWRD__' },
    };
    assert.ok([401, 403].includes((await test(reader, body)).status));
    assert.equal((await test({ 'Content-Type': 'application/json' }, body)).status, 401);
  });

  it('a request that is none is refused, and Node-RED goes on', async () => {
    for (const [body, complaint] of [
      [[], 'the body must be an object'],
      [{}, 'settings must be an object'],
      [{ settings: null }, 'settings must be an object'],
      [{ settings: 'host' }, 'settings must be an object'],
      [{ settings: 5 }, 'settings must be an object'],
      [{ settings: [['host', 'h']] }, 'settings must be an object'],
      [{ settings: {}, credentials: 5 }, 'credentials must be an object'],
      [{ settings: {}, credentials: { password: ['p'] } }, 'credentials.password must be text or a number'],
      [{ settings: { host: {} } }, 'settings.host must be text or a number'],
      [{ settings: { port: true } }, 'settings.port must be text or a number'],
      [{ settings: { caFile: ['/ca'] } }, 'settings.caFile must be text or a number'],
      [{ settings: { verify: 'no' } }, 'settings.verify must be true or false'],
      [{ id: ['store'], settings: {} }, 'id must be text'],
    ] as const) {
      const { status, text } = await test(admin, body);
      assert.equal(status, 400, text);
      assert.deepEqual(JSON.parse(text), {
        error: `The request is not valid: ${complaint}.`,
        code: 'badRequest',
      });
    }
    for (const body of ['5', '"text"', 'null', '{', '']) {
      const response = await fetch(`${nodeRed.base}/statestore/test`, {
        method: 'POST',
        headers: admin,
        body,
      });
      assert.equal(response.status, 400, body);
    }
    const numbers = await test(admin, { settings: { host: 5, port: null, clientId: 'a/b' } });
    assert.match(
      JSON.parse(numbers.text).results[0].message,
      /"Client ID" of this store must not contain .*, but is "a\/b"/,
    );
  });

  it('and variables of the environment are protected from users who may not deploy, and are in no answer', async () => {
    const body = { settings: { host: '127.0.0.1', port: variable('PATH') } };
    const operator = await logIn('operator');
    assert.equal((await test(operator, body)).status, 401);
    const { text } = await test(admin, body);
    assert.match(
      JSON.parse(text).results[0].message,
      /port of this store must be a number, not "\$\{PATH\}"/,
    );
    assert.equal(text.includes(process.env.PATH as string), false);
  });

  it('are not in the details of the probes, nor in the metrics', async () => {
    await mosquitto.stop();
    for (;;) {
      const { status, text } = await call('GET', '/statestore/readiness', admin);
      assert.equal(status, 200);
      if (JSON.parse(text).problems.length > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal((await call('GET', '/statestore/metrics', admin)).status, 200);
    assert.equal((await call('GET', '/statestore/readiness', {})).status, 401);
    assert.equal((await call('GET', '/statestore/metrics', {})).status, 401);
  });

  it('are in no answer of the server and in no line of the log', () => {
    const everything = [...answers, ...nodeRed.lines.all].join('\n');
    for (const secret of [PASSWORD, TYPED, TOKEN, OF_BROKER])
      assert.equal(everything.includes(secret), false, secret);
    assert.ok(
      nodeRed.lines.all.some(
        (line) => line.includes('[trace]') || line.includes('[debug]') || line.includes('[metric]'),
      ),
    );
  });
});
