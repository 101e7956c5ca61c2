import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StateStoreEngine } from '../../../src/emulator/engine';
import { MAX_PAGE_KEYS } from '../../../src/emulator/store/scan';
import type { Command } from '../../../src/protocol/commands';
import { formatHlc } from '../../../src/protocol/hlc';
import { parseScanReply } from '../../../src/protocol/responses';
import { encodeCommand } from '../../support/encode-command';

const NOW = 1_700_000_000_000;

class Store {
  readonly engine = new StateStoreEngine();
  #now = NOW;

  run(command: Command, clientId = 'me'): Buffer {
    const now = this.#now++;
    const timestamp = formatHlc({ wallClockMs: now, counter: 0, nodeId: 'me' });
    return this.engine.execute({ clientId, payload: encodeCommand(command), timestamp }, now, now).response
      .payload;
  }

  set(key: string, expiryMs?: number): void {
    this.run({ verb: 'SET', key: Buffer.from(key), value: Buffer.from('v'), expiryMs });
  }

  delete(key: string): void {
    this.run({ verb: 'DEL', key: Buffer.from(key) });
  }

  page(pattern: string, token?: Buffer) {
    const { keys, token: next } = parseScanReply(
      this.run({ verb: 'SCAN', pattern: Buffer.from(pattern), token }),
    );
    return { keys: keys.map(String), token: next };
  }

  list(pattern: string, between: () => void = () => undefined): string[] {
    const found: string[] = [];
    let token: Buffer | undefined;
    do {
      const page = this.page(pattern, token);
      found.push(...page.keys);
      ({ token } = page);
      between();
    } while (token);
    return found;
  }
}

describe('SCAN', () => {
  it('lists the keys that match, in the order in which they were created', () => {
    const store = new Store();
    for (const key of ['b', 'a1', 'c', 'a2']) store.set(key);
    store.set('a1');
    assert.deepEqual(store.list('a*'), ['a1', 'a2']);
    assert.deepEqual(store.list('*'), ['b', 'a1', 'c', 'a2']);
    assert.deepEqual(store.list('none'), []);
  });

  it('gives pages of a bounded size, and the same page for the same token', () => {
    const store = new Store();
    for (let i = 0; i < 2.5 * MAX_PAGE_KEYS; i++) store.set(`k${i}`);
    const first = store.page('*');
    assert.equal(first.keys.length, MAX_PAGE_KEYS);
    const second = store.page('*', first.token);
    assert.deepEqual(store.page('*', first.token), second);
    assert.equal(store.list('*').length, 2.5 * MAX_PAGE_KEYS);
  });

  it('gives empty pages on the way to a key that is far away', () => {
    const store = new Store();
    for (let i = 0; i < 20_000; i++) store.set(`k${i}`);
    store.set('last');
    assert.deepEqual(store.page('last').keys, []);
    assert.deepEqual(store.list('last'), ['last']);
  });

  it('keeps pages small if keys are long', () => {
    const store = new Store();
    for (let i = 0; i < 100; i++) store.set(`${i}`.padEnd(10_000, 'x'));
    assert.ok(store.page('*').keys.length < 10);
    assert.equal(store.list('*').length, 100);
  });

  it('lists only keys that the client may read', () => {
    const store = new Store();
    for (const key of ['mine/1', 'yours/1', 'mine/2']) store.set(key);
    store.engine.authorize = (_client, access, key) => access === 'Read' && String(key).startsWith('mine');
    assert.deepEqual(store.list('*'), ['mine/1', 'mine/2']);
  });

  it('lists no key that expired', () => {
    const store = new Store();
    store.set('short', 1);
    store.set('long');
    assert.deepEqual(store.list('*'), ['long']);
  });

  it('refuses an empty or invalid pattern, a token of another store, and everything if it is switched off', () => {
    const store = new Store();
    const other = new Store();
    for (let i = 0; i <= MAX_PAGE_KEYS; i++) other.set(`k${i}`);
    const { token } = other.page('*');
    const scan = (pattern: string, from?: Buffer) =>
      String(store.run({ verb: 'SCAN', pattern: Buffer.from(pattern), token: from }));
    assert.equal(scan(''), '-ERR the key length is zero\r\n');
    assert.equal(scan('[a'), '-ERR syntax error\r\n');
    assert.equal(scan('*', token), '-ERR syntax error\r\n');
    assert.equal(scan('*', Buffer.from('x')), '-ERR syntax error\r\n');
    store.engine.scan = false;
    assert.equal(scan('*'), '-ERR unknown command\r\n');
  });

  it('lists each key that exists from the first page to the last exactly once, also if other keys change', () => {
    const change = fc.record({ set: fc.boolean(), key: fc.nat(4000) });
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { maxLength: 600 }), { minLength: 4, maxLength: 4 }),
        (rounds) => {
          const store = new Store();
          const keys = new Set<string>();
          const apply = ({ set, key }: { set: boolean; key: number }) => {
            const name = `k${key}`;
            if (set) store.set(name);
            else store.delete(name);
            if (set) keys.add(name);
            else keys.delete(name);
          };
          for (let key = 0; key < 3000; key++) apply({ set: true, key });
          const stable = new Set(keys);
          const existed = new Set(keys);
          const found = store.list('k*', () => {
            for (const one of rounds.shift() ?? []) {
              apply(one);
              if (one.set) existed.add(`k${one.key}`);
              else stable.delete(`k${one.key}`);
            }
          });
          const counts = new Map<string, number>();
          for (const key of found) counts.set(key, (counts.get(key) ?? 0) + 1);
          for (const key of stable) assert.equal(counts.get(key), 1, key);
          for (const key of found) assert.ok(existed.has(key), key);
        },
      ),
      { numRuns: 30 },
    );
  });
});
