/** Which keys the tab in the sidebar shows, and what stays of those that are gone. The code of the page, without a page. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { ROOT } from '../../support/node-red';

interface Shown {
  found?: boolean;
  text?: string;
  version?: string;
  cut?: boolean;
  last?: Shown;
  error?: object;
}

interface Keys {
  readonly visible: string[];
  readonly restorable: [string, Shown][];
  setNamed(named: object[]): void;
  setLooked(ids: string[]): void;
  addListed(ids: string[]): void;
  removeListed(id: string): void;
  beginListing(): () => void;
  keep(id?: string): void;
  beforeDeleting(id: string): () => void;
  restore(all: [string, Shown][]): void;
  drop(id: string): void;
  setFilter(text: string): void;
  shown(id: string): Shown | undefined;
  tell(id: string, shown: Shown): boolean;
}

interface Sidebar {
  key: { idOf(text: string): string; isTooLong(id: string): boolean };
  Keys: new () => Keys;
}

function load(): Sidebar {
  const window: { stateStoreSidebar?: Sidebar } = {};
  const context = createContext({ window, TextEncoder, TextDecoder, Uint8Array, atob, btoa });
  for (const file of ['key.js', 'keys.js'])
    runInContext(readFileSync(join(ROOT, 'resources', 'sidebar', file), 'utf8'), context);
  return window.stateStoreSidebar as Sidebar;
}

const { key, Keys } = load();
const id = (text: string) => key.idOf(text);
const value = (text: string, more: Shown = {}): Shown => ({ found: true, text, version: text, ...more });

describe('The keys in the sidebar', () => {
  let keys: Keys;
  const [a, b] = [id('a'), id('b')];
  beforeEach(() => {
    keys = new Keys();
  });
  /** What the page is told of a key that the store lists, and that is gone. */
  const goes = (one: string) => {
    keys.removeListed(one);
    keys.tell(one, { found: false });
  };

  it('stay with their values while they are listed anew, until the list has ended', () => {
    keys.addListed([a, b]);
    keys.tell(a, value('1'));
    keys.tell(b, value('2'));
    const end = keys.beginListing();
    keys.keep(a);
    keys.setNamed([]);
    keys.removeListed(id('another'));
    assert.deepEqual([...keys.visible], [a, b]);
    keys.addListed([a]);
    end();
    assert.deepEqual([...keys.visible], [a]);
    assert.equal(keys.shown(a)?.text, '1');
    assert.equal(keys.shown(b), undefined);
  });

  it('stay where a list that is given up is followed by another one', () => {
    keys.addListed([a, b]);
    keys.beginListing();
    const end = keys.beginListing();
    keys.addListed([b]);
    keys.addListed([a]);
    end();
    assert.deepEqual([...keys.visible], [a, b]);
  });

  it('that are deleted here stay, with what they held, whatever is selected next', () => {
    keys.addListed([a, b]);
    keys.keep(a);
    keys.tell(a, value('1'));
    keys.beforeDeleting(a);
    keys.keep(b);
    goes(a);
    assert.deepEqual([...keys.visible], [a, b]);
    assert.equal(keys.shown(a)?.last?.text, '1');
    keys.drop(a);
    assert.deepEqual([...keys.visible], [b]);
  });

  it('that were to be deleted and are not go when they go', () => {
    keys.addListed([a]);
    keys.tell(a, value('1'));
    keys.beforeDeleting(a)();
    goes(a);
    assert.deepEqual([...keys.visible], []);
  });

  it('that somebody else deletes stay only where it was seen', () => {
    keys.addListed([a, b]);
    keys.keep(a);
    for (const one of [a, b]) keys.tell(one, value('1'));
    for (const one of [a, b]) goes(one);
    keys.keep();
    assert.deepEqual([...keys.visible], [a]);
  });

  it('do not stay for what is not known as a whole', () => {
    keys.addListed([a]);
    keys.keep(a);
    keys.tell(a, value('beginning', { cut: true }));
    keys.beforeDeleting(a);
    goes(a);
    assert.equal(keys.shown(a)?.last, undefined);
    keys.keep();
    assert.deepEqual([...keys.visible], []);
  });

  it('have one thing to set again: what they held last', () => {
    keys.setLooked([a]);
    keys.keep(a);
    keys.tell(a, value('1'));
    keys.tell(a, { found: false });
    keys.tell(a, { error: {} });
    assert.equal(keys.shown(a)?.last?.text, '1');
    keys.tell(a, value('2'));
    assert.deepEqual([...keys.restorable], []);
    keys.tell(a, { found: false });
    assert.equal(keys.shown(a)?.last?.text, '2');
  });

  it('that can be set again come back with their store', () => {
    keys.addListed([a]);
    keys.keep(a);
    keys.tell(a, value('1'));
    keys.beforeDeleting(a);
    // Before the page is told that it is gone.
    const early = keys.restorable;
    goes(a);
    for (const all of [early, keys.restorable]) {
      const again = new Keys();
      again.restore(all);
      again.tell(a, { found: false });
      assert.deepEqual([...again.visible], [a]);
      assert.equal(again.shown(a)?.last?.text, '1');
    }
  });

  it('keep what can be set again, however many others are told of', () => {
    keys.keep(a);
    keys.tell(a, value('1'));
    keys.tell(a, { found: false });
    for (let index = 0; index < 2000; index++) keys.tell(id(`other ${index}`), value('2'));
    assert.equal(keys.shown(a)?.last?.text, '1');
    assert.equal(keys.shown(id('other 0')), undefined);
  });

  it('are too long from 60,001 bytes on', () => {
    for (const length of [1, 2, 3, 59_999, 60_000])
      assert.equal(key.isTooLong(id('k'.repeat(length))), false, String(length));
    for (const length of [60_001, 60_002, 60_003])
      assert.equal(key.isTooLong(id('k'.repeat(length))), true, String(length));
  });
});
