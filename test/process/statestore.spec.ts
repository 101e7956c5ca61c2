/** The command `statestore`, as a shell starts it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { update } from '../../src/coordination';
import { Emulator, EmulatorRules } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { FlowStore } from '../../src/storage/flow-store';
import { makeAuthority, makeCertificate, writeCertificate } from '../support/certificates';
import { FaultProxy } from '../support/fault-proxy';
import { Lines, ROOT } from '../support/node-red';
import { freePort } from '../support/ports';
import { startScriptedStore } from '../support/scripted-store';

const CLI = join(ROOT, 'dist', 'src', 'cli', 'statestore.js');
const ANY_BYTES = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256));
const VERSION = /^\d{15}:\d{5}:/;

interface Ended {
  code: number | null;
  stdout: Buffer;
  /** Its lines. */
  stderr: string[];
}

function start(args: string[], env: Record<string, string> = {}) {
  return spawn(process.execPath, [CLI, ...args], { env: { ...process.env, ...env } });
}

async function run(args: string[], { input = '' as string | Buffer, env = {} } = {}): Promise<Ended> {
  const child = start(args, env);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk) => stdout.push(chunk));
  child.stderr.on('data', (chunk) => stderr.push(chunk));
  // A command that reads no stdin may have ended before.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  const lines = Buffer.concat(stderr).toString().split('\n').slice(0, -1);
  return { code, stdout: Buffer.concat(stdout), stderr: lines };
}

describe('The command statestore', () => {
  let emulator: Emulator;
  let store: StateStoreClient;
  let at: string[];

  before(async () => {
    emulator = await Emulator.start({ port: 0 });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    at = ['--host', '127.0.0.1', '--port', String(emulator.port)];
  });
  after(async () => {
    await store.close();
    await emulator.close();
  });

  /** Done, and not a word too much. */
  const silent = async (args: string[], input?: string | Buffer) => {
    const { code, stdout, stderr } = await run([...args, ...at], input === undefined ? {} : { input });
    assert.deepEqual([code, stderr], [0, []]);
    return stdout;
  };
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await run([...args, '--json', ...at]);
    assert.deepEqual(stderr, []);
    assert.match(stdout.toString(), /^\{.*\}\n$/);
    const { version, ...rest } = JSON.parse(stdout.toString());
    if (version !== undefined) assert.match(version, VERSION);
    return { code, versioned: version !== undefined, ...rest };
  };
  /** Ended with this code and one line on stderr. */
  const fails = async (code: number, words: RegExp, args: string[], more: Parameters<typeof run>[1] = {}) => {
    const ended = await run(args, more);
    assert.deepEqual([ended.code, ended.stderr.length, ended.stdout.length], [code, 1, 0], ended.stderr[0]);
    assert.match(ended.stderr[0] as string, /^statestore: /);
    assert.match(ended.stderr[0] as string, words);
  };

  it('sets and gets bytes through stdin and stdout, exactly', async () => {
    for (const bytes of [ANY_BYTES, Buffer.alloc(0), Buffer.from('\r\n')]) {
      assert.equal((await silent(['set', 'bytes'], bytes)).length, 0);
      assert.deepEqual(await silent(['get', 'bytes']), bytes);
    }
    const got = await store.get('bytes');
    assert.ok(got.found && got.value.equals(Buffer.from('\r\n')));
  });

  it('sets a value from its arguments, with all its options', async () => {
    await silent(['set', 'Wärme', '21 °C', '--key-prefix', 'hall/']);
    const got = await store.get('hall/Wärme');
    assert.ok(got.found && got.value.toString() === '21 °C' && got.version);
    assert.equal((await run(['set', ...at, '--', '-key', '-5'])).code, 0);
    assert.deepEqual((await run(['get', ...at, '--', '-key'])).stdout, Buffer.from('-5'));
    await silent(['set', 'guarded', 'v', '--fencing-token', got.version, '--expiry', '60', '--persist']);
    await fails(4, /fencing token.*/, ['set', 'guarded', 'w', ...at]);
    await silent(['delete', 'guarded', '--fencing-token', got.version]);
  });

  it('prints with --json the result and the version', async () => {
    const key = 'json';
    assert.deepEqual(await json('set', key, 'häl\nlo'), {
      ...{ code: 0, versioned: true, operation: 'set', key, stored: true },
    });
    assert.deepEqual(await json('get', key), {
      ...{ code: 0, versioned: true, operation: 'get', key, found: true, value: 'häl\nlo' },
    });
    assert.deepEqual(await json('set', key, 'x', '--condition', 'NX'), {
      ...{ code: 1, versioned: true, operation: 'set', key, stored: false },
    });
    assert.deepEqual(await json('delete', key), {
      ...{ code: 0, versioned: true, operation: 'delete', key, deleted: true, found: true },
    });
    assert.deepEqual(await json('get', key), {
      ...{ code: 1, versioned: false, operation: 'get', key, found: false },
    });
    await store.set(key, Buffer.from([0xff, 0]));
    assert.equal((await json('get', key)).valueBase64, '/wA=');
  });

  it('ends with 1 and one line when the key is not there or the condition does not hold', async () => {
    await store.set('taken', 'here');
    await fails(1, /key none does not exist$/, ['get', 'none', ...at]);
    await fails(1, /key none does not exist$/, ['delete', 'none', ...at]);
    await fails(1, /taken is there already$/, ['set', 'taken', 'x', '--condition', 'NX', ...at]);
    await fails(1, /taken has another value$/, ['set', 'taken', 'x', '--condition', 'NEX', ...at]);
    await fails(1, /taken has another value$/, ['delete', 'taken', '--if-value', 'x', ...at]);
    await silent(['set', 'taken', 'here', '--condition', 'NEX']);
    await silent(['delete', 'taken', '--if-stdin'], 'here');
    assert.equal((await store.get('taken')).found, false);
  });

  it('ends with 2 on wrong usage, without asking any store', async () => {
    await fails(2, /frob/, ['frob', 'k']);
    await fails(2, /AIO_BROKER_HOSTNAME is missing/, ['get', 'k', '--env'], {
      env: { AIO_BROKER_HOSTNAME: '' },
    });
    await fails(2, /has 5000\d\d\d bytes/, ['set', 'k', ...at], { input: Buffer.alloc(5_000_000) });
  });

  it('ends with 2 if a file that an option names is missing or cannot be used', async () => {
    await fails(2, /CA file \/no\/such does not exist/, ['get', 'k', '--ca', '/no/such', ...at]);
    await fails(2, /\/no\/such does not exist/, [
      ...['get', 'k', '--username', 'u', '--password-file', '/no/such', ...at],
    ]);
    await fails(2, /--cert FILE --key FILE/, ['get', 'k', '--cert', CLI, '--key', CLI, ...at]);
  });

  it('ends with 3 at once if no store can be reached, and names the option to correct', async () => {
    const port = String(await freePort());
    const began = performance.now();
    await fails(3, /Connection refused by 127\.0\.0\.1:\d+.*--host HOST --port PORT/, [
      ...['get', 'k', '--host', '127.0.0.1', '--port', port, '--timeout', '600'],
    ]);
    assert.ok(performance.now() - began < 60_000);
    const environment = {
      ...{ AIO_BROKER_HOSTNAME: '127.0.0.1', AIO_BROKER_TCP_PORT: port, AIO_MQTT_USE_TLS: 'false' },
    };
    await fails(3, /refused by 127\.0\.0\.1:\d+((?!options).)*$/, ['set', 'k', 'v', '--env'], {
      env: environment,
    });
  });

  it('ends with 3 when a broker takes the connection and says nothing', async () => {
    const proxy = await FaultProxy.start(() => emulator.port);
    proxy.blackout = true;
    const there = ['--host', '127.0.0.1', '--port', String(proxy.port), '--timeout', '2'];
    await fails(3, /but the broker did not respond within \d+ ms.*--tls/, ['get', 'k', ...there]);
    await proxy.close();
  });

  it('ends with 4 when the broker or the store refuses; the password comes from a variable or a file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'statestore-'));
    const file = join(directory, 'password');
    writeFileSync(file, 'secret\n');
    const rules = EmulatorRules.parse(`users: [{ username: anna, password: secret }]
spec: { authorizationPolicies: { rules: [{ principals: { usernames: [anna] },
  stateStoreResources: [{ method: ReadWrite, keyType: Pattern, keys: ["machine/*"] }] }] } }`);
    const guarded = await Emulator.start({ port: 0, rules });
    const there = ['--host', '127.0.0.1', '--port', String(guarded.port), '--username', 'anna'];
    const env = { STATESTORE_PASSWORD: 'secret' };
    assert.equal((await run(['set', 'machine/1', 'v', ...there], { env })).code, 0);
    assert.equal((await run(['get', 'machine/1', '--password-file', file, ...there])).code, 0);
    await fails(4, /Not authorized/, ['set', 'recipe/1', 'v', ...there], { env });
    await fails(4, /Not authorized/, ['observe', 'recipe/1', ...there], { env });
    const wrong = { STATESTORE_PASSWORD: 'wrong' };
    await fails(4, /refused the connection.*--password-file/, ['get', 'machine/1', ...there], { env: wrong });
    await guarded.close();
    rmSync(directory, { recursive: true });
  });

  it('ends with 5 when a write may or may not have been applied, and with 3 after a reading without an answer', async () => {
    const silentStore = await startScriptedStore();
    silentStore.answer = () => undefined;
    const there = ['--host', '127.0.0.1', '--port', String(silentStore.port), '--timeout', '5'];
    await Promise.all([
      fails(5, /may or may not have been applied/, ['set', 'k', 'v', ...there]),
      fails(5, /may or may not have been applied/, ['delete', 'k', ...there]),
      fails(3, /No response|no response/, ['get', 'k', ...there]),
    ]);
    await silentStore.close();
  });

  it('ends with 6 when stdout is full, and with 0 when its reader has seen enough', async function () {
    await store.set('bytes', Buffer.alloc(1_000_000));
    const child = start(['get', 'bytes', ...at]);
    child.stdout.once('data', () => child.stdout.destroy());
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    if (process.platform !== 'linux') return this.skip();
    const full = spawn(process.execPath, [CLI, 'get', 'bytes', ...at], {
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    });
    const lines = new Lines(full);
    assert.deepEqual(await once(full, 'close'), [6, null]);
    assert.match(lines.all.join('\n'), /^statestore: stdout cannot be written: ENOSPC.*$/);
  });

  it('ends with the code of the result, also without a reader', async () => {
    await store.set('there', 'v');
    for (const [code, args] of [
      [1, ['get', 'no such key']],
      [1, ['set', 'there', 'w', '--condition', 'NX']],
      [1, ['delete', 'there', '--if-value', 'other']],
      [0, ['get', 'there']],
    ] as const) {
      const child = start([...args, '--json', ...at]);
      child.stdout.destroy();
      child.stdin.end();
      assert.deepEqual(await once(child, 'exit'), [code, null]);
    }
  });

  it('has the timeout for observing as a whole, until the key was read', async () => {
    const slow = await startScriptedStore();
    slow.answer = ({ command, respond }) => command.verb === 'KEYNOTIFY' && respond('+OK\r\n');
    const there = ['--host', '127.0.0.1', '--port', String(slow.port), '--timeout', '3'];
    await fails(3, /No response within (3000|[12]?\d{1,3}) ms to the request to observe key k\./, [
      'observe',
      'k',
      ...there,
    ]);
    await slow.close();
  });

  it('speaks TLS with a client certificate, under another name of the broker', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'statestore-'));
    const authority = makeAuthority('the authority');
    const ca = writeCertificate(directory, 'authority', authority);
    const { cert, key } = writeCertificate(directory, 'broker', makeCertificate('broker', authority));
    const [certificate, privateKey, authorities] = [cert, key, ca.cert].map((path) => readFileSync(path));
    const guarded = await Emulator.start({
      port: 0,
      tls: { cert: certificate as Buffer, key: privateKey as Buffer, ca: authorities as Buffer },
    });
    const there = ['--host', 'localhost', '--port', String(guarded.port)];
    const mine = ['--cert', cert, '--key', key];
    assert.equal((await run(['set', 'k', 'v', '--ca', ca.cert, ...mine, ...there])).code, 0);
    await fails(3, /\(options: --ca FILE\)/, ['get', 'k', '--tls', ...there]);
    await fails(3, /nowhere/, ['get', 'k', '--ca', ca.cert, '--servername', 'nowhere', ...mine, ...there]);
    await guarded.close();
    rmSync(directory, { recursive: true });
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`observes until ${signal}, and ends with 0`, async () => {
      await store.set('observed', 'before');
      const child = start(['observe', 'observed', '--current', ...at]);
      const lines = new Lines(child);
      await lines.find(/^statestore: observing key observed/);
      await lines.find(/^set before$/);
      await store.set('observed', 'after');
      await store.delete('observed');
      await lines.find(/^delete$/);
      child.kill(signal);
      assert.deepEqual(await once(child, 'close'), [0, null]);
      assert.deepEqual(
        lines.all.filter((line) => !line.startsWith('statestore: ')),
        ['set before', 'set after', 'delete'],
      );
    });
  }

  it('observes bytes as JSON, and reports a lost connection and the change made meanwhile', async () => {
    const proxy = await FaultProxy.start(() => emulator.port);
    const child = start([
      'observe',
      'observed',
      '--json',
      '--host',
      '127.0.0.1',
      '--port',
      String(proxy.port),
    ]);
    const lines = new Lines(child);
    await lines.find(/observing key observed/);
    await store.set('observed', Buffer.from([0xff]));
    const first = JSON.parse(await lines.find(/^\{/));
    assert.deepEqual([first.operation, first.key, first.valueBase64], ['set', 'observed', '/w==']);
    assert.match(first.version, VERSION);
    proxy.refusing = true;
    proxy.cut();
    await lines.find(/^statestore: .*127\.0\.0\.1/, 2);
    await store.set('observed', 'meanwhile');
    proxy.refusing = false;
    await lines.find(/^statestore: connected again$/);
    await lines.find(/"value":"meanwhile"/);
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'close'), [0, null]);
    await proxy.close();
  });

  it('ends with 4 when it may not observe the key any more, or another client takes its ID', async () => {
    const allowed = 'spec: { authorizationPolicies: { rules: [] } }';
    const guarded = await Emulator.start({ port: 0, rules: EmulatorRules.parse(allowed) });
    let target = emulator.port;
    const proxy = await FaultProxy.start(() => target);
    const there = ['--host', '127.0.0.1', '--port', String(proxy.port)];
    const refused = start(['observe', 'observed', ...there]);
    const lines = new Lines(refused);
    await lines.find(/observing key observed/);
    target = guarded.port;
    proxy.cut();
    assert.deepEqual(await once(refused, 'close'), [4, null]);
    assert.match(lines.all.at(-1) as string, /^statestore: Not authorized/);

    target = emulator.port;
    const thrownOut = start(['observe', 'observed', '--client-id', 'twice', ...there]);
    const told = new Lines(thrownOut);
    await told.find(/observing key observed/);
    const other = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, clientId: 'twice' });
    await other.connect();
    assert.deepEqual(await once(thrownOut, 'close'), [4, null]);
    assert.match(told.all.at(-1) as string, /^statestore: .*\(options: --client-id ID, or none\)$/);
    await other.close();
    await proxy.close();
    await guarded.close();
  });

  it('can be interrupted while it connects', async () => {
    const silentBroker = createServer().listen(0, '127.0.0.1');
    await once(silentBroker, 'listening');
    const { port } = silentBroker.address() as AddressInfo;
    const child = start(['observe', 'k', '--host', '127.0.0.1', '--port', String(port)]);
    const [socket] = (await once(silentBroker, 'connection')) as [Socket];
    socket.on('error', () => undefined).resume();
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'close'), [0, null]);
    silentBroker.close();
  });

  it('ends when the one who observes its lines has gone', async () => {
    const child = start(['observe', 'observed', ...at]);
    await once(child.stderr, 'data');
    child.stdout.destroy();
    const exited = once(child, 'exit');
    await store.set('observed', 'nobody reads this');
    assert.deepEqual(await exited, [0, null]);
  });

  it('ends with its next line when the program behind a pipe has ended', async function () {
    if (process.platform === 'win32') return this.skip();
    await store.set('observed', 'once');
    const command = [process.execPath, CLI, 'observe', 'observed', '--current', ...at].join(' ');
    const child = spawn('bash', ['-c', `set -o pipefail; ${command} | head -1`]);
    const closed = once(child, 'close');
    await new Lines(child).find(/^set once$/);
    const again = setInterval(() => void store.set('observed', 'again'), 100);
    assert.deepEqual(await closed, [0, null]);
    clearInterval(again);
  });

  it('writes no control characters of a value to a terminal, unless asked to', async function () {
    const inTerminal = async (...args: string[]) => {
      const command = [process.execPath, CLI, ...args, ...at].join(' ');
      const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['ignore', 'pipe', 'ignore'] });
      const chunks: Buffer[] = [];
      child.stdout.on('data', (chunk) => chunks.push(chunk));
      const [code] = await Promise.race([once(child, 'close'), once(child, 'error').then(() => [undefined])]);
      return code === undefined ? undefined : Buffer.concat(chunks).toString();
    };
    await store.set('escape', '\x1b[31mred');
    const shown = await inTerminal('get', 'escape');
    if (shown === undefined) return this.skip();
    assert.equal(shown, '\\x1b[31mred');
    assert.equal(await inTerminal('get', 'escape', '--raw'), '\x1b[31mred');
    assert.deepEqual(await silent(['get', 'escape']), Buffer.from('\x1b[31mred'), 'a pipe gets the bytes');
    await fails(1, /key 0x1b5b33316d does not exist$/, ['get', '\x1b[31m', ...at]);
  });

  describe('with many keys', () => {
    const ndjson = (bytes: Buffer) =>
      bytes
        .toString()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));

    before(async () => {
      await store.set('many/text', 'häl\nlo');
      await store.set('many/bytes', Buffer.from([0xff, 0]));
      await store.set(Buffer.from([...Buffer.from('many/'), 0xfe]), '');
    });

    it('lists the keys that match a pattern, also as JSON', async () => {
      const listed = (await silent(['keys', 'many/[bt]*'])).toString().split('\n').sort();
      assert.deepEqual(listed, ['', 'many/bytes', 'many/text']);
      const { stdout } = await run(['keys', 'many/*', '--json', ...at]);
      const all = ndjson(stdout);
      assert.equal(all.length, 3);
      assert.ok(all.some(({ keyBase64 }) => keyBase64 === 'bWFueS/+'));
    });

    it('gets, exports, deletes and imports keys with their exact bytes', async () => {
      const got = await run(['get', '--pattern', 'many/*', ...at]);
      const exported = await run(['export', 'many/*', ...at]);
      assert.deepEqual(exported.stderr, ['statestore: exported 3 keys']);
      assert.deepEqual(got.stdout, exported.stdout);
      const lines = ndjson(exported.stdout);
      assert.ok(lines.some(({ key, value }) => key === 'many/text' && value === 'häl\nlo'));
      assert.ok(lines.some(({ key, valueBase64 }) => key === 'many/bytes' && valueBase64 === '/wA='));
      for (const { version } of lines) assert.match(version, VERSION);
      await fails(2, /--yes/, ['delete', '--pattern', 'many/*', ...at]);
      assert.deepEqual((await run(['delete', '--pattern', 'many/*', '--yes', ...at])).stderr, [
        'statestore: deleted 3 keys',
      ]);
      await fails(1, /no key matches many/, ['get', '--pattern', 'many/*', ...at]);
      await fails(1, /no key matches many/, ['export', 'many/*', ...at]);
      await fails(1, /no key matches many/, ['delete', '--pattern', 'many/*', '--yes', ...at]);
      const imported = await run(['import', ...at], { input: exported.stdout });
      assert.deepEqual([imported.code, imported.stderr], [0, ['statestore: imported 3 keys']]);
      const values = (bytes: Buffer) =>
        ndjson(bytes)
          .map(({ version, ...rest }) => JSON.stringify(rest))
          .sort();
      assert.deepEqual(values((await run(['export', 'many/*', ...at])).stdout), values(exported.stdout));
      await store.set('many/text', 'newer');
      const again = await run(['import', '--new-only', ...at], { input: exported.stdout });
      assert.deepEqual(again.stderr, ['statestore: imported 0 keys, left 3 keys as they are']);
    });

    it('writes nothing of an import with a faulty line', async () => {
      const line = (fields: object) => `${JSON.stringify(fields)}\n`;
      const good = line({ key: 'import/a', value: '1' });
      for (const [faulty, words] of [
        ['{"key":\n', /: line 2 is not a JSON object: nothing was written/],
        [line({ value: 'x' }), /line 2 needs either "key" or "keyBase64"/],
        [line({ key: 'b', value: 5 }), /line 2 has a "value" that is not text/],
        [line({ key: 'b', valueBase64: '*' }), /line 2 has a "valueBase64" that is not base64/],
        [line({ key: '', value: 'x' }), /line 2 has an empty key/],
        [good, /line 2 has the same key as line 1/],
      ] as const)
        await fails(2, words, ['import', ...at], { input: good + faulty });
      assert.equal((await store.get('import/a')).found, false);
    });

    it('names the line of a value that is larger than a packet, behind locks and blank lines', async () => {
      const line = (key: string, value: string) => `${JSON.stringify({ key, value })}\n`;
      const input = `${line('large/lock', 'v')}\n${line('import/a', '1')}${line('large', 'x'.repeat(5 << 20))}`;
      await fails(2, /the value of line 4 has 5242880 bytes.*nothing was written/, ['import', ...at], {
        input: Buffer.from(input),
      });
      assert.equal((await store.get('import/a')).found, false);
    });

    it('writes nothing of an import with a value that fits into a packet, but not together with the properties of the packet', async () => {
      const small = await Emulator.start({ port: 0, maximumPacketSize: 2000 });
      const line = (key: string, value: string) => `${JSON.stringify({ key, value })}\n`;
      const input = Buffer.from(line('import/a', '1') + line('import/b', 'x'.repeat(1950)));
      const there = ['--host', '127.0.0.1', '--port', String(small.port)];
      await fails(
        2,
        /line 2 has 1950 bytes and makes a packet of 2\d{3} bytes, .* 2000 at most: nothing was written/,
        ['import', ...there],
        {
          input,
        },
      );
      const client = new StateStoreClient({ host: '127.0.0.1', port: small.port });
      assert.equal((await client.get('import/a')).found, false);
      await client.close();
      await small.close();
    });

    it('imports keys that updates have changed, which need their lock', async () => {
      await update(store, 'protected', () => 'newer');
      const line = `${JSON.stringify({ key: 'protected', value: 'restored' })}\n`;
      const only = await run(['import', '--new-only', ...at], { input: Buffer.from(line) });
      assert.deepEqual(
        [only.code, only.stderr],
        [0, ['statestore: imported 0 keys, left 1 key as they are']],
      );
      const { code, stderr } = await run(['import', ...at], { input: Buffer.from(line) });
      assert.deepEqual([code, stderr], [0, ['statestore: imported 1 key']]);
      const got = await store.get('protected');
      assert.ok(got.found && got.value.toString() === 'restored');
      assert.equal((await store.get('protected/lock')).found, false);
    });

    it('imports no locks, which would never expire', async () => {
      const lines = ['restored', 'restored/lock', 'restored/lock/next']
        .map((key) => `${JSON.stringify({ key, value: 'v' })}\n`)
        .join('');
      const { code, stderr } = await run(['import', ...at], { input: lines });
      assert.deepEqual([code, stderr], [0, ['statestore: imported 1 key, left out 2 locks']]);
      assert.equal((await store.get('restored/lock')).found, false);
    });

    it('asks on a terminal before it deletes', async function () {
      const answer = async (text: string) => {
        const command = [process.execPath, CLI, 'delete', '--pattern', 'ask/?', ...at].join(' ');
        const child = spawn('script', ['-qec', `${command.replace('ask/?', "'ask/?'")}`, '/dev/null']);
        const failed = once(child, 'error').then(() => undefined);
        const question = new Promise<void>((resolve) => {
          let seen = '';
          child.stdout.on('data', (chunk) => {
            seen += chunk;
            if (seen.includes('Delete 1 key that match ask/?? [y/N]')) resolve();
          });
        });
        const asked = await Promise.race([question.then(() => true), failed]);
        if (!asked) return undefined;
        child.stdin.write(`${text}\n`);
        const [code] = await once(child, 'close');
        return code;
      };
      await store.set('ask/1', 'v');
      const no = await answer('n');
      if (no === undefined) return this.skip();
      assert.equal(no, 1);
      assert.equal((await store.get('ask/1')).found, true);
      assert.equal(await answer('y'), 0);
      assert.equal((await store.get('ask/1')).found, false);
    });

    it('ends with 4 if the broker cannot list keys', async () => {
      const old = await Emulator.start({ port: 0, scan: false });
      const there = ['--host', '127.0.0.1', '--port', String(old.port)];
      for (const args of [
        ['keys'],
        ['export', '*'],
        ['get', '--pattern', '*'],
        ['delete', '--pattern', '*', '--yes'],
      ])
        await fails(4, /cannot list keys/, [...args, ...there]);
      await old.close();
    });
  });

  describe('with reference data', () => {
    const folder = mkdtempSync(join(tmpdir(), 'statestore-'));
    after(() => rmSync(folder, { recursive: true }));
    const file = (text: string | Buffer) => {
      const path = join(folder, 'data');
      writeFileSync(path, text);
      return path;
    };

    it('stores a table of 5,000 rows as NDJSON with one command', async () => {
      const rows = Array.from({ length: 5000 }, (_none, i) => `press-${i},"Press, ${i}",${i % 100}`);
      await silent(['set', 'data/devices', '--csv', file(`deviceId,name,limit\r\n${rows.join('\r\n')}\r\n`)]);
      const got = await store.get('data/devices');
      assert.ok(got.found);
      const records = got.value
        .toString()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.equal(records.length, 5000);
      assert.deepEqual(records[4999], { deviceId: 'press-4999', name: 'Press, 4999', limit: 99 });
    });

    it('stores NDJSON with all digits of its numbers', async () => {
      await silent([
        'set',
        'data/lines',
        '--ndjson',
        file('\ufeff{"a":12345678901234567890}\r\n\r\n{"a":1.0}\n'),
      ]);
      const got = await store.get('data/lines');
      assert.ok(got.found && got.value.toString() === '{"a":12345678901234567890}\n{"a":1.0}');
    });

    it('writes nothing if any record is wrong', async () => {
      for (const [option, text, words] of [
        ['--ndjson', '{"a":1}\n[]\n', /data: Line 2 .* is not a JSON object/],
        ['--csv', 'a,b\n1\n', /data: The CSV text is not valid near line 2/],
        ['--csv', 'a,b\n', /data has no records/],
        ['--ndjson', Buffer.from([0xff]), /data is not UTF-8/],
      ] as const)
        await fails(2, words, ['set', 'data/wrong', option, file(text), ...at]);
      await fails(2, /no such file/, ['set', 'data/wrong', '--csv', join(folder, 'none'), ...at]);
      await fails(2, /replaces VALUE/, ['set', 'data/wrong', 'v', '--csv', file('a\n1'), ...at]);
      assert.equal((await store.get('data/wrong')).found, false);
    });
  });

  describe('with flows', () => {
    const folder = mkdtempSync(join(tmpdir(), 'statestore-'));
    after(() => rmSync(folder, { recursive: true }));
    const details = { by: 'node-red-0', nodes: 1, type: 'full', modules: {} } as const;
    const content = (label: string) =>
      Buffer.from(JSON.stringify({ flows: [{ id: 'a', type: 'tab', label }], credentials: { $: label } }));

    it('lists the versions, goes back to an older one, and saves it as files', async () => {
      const flows = new FlowStore(store, { prefix: 'plant', keep: 5, maxBytes: 1000, persist: true });
      await fails(1, /no flows under this prefix/, ['flows', 'list', '--prefix', 'plant', ...at]);
      const one = await flows.deploy('', content('one'), details);
      const two = await flows.deploy(one.version.id, content('two'), { ...details, user: 'anna' });
      const listed = (await silent(['flows', 'list', '--prefix', 'plant'])).toString().split('\n');
      assert.match(listed[1] as string, new RegExp(`^ {3}${one.version.id} .*node-red-0 +1$`));
      assert.match(listed[2] as string, new RegExp(`^\\*  ${two.version.id} .*anna at node-red-0 +1$`));
      const restored = await run(['flows', 'restore', one.version.id, '--prefix', 'plant', ...at]);
      assert.deepEqual(
        [restored.code, restored.stderr],
        [0, [`statestore: version ${one.version.id} runs now`]],
      );
      assert.equal((await flows.readIndex()).current, one.version.id);
      const path = join(folder, 'flows.json');
      assert.equal((await run(['flows', 'save', path, '--prefix', 'plant', ...at])).code, 0);
      assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), [{ id: 'a', type: 'tab', label: 'one' }]);
      assert.deepEqual(JSON.parse(readFileSync(join(folder, 'flows_cred.json'), 'utf8')), { $: 'one' });
      const two2 = ['flows', 'save', path, two.version.id, '--prefix', 'plant', ...at];
      await fails(2, /exists already/, two2);
      assert.equal((await run([...two2, '--yes'])).code, 0);
      assert.match(readFileSync(path, 'utf8'), /two/);
      await fails(2, /There is no flow version other/, [
        'flows',
        'restore',
        'other',
        '--prefix',
        'plant',
        ...at,
      ]);
    });
  });

  it('checks the emulator as a whole, and leaves no key', async () => {
    const clean = await Emulator.start({ port: 0 });
    const there = ['--host', '127.0.0.1', '--port', String(clean.port)];
    const table = await run(['check', ...there]);
    assert.deepEqual([table.code, table.stderr], [0, []], table.stdout.toString());
    assert.match(table.stdout.toString(), /^SET and GET +supported {2}/m);
    assert.match(table.stdout.toString(), /^Re-authentication +not checked {2}the login has no token/m);
    const lines = await run(['check', '--json', '--scratch', 'mine/', ...there]);
    const rows = lines.stdout.toString().trim().split('\n');
    assert.equal(rows.length, table.stdout.toString().trim().split('\n').length);
    assert.deepEqual(JSON.parse(rows.at(-1) as string), {
      ...{ id: 'clean', title: 'Clean-up', result: 'supported' },
      detail: 'all keys under mine/ were deleted',
    });
    assert.equal(clean.engine.size, 0);
    await clean.close();
    const gone = await run(['check', ...there]);
    assert.equal(gone.code, 1);
    assert.match(gone.stdout.toString(), /^Connection and login +failed +.*127\.0\.0\.1/);
  });

  it('explains itself', async () => {
    const help = await run(['--help']);
    assert.deepEqual([help.code, help.stderr], [0, []]);
    assert.match(help.stdout.toString(), /^Usage: statestore get KEY/);
    const version = await run(['--version']);
    assert.match(version.stdout.toString(), /^\d+\.\d+\.\d+\n$/);
  });

  it('is documented: every option and exit code of --help stands in docs/command.md', async () => {
    const page = readFileSync(join(ROOT, 'docs', 'command.md'), 'utf8');
    const help = (await run(['--help'])).stdout.toString();
    for (const [, option] of help.matchAll(/^ {2}(--[a-z-]+)/gm)) {
      assert.ok(page.includes(`\`${option}`), `${option} is not in the page`);
    }
    const codes = [...help.matchAll(/^ {2}(\d) {2}/gm)].map((match) => match[1]);
    assert.deepEqual(codes, ['0', '1', '2', '3', '4', '5', '6']);
    for (const code of codes) assert.match(page, new RegExp(`^\\| ${code} \\|`, 'm'));
  });
});
