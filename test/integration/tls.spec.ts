/** What a client makes of certificates, keys and addresses for TLS. */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator/index';
import {
  type ConnectionState,
  diagnose,
  StateStoreClient,
  type StateStoreClientOptions,
} from '../../src/index';
import { makeAuthority, makeCertificate, writeCertificate } from '../support/certificates';

describe('TLS', () => {
  let directory: string;
  let emulator: Emulator;
  let caFile: string;
  let good: { certFile: string; keyFile: string };
  let keyPasswordFile: string;
  let lockedKeyFile: string;
  let otherKeyFile: string;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tls-'));
    const authority = makeAuthority('Test authority');
    const save = (name: string) =>
      writeCertificate(directory, name, makeCertificate(name === 'server' ? 'localhost' : name, authority));
    caFile = writeCertificate(directory, 'ca', authority).cert;
    const server = save('server');
    const client = save('client');
    good = { certFile: client.cert, keyFile: client.key };
    otherKeyFile = save('other').key;
    lockedKeyFile = join(directory, 'locked.key');
    keyPasswordFile = join(directory, 'password');
    const lock = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' } as const;
    writeFileSync(lockedKeyFile, createPrivateKey(readFileSync(client.key)).export(lock));
    const [cert, key, ca] = [server.cert, server.key, caFile].map((path) => readFileSync(path));
    emulator = await Emulator.start({
      port: 0,
      tls: { cert: cert as Buffer, key: key as Buffer, ca: ca as Buffer },
    });
  });
  after(async () => {
    await emulator.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const options = (tls: object): StateStoreClientOptions => ({
    ...{ host: '127.0.0.1', port: emulator.port },
    tls: { caFile, ...tls },
  });
  const works = async (tls: object) => {
    const store = new StateStoreClient(options(tls));
    await store.connect();
    assert.equal((await store.set('k', 'v')).stored, true);
    await store.close();
  };

  it('works with a client certificate, and with a key that has a password', async () => {
    writeFileSync(keyPasswordFile, 'right\n');
    await works(good);
    await works({ ...good, keyFile: lockedKeyFile, keyPasswordFile });
  });

  const garbage = () => {
    const path = join(directory, 'garbage');
    writeFileSync(path, 'no PEM at all\n');
    return path;
  };
  const cases: [string, () => object, RegExp][] = [
    [
      'a certificate that is none',
      () => ({ ...good, certFile: garbage() }),
      /^The client certificate file .*garbage is not a PEM file\. Give a PEM file with certificates\.$/,
    ],
    [
      'a key that is none',
      () => ({ ...good, keyFile: garbage() }),
      /^The client key file .*garbage is not a PEM file\. Give a PEM file with a private key\.$/,
    ],
    [
      'the key of another certificate',
      () => ({ ...good, keyFile: otherKeyFile }),
      /^The client key file .*other\.key with the client certificate file .*client\.crt cannot be used: .*made together\.$/,
    ],
    [
      'a wrong password of the key',
      () => {
        writeFileSync(keyPasswordFile, 'wrong');
        return { ...good, keyFile: lockedKeyFile, keyPasswordFile };
      },
      /^The client key file .*locked\.key cannot be used: .*the right password\.$/,
    ],
    [
      'no password of the key',
      () => ({ ...good, keyFile: lockedKeyFile }),
      /^The client key file .*locked\.key cannot be used: .*its password if it has one\.$/,
    ],
  ];
  for (const [name, tls, message] of cases) {
    it(`with ${name} is no connection, in words, and the good file brings it`, async () => {
      const store = new StateStoreClient(options(tls()));
      store.open();
      while (store.state.kind !== 'disconnected') await once(store, 'state');
      const { reason } = store.state as ConnectionState & { kind: 'disconnected' };
      assert.deepEqual(
        [reason.reason, reason.stage, reason.retry],
        ['certificateUnusable', 'settings', 'slowly'],
      );
      assert.match(reason.message, message);
      await store.close();

      const [failed] = (await diagnose(options(tls()))).results;
      assert.deepEqual(
        [failed?.step, failed?.ok, failed?.reason],
        ['settings', false, 'certificateUnusable'],
      );

      writeFileSync(keyPasswordFile, 'right');
      await works(good);
    });
  }

  it('comes about where only the second address of a host name takes the connection', async () => {
    const { lookup } = dns;
    const addresses = [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    type Done = (error: null, addresses: { address: string; family: number }[]) => void;
    Object.assign(dns, { lookup: (_host: string, _options: object, done: Done) => done(null, addresses) });
    const store = new StateStoreClient({ ...options(good), host: 'localhost' });
    try {
      await store.connect();
    } finally {
      Object.assign(dns, { lookup });
      await store.close();
    }
  });
});
