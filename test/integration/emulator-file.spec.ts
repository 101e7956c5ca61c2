/** The file of an emulator: what it keeps, and what becomes of one that is torn, damaged or in use. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { ROOT } from '../support/node-red';

describe('The file of an emulator', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'emulator-file-'));
    file = join(folder, 'keys');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** An emulator with the file and one client, and how the file was found. */
  const using = async <T>(
    use: (client: StateStoreClient, emulator: Emulator) => Promise<T>,
    options: Parameters<typeof Emulator.start>[0] = {},
  ): Promise<T> => {
    const emulator = await Emulator.start({ port: 0, file, ...options });
    const client = new StateStoreClient({ port: emulator.port });
    try {
      return await use(client, emulator);
    } finally {
      await client.close();
      await emulator.close();
    }
  };
  const value = (client: StateStoreClient, key = 'k') =>
    client.get(key).then((got) => (got.found ? got.value.toString() : undefined));

  it('keeps keys, versions, fencing tokens and the order of keys, and forgets deleted keys', async () => {
    const before = await using(async (client) => {
      await client.set('b', '1');
      await client.set('gone', '1');
      await client.set('a', '1');
      await client.delete('gone');
      const { version: fencingToken } = await client.set('token', '1');
      return client.set('k', Buffer.from([0, 255]), { fencingToken: fencingToken as string });
    });
    await using(async (client, emulator) => {
      assert.deepEqual([...emulator.engine.keys()].map(String), ['b', 'a', 'token', 'k']);
      const got = await client.get('k');
      assert.ok(got.found);
      assert.deepEqual([[...got.value], got.version], [[0, 255], before.version]);
      await assert.rejects(client.set('k', 'v'), { code: 'FENCING_TOKEN_REQUIRED' });
      const { version } = await client.set('b', '2');
      assert.ok((version as string) > (before.version as string));
    });
  });

  it('lets a key expire at its time, also if the clock is set back while the emulator is stopped', async () => {
    let now = 1_700_000_000_000;
    const at = { now: () => now, elapsed: () => now % 1_000_000 };
    await using((client) => client.set('k', 'v', { expiry: 10_000 }), { now: Date.now });
    const remaining = async (options: object) =>
      using(async (_client, emulator) => (emulator.engine.expiryOf(Buffer.from('k')) ?? 0) - now, options);
    now = Date.now() - 50_000;
    const left = await remaining(at);
    assert.ok(left > 9000 && left <= 10_000, String(left));
    now = Date.now() + 60_000;
    assert.equal(await using((client) => value(client), { now: Date.now, elapsed: () => now }), 'v');
    await using(async (_client, emulator) => assert.equal(emulator.engine.expire(now, now).length, 0), {
      now: () => now,
    });
  });

  it('drops a last record that is cut off, without a report, and continues behind the one before', async () => {
    await using(async (client) => {
      await client.set('k', 'v');
      await client.set('last', 'v');
    });
    truncateSync(file, statSync(file).size - 3);
    await using(async (client, emulator) => {
      assert.deepEqual([emulator.file?.keys, emulator.file?.damage], [1, undefined]);
      await client.set('k', 'w');
    });
    assert.equal(await using((client) => value(client)), 'w');
    assert.deepEqual(readdirSync(folder), ['keys']);
  });

  it('reports damage, keeps the damaged file aside, and has all other keys', async () => {
    await using(async (client) => {
      for (const key of ['a', 'b', 'c']) await client.set(key, `value of ${key}`);
    });
    const damaged = readFileSync(file);
    damaged.write('X', damaged.indexOf('value of b'));
    writeFileSync(file, damaged);
    const keptAs = await using(async (client, emulator) => {
      assert.deepEqual(
        [await value(client, 'a'), await value(client, 'b'), await value(client, 'c')],
        ['value of a', undefined, 'value of c'],
      );
      assert.ok((emulator.file?.damage?.bytes ?? 0) > 0);
      return emulator.file?.damage?.keptAs as string;
    });
    assert.match(keptAs, /keys\.damaged-\d{4}-/);
    assert.deepEqual(readFileSync(keptAs), damaged);
    await using(async (_client, emulator) => {
      assert.deepEqual([emulator.file?.keys, emulator.file?.damage], [2, undefined]);
    });
  });

  it('keeps a file of zeros or without its beginning aside, too', async () => {
    writeFileSync(file, Buffer.alloc(5000));
    await using(async (client, emulator) => {
      assert.ok(emulator.file?.damage);
      await client.set('k', 'v');
    });
    writeFileSync(file, readFileSync(file).subarray(5));
    await using(async (client, emulator) => {
      assert.ok(emulator.file?.damage);
      assert.equal(await value(client), 'v');
    });
  });

  it('leaves a file alone that something else wrote', async () => {
    writeFileSync(file, 'a letter to somebody');
    await assert.rejects(Emulator.start({ port: 0, file }), /is not a file of keys/);
    assert.equal(readFileSync(file, 'utf8'), 'a letter to somebody');
  });

  it('is used by one emulator at a time, of this process or another one', async () => {
    await using(async () => {
      await assert.rejects(Emulator.start({ port: 0, file }), /in use by another emulator of this process/);
      const cli = join(ROOT, 'dist', 'src', 'emulator', 'cli.js');
      const { status, stderr } = spawnSync(process.execPath, [cli, '--port', '0', '--file', file]);
      assert.equal(status, 1);
      assert.match(stderr.toString(), new RegExp(`in use by the process ${process.pid}`));
    });
    writeFileSync(`${file}.lock`, JSON.stringify({ pid: process.pid, host: 'another', started: '1' }));
    await assert.rejects(Emulator.start({ port: 0, file }), /on another/);
  });

  it('is replaced by a snapshot as well if the emulator often restarts', async () => {
    const large = Buffer.alloc(1_000_000);
    for (let turn = 0; turn < 12; turn++) await using((client) => client.set('k', large));
    assert.ok(statSync(file).size < 10_000_000, String(statSync(file).size));
  });

  it('is replaced by a snapshot when it is several times as large as its keys', async () => {
    const text = 'x'.repeat(100_000);
    await using(async (client) => {
      for (let turn = 0; turn < 30; turn++)
        await Promise.all([1, 2, 3, 4, 5].map((key) => client.set(String(key), `${turn} ${text}`)));
    });
    assert.ok(statSync(file).size < 8_000_000, String(statSync(file).size));
    await using(async (client) => {
      for (const key of ['1', '2', '3', '4', '5'])
        assert.match((await value(client, key)) as string, /^29 x/);
    });
  });

  it('ends the emulator, without a response to the write, if it cannot be written', async () => {
    file = join(folder, 'missing', 'keys');
    const emulator = await Emulator.start({ port: 0, file });
    const client = new StateStoreClient({ port: emulator.port });
    const fault = once(emulator, 'fault');
    await client.set('k', 'v');
    rmSync(join(folder, 'missing'), { recursive: true });
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => client.set('k', Buffer.alloc(3_000_000))));
    const [error] = await fault;
    assert.match(error.message, /missing.keys/);
    assert.ok(outcomes.some(({ status }) => status === 'rejected') || emulator.clients === 0);
    await client.close();
    await emulator.close();
  });

  it('must be a file', async () => {
    await assert.rejects(Emulator.start({ port: 0, file: folder }), /EISDIR|is not a file/);
  });

  it('starts with 100,000 keys in seconds', async () => {
    const load = Array.from({ length: 100_000 }, (_, index) => ({
      key: Buffer.from(`machine/${index}`),
      value: Buffer.from(`value ${index}`),
    }));
    await (await Emulator.start({ port: 0, file, load })).close();
    const since = performance.now();
    await using(async (client, emulator) => {
      const ms = performance.now() - since;
      assert.equal(emulator.keys, 100_000);
      assert.equal(await value(client, 'machine/99999'), 'value 99999');
      assert.ok(ms < 10_000, `${ms} ms`);
    });
  });
});
