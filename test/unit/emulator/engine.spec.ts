import assert from 'node:assert/strict';
import { StateStoreEngine } from '../../../src/emulator/engine';
import type { EngineOutput } from '../../../src/emulator/store/engine-request';
import type { Command } from '../../../src/protocol/commands';
import { serviceErrorText } from '../../../src/protocol/errors';
import { compareHlc, formatHlc, type Hlc, parseHlc } from '../../../src/protocol/hlc';
import { encodeCommand } from '../../support/encode-command';

const NOW = 1_700_000_000_000;
const at = (ms: number, counter = 0): string => formatHlc({ wallClockMs: NOW + ms, counter, nodeId: 'me' });
const hlc = (text: string | undefined): Hlc => parseHlc(text as string) as Hlc;

/** Words after the verb: key and, where there is one, value; options as an object. */
type Options = {
  condition?: 'NX' | 'NEX';
  expiryMs?: number;
  ft?: string;
  ts?: string;
  /** Wall clock, from NOW. */
  now?: number;
  /** Monotonic clock; as the wall clock by default. */
  elapsed?: number;
  client?: string;
};

class Store {
  readonly engine = new StateStoreEngine();

  run(command: Command, { ft, ts, now = 0, elapsed = now, client = 'me' }: Options = {}): EngineOutput {
    const request = {
      clientId: client,
      payload: encodeCommand(command),
      timestamp: ts ?? at(now),
      fencingToken: ft,
    };
    return this.engine.execute(request, NOW + now, NOW + elapsed);
  }

  set(key: string, value: string, options: Options = {}): EngineOutput {
    const { condition, expiryMs } = options;
    return this.run(
      {
        verb: 'SET',
        key: Buffer.from(key),
        value: Buffer.from(value),
        ...(condition && { condition }),
        ...(expiryMs && { expiryMs }),
      },
      options,
    );
  }

  get(key: string, options: Options = {}): EngineOutput {
    return this.run({ verb: 'GET', key: Buffer.from(key) }, options);
  }

  del(key: string, options: Options = {}): EngineOutput {
    return this.run({ verb: 'DEL', key: Buffer.from(key) }, options);
  }

  vdel(key: string, value: string, options: Options = {}): EngineOutput {
    return this.run({ verb: 'VDEL', key: Buffer.from(key), value: Buffer.from(value) }, options);
  }

  observe(key: string, options: Options & { stop?: boolean } = {}): EngineOutput {
    return this.run({ verb: 'KEYNOTIFY', key: Buffer.from(key), stop: options.stop ?? false }, options);
  }
}

const text = (output: EngineOutput): string => output.response.payload.toString();
const told = (output: EngineOutput): string[] =>
  output.notifications.map(
    (one) => `${one.clientId} ${one.key} ${one.payload.toString().replaceAll('\r\n', ' ')}`,
  );
const refused = (code: Parameters<typeof serviceErrorText>[0]): string =>
  `-ERR ${serviceErrorText(code)}\r\n`;

describe('Engine', () => {
  let store: Store;
  beforeEach(() => {
    store = new Store();
  });

  it('sets, gets and deletes', () => {
    assert.equal(text(store.set('k', 'v')), '+OK\r\n');
    assert.equal(text(store.get('k')), '$1\r\nv\r\n');
    assert.equal(text(store.del('k')), ':1\r\n');
    assert.equal(text(store.get('k')), '$-1\r\n');
    assert.equal(text(store.del('k')), ':0\r\n');
  });

  it('distinguishes an empty value from a missing key', () => {
    store.set('k', '');
    assert.equal(text(store.get('k')), '$0\r\n\r\n');
  });

  it('keeps keys apart that differ in a byte', () => {
    const binary = (key: number[], value: string) =>
      store.run({ verb: 'SET', key: Buffer.from(key), value: Buffer.from(value) });
    binary([0xff], 'a');
    binary([0xfe], 'b');
    binary([0xc3, 0xbf], 'c');
    assert.equal(text(store.run({ verb: 'GET', key: Buffer.from([0xff]) })), '$1\r\na\r\n');
    assert.equal(store.engine.size, 3);
  });

  it('sets with NX only a new key, and returns the version of an existing value', () => {
    const { version } = store.set('k', '1', { condition: 'NX' }).response;
    const second = store.set('k', '2', { condition: 'NX' }).response;
    assert.equal(second.payload.toString(), ':-1\r\n');
    assert.equal(second.version, version);
    assert.equal(text(store.get('k')), '$1\r\n1\r\n');
  });

  it('sets with NEX a new key or the same value', () => {
    assert.equal(text(store.set('k', '1', { condition: 'NEX' })), '+OK\r\n');
    assert.equal(text(store.set('k', '1', { condition: 'NEX' })), '+OK\r\n');
    assert.equal(text(store.set('k', '2', { condition: 'NEX' })), ':-1\r\n');
  });

  it('deletes by value only that value', () => {
    store.set('k', '1');
    assert.equal(text(store.vdel('k', '2')), ':-1\r\n');
    assert.equal(text(store.vdel('k', '1')), ':1\r\n');
    assert.equal(text(store.vdel('k', '1')), ':0\r\n');
  });

  it('gives every write a version newer than the request and than all before', () => {
    const versions = [
      store.set('a', '1', { ts: at(0) }),
      store.set('a', '2', { ts: at(30_000) }),
      store.set('b', '1', { ts: at(0) }),
      store.del('a'),
    ].map((output) => hlc(output.response.version));
    assert.ok(compareHlc(versions[0] as Hlc, hlc(at(0))) > 0);
    assert.ok(compareHlc(versions[1] as Hlc, hlc(at(30_000))) > 0);
    for (const [i, version] of versions.slice(1).entries())
      assert.ok(compareHlc(version, versions[i] as Hlc) > 0);
  });

  it('takes one step of its clock per request', () => {
    const store = new Store();
    const versions = [at(5, 3), at(5, 9), at(-5)].map((ts) =>
      hlc(store.set('k', 'v', { ts }).response.version),
    );
    assert.deepEqual(
      versions.map(({ wallClockMs, counter }) => [wallClockMs - NOW, counter]),
      [
        [5, 4],
        [5, 10],
        [5, 11],
      ],
    );
  });

  it('refuses a counter that would take its own out of reach, and goes on with those it gave', () => {
    const store = new Store();
    const set = (ts: string) => store.set('k', 'v', { ts }).response;
    for (const counter of [2 ** 53 - 1, 2 ** 40, 1_000_001])
      assert.match(String(set(at(50_000, counter)).payload), /malformed timestamp/);
    for (let i = 0; i < 3; i++) {
      const { version } = set(at(50_000, 1_000_000 * (i + 1)));
      assert.equal(hlc(version).counter, 1_000_000 * (i + 1) + 1);
    }
    assert.equal(hlc(set(at(0)).version).counter, 3_000_002);
    // The past may count as it likes.
    assert.ok(set(at(-1, 2 ** 53 - 1)).version);
  });

  it('gives a version newer than a timestamp that bears its own name', () => {
    const store = new Store();
    const ts = `${NOW + 30_000}:7:statestore-emulator`;
    const { version } = store.set('k', 'v', { ts }).response;
    assert.ok(compareHlc(hlc(version), hlc(ts)) > 0);
  });

  describe('when the wall clock is set', () => {
    const HOUR = 3_600_000;

    it('back by less than a minute, versions continue', () => {
      const store = new Store();
      const first = hlc(store.set('k', 'v').response.version);
      const second = hlc(store.set('k', 'w', { now: -50_000, ts: at(-50_000) }).response.version);
      assert.ok(compareHlc(second, first) > 0);
    });

    it('back by more, versions and tokens start again, with those of the stored keys', () => {
      const store = new Store();
      store.set('kept', 'v');
      store.set('fenced', 'v', { ft: at(0) });
      const later = { now: -HOUR, ts: at(-HOUR) };
      const { version } = store.set('k', 'v', later).response;
      assert.equal(hlc(version).wallClockMs, NOW - HOUR);
      assert.equal(hlc(store.get('kept', later).response.version).wallClockMs, NOW - HOUR);
      assert.match(String(store.set('fenced', 'w', later).response.payload), /token is required/);
      const newer = { ...later, ft: at(-HOUR, 5) };
      assert.equal(String(store.set('fenced', 'w', newer).response.payload), '+OK\r\n');
    });

    it('back, a key keeps the rest of its lifetime', () => {
      const store = new Store();
      store.set('k', 'v', { expiryMs: 10_000 });
      store.get('k', { now: 4_000 });
      store.get('k', { now: 4_000 - HOUR, elapsed: 4_000 });
      const value = (elapsed: number) => text(store.get('k', { now: elapsed - HOUR, elapsed }));
      assert.equal(value(9_999), '$1\r\nv\r\n');
      assert.equal(value(10_000), '$-1\r\n');
    });

    it('forward, no key expires earlier', () => {
      const store = new Store();
      store.set('k', 'v', { expiryMs: 10_000 });
      const value = (elapsed: number) => text(store.get('k', { now: HOUR, elapsed }));
      assert.equal(value(0), '$1\r\nv\r\n');
      assert.equal(store.engine.expiryOf(Buffer.from('k')), NOW + HOUR + 10_000);
      assert.equal(value(9_999), '$1\r\nv\r\n');
      assert.equal(value(10_000), '$-1\r\n');
    });
  });

  it('returns the version of the value, and none on a miss', () => {
    const { version } = store.set('k', 'v').response;
    store.set('other', 'v');
    assert.equal(store.get('k').response.version, version);
    assert.equal(store.get('none').response.version, undefined);
    assert.equal(store.del('none').response.version, undefined);
  });

  it('wants a timestamp on SET that is well-formed and at most a minute ahead', () => {
    const request = {
      clientId: 'me',
      payload: encodeCommand({ verb: 'SET', key: Buffer.from('k'), value: Buffer.from('v') }),
    };
    assert.equal(text(store.engine.execute(request, NOW, NOW)), refused('TIMESTAMP_MISSING'));
    assert.equal(text(store.set('k', 'v', { ts: 'yesterday' })), refused('TIMESTAMP_MALFORMED'));
    assert.equal(text(store.set('k', 'v', { ts: at(60_001) })), refused('TIMESTAMP_SKEW'));
    assert.equal(text(store.set('k', 'v', { ts: at(60_000) })), '+OK\r\n');
    assert.equal(text(store.set('k', 'v', { ts: at(-3_600_000) })), '+OK\r\n');
  });

  it('answers a request it cannot read', () => {
    const send = (payload: string) =>
      text(
        store.engine.execute({ clientId: 'me', payload: Buffer.from(payload), timestamp: at(0) }, NOW, NOW),
      );
    assert.equal(send(''), refused('SYNTAX_ERROR'));
    assert.equal(send('*1\r\n$3\r\nFLY\r\n'), refused('UNKNOWN_COMMAND'));
    assert.equal(send('*2\r\n$3\r\nGET\r\n$0\r\n\r\n'), refused('KEY_LENGTH_ZERO'));
    assert.equal(send('*1\r\n$3\r\nGET\r\n'), refused('WRONG_NUMBER_OF_ARGUMENTS'));
  });

  describe('fencing', () => {
    it('protects a key from its first token on', () => {
      assert.equal(text(store.set('k', '1')), '+OK\r\n');
      assert.equal(text(store.set('k', '2', { ft: at(5) })), '+OK\r\n');
      for (const write of [store.set('k', '3'), store.del('k'), store.vdel('k', '2')]) {
        assert.equal(text(write), refused('FENCING_TOKEN_REQUIRED'));
      }
      for (const write of [
        store.set('k', '3', { ft: at(4) }),
        store.del('k', { ft: at(4) }),
        store.vdel('k', '2', { ft: at(4) }),
      ]) {
        assert.equal(text(write), refused('FENCING_TOKEN_LOWER_VERSION'));
      }
      assert.equal(text(store.get('k')), '$1\r\n2\r\n', 'GET needs none');
      assert.equal(text(store.set('k', '3', { ft: at(5) })), '+OK\r\n', 'an equal one will do');
    });

    it('moves to a newer token on SET', () => {
      store.set('k', '1', { ft: at(1) });
      store.set('k', '2', { ft: at(2) });
      assert.equal(text(store.set('k', '3', { ft: at(1) })), refused('FENCING_TOKEN_LOWER_VERSION'));
      assert.equal(text(store.del('k', { ft: at(3) })), ':1\r\n');
      assert.equal(text(store.set('k', '4')), '+OK\r\n', 'ends with the key');
    });

    it('comes before the condition', () => {
      store.set('k', '1', { ft: at(1) });
      assert.equal(text(store.set('k', '2', { condition: 'NX' })), refused('FENCING_TOKEN_REQUIRED'));
    });

    it('is not moved by a SET that was not applied', () => {
      store.set('k', '1', { ft: at(1) });
      assert.equal(text(store.set('k', '2', { ft: at(9), condition: 'NX' })), ':-1\r\n');
      assert.equal(text(store.set('k', '2', { ft: at(1) })), '+OK\r\n');
    });

    it('refuses a malformed token and one more than a minute ahead', () => {
      assert.equal(text(store.set('k', '1', { ft: 'abc' })), refused('TIMESTAMP_MALFORMED'));
      assert.equal(text(store.set('k', '1', { ft: at(60_001) })), refused('FENCING_TOKEN_SKEW'));
    });
  });

  describe('expiry', () => {
    it('is exact to the millisecond', () => {
      store.set('k', 'v', { expiryMs: 1000 });
      assert.equal(store.engine.nextExpiry, NOW + 1000);
      assert.equal(text(store.get('k', { now: 999 })), '$1\r\nv\r\n');
      assert.equal(text(store.get('k', { now: 1000 })), '$-1\r\n');
      assert.equal(store.engine.nextExpiry, undefined);
    });

    it('is replaced by the next SET, and ended by one without', () => {
      store.set('k', 'v', { expiryMs: 1000 });
      store.set('k', 'v', { expiryMs: 5000, condition: 'NEX' });
      assert.equal(store.engine.nextExpiry, NOW + 5000);
      store.set('k', 'v');
      assert.equal(store.engine.nextExpiry, undefined);
    });

    it('leaves a key alone whose SET was not applied', () => {
      store.set('k', 'v', { expiryMs: 1000 });
      store.set('k', 'w', { expiryMs: 9000, condition: 'NX' });
      assert.equal(store.engine.nextExpiry, NOW + 1000);
    });

    it('makes room for NX', () => {
      store.set('lock', 'a', { condition: 'NX', expiryMs: 1000 });
      assert.equal(text(store.set('lock', 'b', { condition: 'NX', now: 999 })), ':-1\r\n');
      assert.equal(text(store.set('lock', 'b', { condition: 'NX', now: 1000 })), '+OK\r\n');
    });

    it('notifies observers, in the order of time', () => {
      store.observe('a', { client: 'you' });
      store.observe('b', { client: 'you' });
      store.set('b', '2', { expiryMs: 20 });
      store.set('a', '1', { expiryMs: 10 });
      const notifications = store.engine.expire(NOW + 50, NOW + 50);
      assert.deepEqual(
        notifications.map((one) => String(one.key)),
        ['a', 'b'],
      );
      assert.ok(notifications.every((one) => one.payload.includes('DELETE')));
    });

    it('goes on when the clock of the machine is set back', () => {
      store.set('k', 'v', { now: 600_000, expiryMs: 1000 });
      assert.equal(text(store.set('other', 'v', { now: 0, elapsed: 600_000 })), '+OK\r\n');
      assert.equal(text(store.get('k', { now: 0, elapsed: 600_000 })), '$1\r\nv\r\n');
    });
  });

  describe('observing', () => {
    it('notifies all observers of set and delete, with value and version', () => {
      assert.equal(text(store.observe('k', { client: 'a' })), '+OK\r\n');
      store.observe('k', { client: 'b' });
      const set = store.set('k', 'v', { client: 'a' });
      assert.deepEqual(
        told(set),
        ['a', 'b'].map((client) => `${client} k *4 $6 NOTIFY $3 SET $5 VALUE $1 v `),
      );
      assert.equal(set.notifications[0]?.version, set.response.version);
      const deleted = store.del('k');
      assert.deepEqual(
        told(deleted),
        ['a', 'b'].map((client) => `${client} k *2 $6 NOTIFY $6 DELETE `),
      );
      assert.equal(deleted.notifications[0]?.version, deleted.response.version);
    });

    it('says nothing of other keys and of what did not happen', () => {
      store.observe('k');
      store.set('k', '1');
      for (const output of [
        store.set('other', '1'),
        store.set('k', '2', { condition: 'NX' }),
        store.vdel('k', '9'),
        store.get('k'),
      ]) {
        assert.deepEqual(told(output), []);
      }
    });

    it('answers :0 when nothing changes', () => {
      assert.equal(text(store.observe('k', { stop: true })), ':0\r\n');
      store.observe('k');
      assert.equal(text(store.observe('k')), ':0\r\n');
      assert.equal(text(store.observe('k', { stop: true })), '+OK\r\n');
      assert.deepEqual(told(store.set('k', 'v')), []);
    });

    it('ends with the client', () => {
      store.observe('k', { client: 'a' });
      store.observe('k', { client: 'b' });
      store.engine.forget('a');
      assert.deepEqual(told(store.del('k')), []);
      assert.deepEqual(told(store.set('k', 'v')).length, 1);
    });
  });

  it('lists its keys with their expiry, and calls listeners for keys that are created and deleted', () => {
    const store = new Store();
    const heard: string[] = [];
    const listen = (key: Buffer, exists: boolean) => heard.push(`${key} ${exists}`);
    store.set('a', '1');
    store.engine.keyListeners.add(listen);
    store.set('b', '2', { expiryMs: 100 });
    store.set('a', '3');
    const listed = store.engine.keys();
    assert.equal(String(listed.next().value), 'a');
    store.set('c', '4');
    assert.deepEqual([...listed].map(String), ['b', 'c']);
    assert.equal(store.engine.expiryOf(Buffer.from('b')), NOW + 100);
    assert.equal(store.engine.expiryOf(Buffer.from('a')), undefined);
    assert.equal(store.engine.expiryOf(Buffer.from('none')), undefined);
    store.del('a');
    store.engine.expire(NOW + 100, NOW + 100);
    store.engine.keyListeners.delete(listen);
    store.set('d', '5');
    assert.deepEqual(heard, ['b true', 'c true', 'a false', 'b false']);
  });
});
