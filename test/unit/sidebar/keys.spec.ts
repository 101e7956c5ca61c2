/** The keys that the tab in the sidebar shows, and gone keys that it keeps. The code of the page, without a page. */
import assert from 'node:assert/strict';
import { idOf, isTooLong } from '../../../browser/sidebar/key';
import { heldIn, Keys, lastIn } from '../../../browser/sidebar/keys';
import type { Held } from '../../../browser/sidebar/messages';

const id = (text: string) => idOf(text);
const value = (text: string, more: Partial<Held> = {}): Held => ({
  ...{ found: true, size: text.length, text, version: text },
  ...more,
});

describe('The keys in the sidebar', () => {
  let keys: Keys;
  const [a, b] = [id('a'), id('b')];
  beforeEach(() => {
    keys = new Keys();
  });
  /** Message for the page about a key that the store lists, and about a key that is gone. */
  const goes = (one: string) => {
    keys.removeListed(one);
    keys.update(one, { found: false });
  };

  it('stay with their values while they are listed again, until the list has ended', () => {
    keys.addListed([a, b]);
    keys.update(a, value('1'));
    keys.update(b, value('2'));
    const end = keys.beginListing();
    keys.keep(a);
    keys.setNamed([]);
    keys.removeListed(id('another'));
    assert.deepEqual([...keys.visible], [a, b]);
    keys.addListed([a]);
    end();
    assert.deepEqual([...keys.visible], [a]);
    assert.equal(heldIn(keys.shown(a))?.text, '1');
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

  it('that are deleted here stay with their values, for any later selection', () => {
    keys.addListed([a, b]);
    keys.keep(a);
    keys.update(a, value('1'));
    keys.beforeDeleting(a);
    keys.keep(b);
    goes(a);
    assert.deepEqual([...keys.visible], [a, b]);
    assert.equal(lastIn(keys.shown(a))?.text, '1');
    keys.drop(a);
    assert.deepEqual([...keys.visible], [b]);
  });

  it('that were to be deleted and are not go when they go', () => {
    keys.addListed([a]);
    keys.update(a, value('1'));
    keys.beforeDeleting(a)();
    goes(a);
    assert.deepEqual([...keys.visible], []);
  });

  it('that another client deletes stay only if the deletion was seen', () => {
    keys.addListed([a, b]);
    keys.keep(a);
    for (const one of [a, b]) keys.update(one, value('1'));
    for (const one of [a, b]) goes(one);
    keys.keep(undefined);
    assert.deepEqual([...keys.visible], [a]);
  });

  it('do not stay for what is not known as a whole', () => {
    keys.addListed([a]);
    keys.keep(a);
    keys.update(a, value('beginning', { cut: true }));
    keys.beforeDeleting(a);
    goes(a);
    assert.equal(lastIn(keys.shown(a)), undefined);
    keys.keep(undefined);
    assert.deepEqual([...keys.visible], []);
  });

  it('have one thing to set again: what they held last', () => {
    keys.setLooked([a]);
    keys.keep(a);
    keys.update(a, value('1'));
    keys.update(a, { found: false });
    keys.update(a, { error: { code: 'TIMEOUT', message: '' } });
    assert.equal(lastIn(keys.shown(a))?.text, '1');
    keys.update(a, value('2'));
    assert.deepEqual([...keys.restorable], []);
    keys.update(a, { found: false });
    assert.equal(lastIn(keys.shown(a))?.text, '2');
  });

  it('that can be set again come back with their store', () => {
    keys.addListed([a]);
    keys.keep(a);
    keys.update(a, value('1'));
    keys.beforeDeleting(a);
    // Before the page has the message that it is gone.
    const early = keys.restorable;
    goes(a);
    for (const all of [early, keys.restorable]) {
      const again = new Keys();
      again.restore(all);
      again.update(a, { found: false });
      assert.deepEqual([...again.visible], [a]);
      assert.equal(lastIn(again.shown(a))?.text, '1');
    }
  });

  it('keep values that can be restored, also with many messages about others', () => {
    keys.keep(a);
    keys.update(a, value('1'));
    keys.update(a, { found: false });
    for (let index = 0; index < 2000; index++) keys.update(id(`other ${index}`), value('2'));
    assert.equal(lastIn(keys.shown(a))?.text, '1');
    assert.equal(keys.shown(id('other 0')), undefined);
  });

  it('are too long from 60,001 bytes on', () => {
    for (const length of [1, 2, 3, 59_999, 60_000])
      assert.equal(isTooLong(id('k'.repeat(length))), false, String(length));
    for (const length of [60_001, 60_002, 60_003])
      assert.equal(isTooLong(id('k'.repeat(length))), true, String(length));
  });
});
