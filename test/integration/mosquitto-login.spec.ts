import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, type Row } from '../../src/cli/check/check';
import { POINTS } from '../../src/cli/check/points';
import {
  type ConnectionError,
  diagnose,
  StateStoreClient,
  type StateStoreClientOptions,
} from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { type Certificate, makeAuthority, makeCertificate, writeCertificate } from '../support/certificates';
import { type Mosquitto, requireProgram, startMosquitto } from '../support/mosquitto';
import { ROOT } from '../support/node-red';
import { freePort } from '../support/ports';
import { type StoreAdapter, serveStore } from '../support/store-adapter';

const byId = (rows: Row[]): Record<string, Row | undefined> =>
  Object.fromEntries(rows.map((row) => [row.id, row]));

/** A broker that is not ours, with the state store behind it, set up as brokers in the field are. */
describe('StateStoreClient with Mosquitto, set up for production', () => {
  let directory: string;
  let authority: Certificate;
  let mosquitto: Mosquitto | undefined;
  let adapter: StoreAdapter | undefined;
  let store: StateStoreClient | undefined;
  const files: Record<string, string> = {};

  before(function () {
    requireProgram(this, 'mosquitto');
    directory = mkdtempSync(join(tmpdir(), 'tls-'));
    authority = makeAuthority('Test authority');
    const save = (name: string, certificate: Certificate) => {
      const { cert, key } = writeCertificate(directory, name, certificate);
      files[`${name}.crt`] = cert;
      files[`${name}.key`] = key;
    };
    save('ca', authority);
    save('server', makeCertificate('localhost', authority));
    save('expired', makeCertificate('localhost', authority, { days: -1 }));
    save('other', makeCertificate('other', authority, { altNames: [{ type: 2, value: 'other.example' }] }));
    save('client', makeCertificate('client', authority));
    const stranger = makeAuthority('Stranger');
    save('stranger', makeCertificate('client', stranger));
    files.passwords = join(directory, 'passwords');
    writeFileSync(files.passwords, '');
    execFileSync('mosquitto_passwd', ['-b', files.passwords, 'line1', 'secret1']);
    execFileSync('mosquitto_passwd', ['-b', files.passwords, 'store', 'secret2']);
  });
  after(() => directory && rmSync(directory, { recursive: true, force: true }));
  afterEach(async () => {
    await store?.close();
    await adapter?.close();
    await mosquitto?.stop();
    store = adapter = mosquitto = undefined;
  });

  const connect = (options: StateStoreClientOptions) => {
    store = new StateStoreClient({ host: 'localhost', ...options });
    return store;
  };
  /** The first reason why there is no connection. */
  const failure = (options: StateStoreClientOptions) =>
    new Promise<ConnectionError>((resolve) => {
      connect(options).on('state', (state) => {
        if (state.kind === 'disconnected' || state.kind === 'stopped') resolve(state.reason);
      });
      store?.open();
    });
  const works = async (options: StateStoreClientOptions) => {
    await connect(options).connect();
    assert.equal((await store?.set('k', 'v'))?.stored, true);
    const got = await store?.get('k');
    assert.equal(got?.found && got.value.toString(), 'v');
  };

  /** A TLS listener beside the plain one, on which the store is served. */
  const startTls = async (server: string, more = '') => {
    const port = await freePort();
    mosquitto = await startMosquitto(
      `allow_anonymous true\nlistener ${port} 127.0.0.1\ncafile ${files['ca.crt']}\ncertfile ${files[`${server}.crt`]}\nkeyfile ${files[`${server}.key`]}\n${more}`,
    );
    adapter = await serveStore({ port: mosquitto.port });
    return port;
  };

  describe('TLS with an authority of its own', () => {
    it('works with the CA file', async () => {
      const port = await startTls('server');
      await works({ port, tls: { caFile: files['ca.crt'] as string } });
    });

    it('is not trusted without it, and says what to do', async () => {
      const port = await startTls('server');
      const error = await failure({ port, tls: true });
      assert.equal(error.reason, 'certificateUntrusted');
      assert.match(
        error.message,
        /^The certificate of localhost:\d+ is not trusted: .*Give the CA file of the broker/,
      );
    });

    it('works unverified when that is asked for', async () => {
      const port = await startTls('server');
      await works({ port, tls: { verify: false } });
    });

    it('says that the certificate has expired', async () => {
      const port = await startTls('expired');
      const error = await failure({ port, tls: { caFile: files['ca.crt'] as string } });
      assert.equal(error.reason, 'certificateExpired');
    });

    it('says that the certificate is for another name', async () => {
      const port = await startTls('other');
      const error = await failure({ port, tls: { caFile: files['ca.crt'] as string } });
      assert.equal(error.reason, 'certificateOfOther');
      assert.match(error.message, /other\.example/);
    });

    it('names a CA file that does not exist, and goes on when it does', async () => {
      const port = await startTls('server');
      const missing = join(directory, 'missing.crt');
      const error = await failure({ port, tls: { caFile: missing } });
      assert.equal(error.reason, 'fileUnreadable');
      assert.match(error.message, new RegExp(`^The CA file ${missing} does not exist\\.`));
    });

    it('reads the CA file again before each attempt', async () => {
      const port = await startTls('server');
      const late = join(directory, 'late.crt');
      writeFileSync(late, makeAuthority('Old authority').cert);
      const error = await failure({ port, tls: { caFile: late } });
      assert.equal(error.reason, 'certificateUntrusted');
      await store?.close();
      writeFileSync(late, authority.cert);
      await works({ port, tls: { caFile: late } });
    });
  });

  describe('client certificates', () => {
    it('work', async () => {
      const port = await startTls('server', 'require_certificate true');
      await works({
        port,
        tls: {
          caFile: files['ca.crt'] as string,
          certFile: files['client.crt'] as string,
          keyFile: files['client.key'] as string,
        },
      });
    });

    it('are asked for when missing', async () => {
      const port = await startTls('server', 'require_certificate true');
      const error = await failure({ port, tls: { caFile: files['ca.crt'] as string } });
      assert.equal(error.reason, 'clientCertificate');
      assert.match(error.message, /Give a client certificate and its key that the broker trusts/);
    });

    it('of strangers are refused', async () => {
      const port = await startTls('server', 'require_certificate true');
      const error = await failure({
        port,
        tls: {
          caFile: files['ca.crt'] as string,
          certFile: files['stranger.crt'] as string,
          keyFile: files['stranger.key'] as string,
        },
      });
      assert.equal(error.reason, 'clientCertificate');
    });

    it('need their key', () => {
      assert.throws(() => connect({ tls: { certFile: 'x' } }), {
        code: 'BAD_ARGUMENT',
        message: /together with its key/,
      });
    });
  });

  it('reports a TLS client at a plain listener', async () => {
    mosquitto = await startMosquitto();
    const error = await failure({ port: mosquitto.port, tls: true, connectTimeout: 3000 });
    assert.ok(['noTls', 'tlsFailed'].includes(error.reason), error.reason);
    assert.match(error.message, /TLS/);
  });

  it('reports a plain client at a TLS listener', async () => {
    const port = await startTls('server');
    const error = await failure({ port });
    assert.equal(error.reason, 'closedBeforeAnswer');
    assert.match(error.message, /If the broker expects TLS, turn TLS on/);
  });

  describe('username and password', () => {
    const startWithPasswords = async () => {
      mosquitto = await startMosquitto(`allow_anonymous false\npassword_file ${files.passwords}`);
      adapter = await serveStore({ port: mosquitto.port, username: 'store', password: 'secret2' });
      return mosquitto.port;
    };

    it('work', async () => {
      await works({ port: await startWithPasswords(), username: 'line1', password: 'secret1' });
    });

    it('work with the password in a file', async () => {
      const passwordFile = join(directory, 'password');
      writeFileSync(passwordFile, 'secret1\n');
      await works({ port: await startWithPasswords(), username: 'line1', passwordFile });
    });

    it('that are wrong are refused in words', async () => {
      const error = await failure({ port: await startWithPasswords(), username: 'line1', password: 'wrong' });
      assert.ok(['badCredentials', 'notAuthorized'].includes(error.reason));
      assert.equal(error.code, 'REFUSED');
      assert.match(error.message, /refused the connection: .* \(0x8[67]\)\. Check the login/);
    });

    it('are missed in words', async () => {
      const error = await failure({ port: await startWithPasswords() });
      assert.equal(error.reason, 'notAuthorized');
    });
  });

  describe('access rules', () => {
    const startWithRules = async (rules: string) => {
      const acl = join(directory, 'acl');
      writeFileSync(acl, `user store\ntopic readwrite #\nuser line1\n${rules}\n`);
      mosquitto = await startMosquitto(
        `allow_anonymous false\npassword_file ${files.passwords}\nacl_file ${acl}`,
      );
      adapter = await serveStore({ port: mosquitto.port, username: 'store', password: 'secret2' });
      return { port: mosquitto.port, username: 'line1', password: 'secret1' };
    };

    it('that deny the request topic are reported (PUBACK 0x87)', async () => {
      await connect(await startWithRules('topic read clients/#')).connect();
      await rejectsWith((store as StateStoreClient).set('k', 'v'), {
        code: 'REFUSED',
        key: 'k',
        message:
          /does not allow this client to publish to statestore\/v1\/.*: not authorized \(0x87\); key k was not set\. Ask the broker administrator/,
      });
    });

    describe('that grant the subscription to the response topic, but do not deliver it', () => {
      /** A client that nothing reaches, although Mosquitto accepts its subscriptions and its publishes. */
      const deaf = async (clientId: string) => ({
        ...(await startWithRules('topic write statestore/#')),
        ...{ host: 'localhost', clientId, timeout: 500 },
      });
      const words = (clientId: string) =>
        new RegExp(
          `^No response within \\d+ ms to the request to .*, nor to any other on this connection, although the broker acknowledges requests\\..* Check that host and port .* the state store runs\\. If it does, the access rules of the broker may keep .* the topic clients/${clientId}/services/statestore/_any_/command/invoke/response\\.$`,
        );

      it('are named by each request', async () => {
        const client = connect(await deaf('deaf1'));
        const expected = { code: 'TIMEOUT', reason: 'noStateStoreAnswer', message: words('deaf1') };
        await rejectsWith(client.get('k'), expected);
        await rejectsWith(client.set('k', 'v'), { ...expected, applied: 'unknown' });
        await rejectsWith(client.observe('k'), expected);
        assert.equal(adapter?.engine.size, 1, 'the store has executed the write');
      });

      it('are named by the test of a connection', async () => {
        const { results } = await diagnose({ ...(await deaf('deaf2')), clientId: '' });
        const { step, reason, message } = results.at(-1) ?? {};
        assert.deepEqual([step, reason], ['store', 'noStateStoreAnswer']);
        assert.match(message ?? '', words('statestore-[\\w-]+'));
      });

      it('are named by the check of the broker, which goes on with nothing else', async () => {
        const client = connect(await deaf('deaf3'));
        const rows = await check(client, () => client.connect(), 'scratch/', POINTS);
        const { connect: login, 'set-get': first, clean, ...others } = byId(rows);
        assert.deepEqual([login?.result, first?.result], ['supported', 'failed']);
        assert.match(first?.detail ?? '', words('deaf3'));
        assert.match(clean?.detail ?? '', /^these keys may be left: scratch\//);
        assert.ok(Object.keys(others).length > 10);
        for (const row of Object.values(others))
          assert.deepEqual([row?.result, row?.detail], ['not checked', 'the state store did not respond']);
      });
    });

    it('of the page on troubleshooting are enough', async () => {
      const rules = [
        'topic write statestore/#',
        'pattern read clients/%c/#',
        'topic read clients/statestore/#',
      ];
      const options = await startWithRules(rules.join('\n'));
      const page = readFileSync(join(ROOT, 'docs', 'troubleshooting.md'), 'utf8');
      for (const rule of rules) assert.ok(page.includes(`\`${rule}\``), rule);
      await works(options);
      const changes = (await (store as StateStoreClient).observe('k'))[Symbol.asyncIterator]();
      const next = changes.next();
      await store?.set('k', 'w');
      assert.equal((await next).value?.operation, 'set');
    });

    it('that deny the response topic are reported (SUBACK)', async () => {
      // Mosquitto's ACL file knows no rules for subscriptions; its dynamic security plugin does.
      const rules = join(directory, 'dynamic-security.json');
      const defaultACLAccess = {
        publishClientSend: true,
        publishClientReceive: true,
        subscribe: false,
        unsubscribe: true,
      };
      writeFileSync(rules, JSON.stringify({ defaultACLAccess, clients: [], groups: [], roles: [] }));
      const plugin = '/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so';
      mosquitto = await startMosquitto(
        `allow_anonymous true\nplugin ${plugin}\nplugin_opt_config_file ${rules}`,
      );
      const error = await failure({ port: mosquitto.port });
      assert.equal(error.reason, 'subscriptionRefused');
      assert.match(error.message, /refused the subscription to clients\/.*: not authorized \(0x87\)/);
    });
  });

  it('keeps to a small max_inflight_messages', async () => {
    mosquitto = await startMosquitto('allow_anonymous true\nmax_inflight_messages 3');
    adapter = await serveStore({ port: mosquitto.port });
    await connect({ port: mosquitto.port }).connect();
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => store?.set(`k${i}`, 'v')));
    assert.ok(results.every((result) => result?.stored));
    assert.equal(adapter.engine.size, 200);
  });

  it('keeps to a small max_packet_size', async () => {
    mosquitto = await startMosquitto('allow_anonymous true\nmax_packet_size 2000');
    adapter = await serveStore({ port: mosquitto.port });
    await connect({ port: mosquitto.port }).connect();
    await rejectsWith((store as StateStoreClient).set('k', Buffer.alloc(2000)), {
      code: 'BAD_ARGUMENT',
      message: /but the broker accepts at most 2000: key k was not set\. Use a smaller value or key/,
    });
    assert.equal((await store?.set('k', Buffer.alloc(1000)))?.stored, true);
  });

  it('reports a host that does not exist', async () => {
    const error = await failure({ host: 'no-such-host.invalid', port: 1883 });
    assert.equal(error.reason, 'hostNotFound');
  });
});
