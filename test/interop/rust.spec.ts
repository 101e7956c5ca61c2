/** Our client and emulator with Microsoft's Rust client of the state store: what one writes the other understands. */
import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { Lock } from '../../src/coordination/index';
import { Emulator } from '../../src/emulator/index';
import { type KeyChange, StateStoreClient } from '../../src/index';
import { compareHlc, parseHlc } from '../../src/protocol/hlc';
import { rejectsWith } from '../support/assertions';
import { FaultProxy } from '../support/fault-proxy';
import { buildProgram } from './cargo';
import { RustClient, RustError } from './rust-client';

/** Keys and values that a client could take for something else. */
const BYTES: Record<string, [key: string | Buffer, value: string | Buffer]> = {
  text: ['someKey', 'someValue'],
  'an empty value': ['empty', ''],
  'every byte': [
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    Buffer.from(Array.from({ length: 256 }, (_, byte) => 255 - byte)),
  ],
  emoji: ['🔑/ключ/鍵', '👩‍🔧 läuft'],
  'lines of the protocol': ['*2\r\n$3\r\nGET\r\n', '$-1\r\n'],
  'a key of 6,500 bytes and a value of 65,000': [Buffer.alloc(6_500, 'k'), Buffer.alloc(65_000, 0xff)],
};

describe('With the Rust client of Azure IoT Operations', () => {
  let program: string;
  let emulator: Emulator;
  let ours: StateStoreClient;
  let theirs: RustClient;

  before(async function () {
    program = await buildProgram(this);
    emulator = await Emulator.start({ port: 0 });
    ours = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    theirs = await RustClient.start(program, emulator.port, 'rust');
  });
  after(async () => {
    await theirs?.stop();
    await ours?.close();
    await emulator?.close();
  });

  describe('keys and values', () => {
    for (const [name, [key, value]] of Object.entries(BYTES)) {
      it(`of ours are read there: ${name}`, async () => {
        const { version } = await ours.set(key, value);
        assert.deepEqual(await theirs.get(key), { value: Buffer.from(value as string), version });
        assert.equal(await theirs.delete(key), 1);
        assert.deepEqual(await ours.get(key), { found: false });
      });

      it(`of theirs are read here: ${name}`, async () => {
        const { version } = await theirs.set(key, value);
        assert.deepEqual(await ours.get(key), { found: true, value: Buffer.from(value as string), version });
        assert.equal((await ours.delete(key)).deleted, true);
        assert.deepEqual(await theirs.get(key), { value: null, version: null });
      });
    }

    it('that are not there cannot be deleted', async () => {
      assert.equal(await theirs.delete('nothing'), 0);
      assert.deepEqual(await ours.delete('nothing'), { deleted: false, found: false });
    });
  });

  describe('conditions', () => {
    it('of ours hold for values of theirs', async () => {
      await theirs.set('condition/theirs', 'rust');
      assert.equal((await ours.set('condition/theirs', 'rust', { condition: 'NX' })).stored, false);
      assert.equal((await ours.set('condition/theirs', 'node', { condition: 'NEX' })).stored, false);
      assert.equal((await ours.set('condition/theirs', 'rust', { condition: 'NEX' })).stored, true);
      const kept = await ours.deleteIfValue('condition/theirs', 'node');
      assert.deepEqual([kept.deleted, kept.found], [false, true]);
      assert.equal((await ours.deleteIfValue('condition/theirs', 'rust')).deleted, true);
      assert.equal((await ours.set('condition/theirs', 'node', { condition: 'NX' })).stored, true);
    });

    it('of theirs hold for values of ours', async () => {
      await ours.set('condition/ours', 'node');
      assert.equal((await theirs.set('condition/ours', 'node', { condition: 'NX' })).stored, false);
      assert.equal((await theirs.set('condition/ours', 'rust', { condition: 'NEX' })).stored, false);
      assert.equal((await theirs.set('condition/ours', 'node', { condition: 'NEX' })).stored, true);
      assert.equal(await theirs.deleteIfValue('condition/ours', 'rust'), -1);
      assert.equal(await theirs.deleteIfValue('condition/ours', 'node'), 1);
      assert.equal(await theirs.deleteIfValue('condition/ours', 'node'), 0);
      assert.equal((await theirs.set('condition/ours', 'rust', { condition: 'NX' })).stored, true);
    });
  });

  describe('versions', () => {
    it('grow from writer to writer, in both clients', async () => {
      const versions: string[] = [];
      for (let round = 0; round < 20; round++) {
        for (const writer of [ours, theirs]) {
          const { version } = await writer.set('versions', String(round));
          versions.push(version ?? assert.fail('a version'));
        }
      }
      assert.deepEqual(versions, [...versions].sort(byVersion));
      assert.equal(new Set(versions).size, versions.length);
    });
  });

  describe('fencing tokens', () => {
    it('of theirs exclude an older one of ours', async () => {
      const older = (await ours.set('fence/1', 'older')).version as string;
      const newer = (await theirs.set('fence/1', 'newer')).version as string;
      await theirs.set('fenced/1', 'rust', { fencingToken: newer });
      await rejectsWith(ours.set('fenced/1', 'node'), { code: 'FENCING_TOKEN_REQUIRED' });
      const late = { fencingToken: older };
      await rejectsWith(ours.set('fenced/1', 'node', late), { code: 'FENCING_TOKEN_LOWER_VERSION' });
      await rejectsWith(ours.delete('fenced/1', late), { code: 'FENCING_TOKEN_LOWER_VERSION' });
      assert.equal((await ours.delete('fenced/1', { fencingToken: newer })).deleted, true);
    });

    it('of ours exclude an older one of theirs', async () => {
      const older = (await theirs.set('fence/2', 'older')).version as string;
      const newer = (await ours.set('fence/2', 'newer')).version as string;
      await ours.set('fenced/2', 'node', { fencingToken: newer });
      await rejectsAs(theirs.set('fenced/2', 'rust'), 'MissingFencingToken');
      const late = { fencingToken: older };
      await rejectsAs(theirs.set('fenced/2', 'rust', late), 'FencingTokenLowerVersion');
      await rejectsAs(theirs.delete('fenced/2', late), 'FencingTokenLowerVersion');
      assert.equal(await theirs.delete('fenced/2', { fencingToken: newer }), 1);
    });
  });

  describe('observing', () => {
    for (const [name, [key, value]] of Object.entries(BYTES)) {
      it(`there reports our changes: ${name}`, async () => {
        await theirs.observe(key);
        const told = theirs.changes(2);
        const { version } = await ours.set(key, value);
        const deleted = await ours.delete(key);
        const bytes = { key: Buffer.from(key as string), value: Buffer.from(value as string) };
        assert.deepEqual(await told, [
          { operation: 'set', ...bytes, version },
          { operation: 'delete', key: bytes.key, value: null, version: deleted.version },
        ]);
        assert.equal(await theirs.unobserve(key), true);
        assert.equal(await theirs.unobserve(key), false);
      });

      it(`here reports their changes: ${name}`, async () => {
        const observation = await ours.observe(key);
        const { version } = await theirs.set(key, value);
        await theirs.delete(key);
        const [set, deleted] = await take(observation[Symbol.asyncIterator](), 2);
        const bytes = { key: Buffer.from(key as string), value: Buffer.from(value as string) };
        assert.deepEqual(set, { operation: 'set', ...bytes, version });
        assert.deepEqual([deleted?.operation, deleted?.key], ['delete', bytes.key]);
        await observation.close();
      });
    }

    it('reports to both that a key expired, after a set by either', async () => {
      const observation = await ours.observe('expiry');
      const changes = observation[Symbol.asyncIterator]();
      await theirs.observe('expiry');
      for (const writer of [ours, theirs]) {
        const told = theirs.changes(2);
        await writer.set('expiry', 'soon gone', { expiry: 50 });
        const operations = ['set', 'delete'];
        assert.deepEqual(
          (await told).map(({ operation }) => operation),
          operations,
        );
        assert.deepEqual(
          (await take(changes, 2)).map(({ operation }) => operation),
          operations,
        );
        assert.equal((await ours.get('expiry')).found, false);
        assert.equal((await theirs.get('expiry')).value, null);
      }
      await observation.close();
      await theirs.unobserve('expiry');
    });

    it('ends where it was asked to end', async () => {
      await theirs.observe('ended');
      await theirs.observe('going on');
      await theirs.unobserve('ended');
      const told = theirs.changes(1);
      await ours.set('ended', 'not told');
      await ours.set('going on', 'told');
      assert.equal((await told)[0]?.key.toString(), 'going on');
      await theirs.unobserve('going on');
    });
  });

  describe('a load', () => {
    it('of theirs, as the benchmark has it, is what it says it is', async () => {
      let served = 0;
      const count = () => served++;
      emulator.on('change', count);
      const load = { size: 16, inFlight: 8, ms: 200 };
      const sets = await theirs.load({ ...load, operation: 'SET' });
      emulator.off('change', count);
      assert.equal(sets.operations, served);
      for (let lane = 0; lane < load.inFlight; lane++) {
        const got = await ours.get(`bench/${lane}`);
        assert.equal(got.found && got.value.length, load.size);
      }
      assert.ok(
        sets.cpu > 0 && sets.perSecond > 0 && sets.p50 > 0 && sets.p99 >= sets.p50,
        JSON.stringify(sets),
      );
      // The values that are there have 16 bytes.
      const wrong = /(\d+) of \1 answers to GET were wrong/;
      await assert.rejects(theirs.load({ ...load, operation: 'GET', size: 17 }), wrong);
    });
  });

  describe('a connection that is cut', () => {
    it('is found again by them, who then observe again', async () => {
      const proxy = await FaultProxy.start(() => emulator.port);
      const client = await RustClient.start(program, proxy.port, 'rust-cut');
      await client.observe('cut');
      const unobserved = once(client, 'unobserved');
      proxy.cut();
      assert.deepEqual(await unobserved, [Buffer.from('cut')]);
      await ours.set('cut', 'missed');
      assert.equal((await client.get('cut')).value?.toString(), 'missed');
      await client.observe('cut');
      const told = client.changes(1);
      await ours.set('cut', 'told');
      assert.equal((await told)[0]?.value?.toString(), 'told');
      await client.stop();
      await proxy.close();
    });
  });

  describe('the lease lock', () => {
    const LEASE = 60_000;
    const lock = 'lock';
    const rust = { lock, holder: 'rust' };
    /** As docs/protocol.md section 6 has it. */
    const acquire = (holder: string) => ours.set(lock, holder, { condition: 'NEX', expiry: LEASE });

    afterEach(() => ours.delete(lock));

    it('held there excludes us, and its token fences', async () => {
      const before = (await ours.set('before', '')).version as string;
      const token = await theirs.acquireLease({ ...rust, lease: LEASE });
      assert.equal((await acquire('node')).stored, false);
      const seen = await ours.get(lock);
      assert.deepEqual(seen, { found: true, value: Buffer.from('rust'), version: token });
      await theirs.set('guarded', 'rust', { fencingToken: token });
      await rejectsWith(ours.set('guarded', 'node', { fencingToken: before }), {
        code: 'FENCING_TOKEN_LOWER_VERSION',
      });

      await theirs.releaseLease(rust);
      const { stored, version } = await acquire('node');
      assert.equal(stored, true);
      await ours.set('guarded', 'node', { fencingToken: version as string });
      await rejectsAs(theirs.set('guarded', 'rust', { fencingToken: token }), 'FencingTokenLowerVersion');
      await ours.delete('guarded', { fencingToken: version as string });
    });

    it('held here excludes them, and its token fences', async () => {
      const before = (await theirs.set('before', '')).version as string;
      const { stored, version } = await acquire('node');
      assert.equal(stored, true);
      await rejectsAs(theirs.acquireLease({ ...rust, lease: LEASE }), 'LeaseAlreadyHeld');
      assert.equal((await theirs.leaseHolder(rust))?.toString(), 'node');
      assert.equal(await theirs.leaseToken(rust), null);
      await theirs.releaseLease(rust);
      assert.equal((await theirs.leaseHolder(rust))?.toString(), 'node', 'another holder cannot release it');
      await ours.set('guarded', 'node', { fencingToken: version as string });
      await rejectsAs(theirs.set('guarded', 'rust', { fencingToken: before }), 'FencingTokenLowerVersion');

      assert.equal((await ours.deleteIfValue(lock, 'node')).deleted, true);
      const token = await theirs.acquireLease({ ...rust, lease: LEASE });
      await theirs.set('guarded', 'rust', { fencingToken: token });
      await rejectsWith(ours.set('guarded', 'node', { fencingToken: version as string }), {
        code: 'FENCING_TOKEN_LOWER_VERSION',
      });
      await ours.delete('guarded', { fencingToken: token });
      await theirs.releaseLease(rust);
      assert.equal(await theirs.leaseHolder(rust), null);
    });

    it('is acquired by the waiting client there when we release it', async () => {
      await acquire('node');
      // Observing the lock, and an attempt to take it, which is refused.
      const refused = served(2);
      const waiting = theirs.acquireLock({ ...rust, lease: LEASE });
      await refused;
      assert.equal((await ours.deleteIfValue(lock, 'node')).deleted, true);
      assert.equal(await waiting, await theirs.lockToken(rust));
      assert.equal((await acquire('node')).stored, false);
      await theirs.releaseLock(rust);
      assert.equal((await acquire('node')).stored, true);
    });

    it('of theirs makes a lock of ours wait, and of ours makes theirs wait, with newer and newer tokens', async () => {
      const mine = new Lock(ours, lock, { duration: LEASE });
      const tokens: string[] = [];
      for (let round = 0; round < 5; round++) {
        tokens.push(await theirs.acquireLock({ ...rust, lease: LEASE }));
        assert.equal(await mine.acquire({ timeout: 50 }), undefined, 'theirs excludes ours');
        assert.equal(mine.holder, 'rust');
        const got = mine.acquire({ timeout: 15_000 });
        await theirs.releaseLock(rust);
        const hold = await got;
        assert.ok(hold?.fencingToken, 'ours waits for theirs');
        tokens.push(hold.fencingToken);
        await rejectsAs(theirs.acquireLease({ ...rust, lease: LEASE }), 'LeaseAlreadyHeld');
        const waiting = theirs.acquireLock({ ...rust, lease: LEASE });
        await hold.release();
        tokens.push(await waiting);
        await theirs.releaseLock(rust);
      }
      assert.deepEqual(tokens, [...tokens].sort(byVersion));
      assert.equal(new Set(tokens).size, tokens.length);
    });

    it('is renewed there with newer and newer tokens, and here when it expires after their process died', async () => {
      const other = await RustClient.start(program, emulator.port, 'rust-that-dies');
      const observation = await ours.observe(lock);
      const changes = observation[Symbol.asyncIterator]();
      const first = await other.acquireLease({ lock, holder: 'dying', lease: 2_000, renewal: 50 });
      const versions = (await take(changes, 4)).map(({ version }) => version as string);
      assert.equal(versions[0], first);
      assert.deepEqual(versions, [...versions].sort(byVersion));
      assert.equal(new Set(versions).size, 4);
      await other.kill();
      let last: KeyChange | undefined;
      while (last?.operation !== 'delete') [last] = await take(changes, 1);
      assert.equal((await acquire('node')).stored, true);
      await observation.close();
    });
  });

  /** Resolves when the emulator has served so many requests from now on. */
  async function served(requests: number): Promise<void> {
    for await (const _ of on(emulator, 'change')) if (--requests === 0) return;
  }
});

function byVersion(a: string, b: string): number {
  const [one, other] = [parseHlc(a), parseHlc(b)];
  assert.ok(one && other, `${a}, ${b}`);
  return compareHlc(one, other);
}

/** An observation has one loop, so all parts of a test take from the same one. */
async function take(iterator: AsyncIterator<KeyChange>, count: number): Promise<KeyChange[]> {
  const taken: KeyChange[] = [];
  while (taken.length < count) taken.push((await iterator.next()).value);
  return taken;
}

/** The call rejects with the crate's error of this name. */
async function rejectsAs(call: Promise<unknown>, kind: string): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof RustError, `not an error of the crate: ${error}`);
    assert.equal(error.kind, kind, error.message);
    return true;
  });
}
