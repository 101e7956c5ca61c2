/** Which keys the tab in the sidebar lists of a store, page by page. The code of the page, without a page. */
import assert from 'node:assert/strict';
import { idOf } from '../../../browser/sidebar/key';
import { Keys } from '../../../browser/sidebar/keys';
import { Listing, MAX_PAGES, nothingScanned } from '../../../browser/sidebar/listing';

const LOST = new Error('no such place');

/** A store of pages with one key each. */
class Pages {
  names = ['a', 'b', 'c'];
  /** Requests, as `prefix@place`. */
  readonly asked: string[] = [];
  /** Called for each request. */
  onRequest: (() => void) | undefined;

  async list(prefix: string, place: string | undefined): Promise<{ keys: string[]; next?: string }> {
    this.asked.push(`${prefix}@${place ?? 'first'}`);
    this.onRequest?.();
    const from = Number(place ?? 0);
    const found = this.names.filter((name) => name.startsWith(prefix));
    const key = found[from];
    return {
      keys: key === undefined ? [] : [idOf(key)],
      ...(from + 1 < found.length && { next: String(from + 1) }),
    };
  }
}

describe('The list of keys in the sidebar, of a store that lists them on request', () => {
  let pages: Pages;
  let store: { id: string; keys: Keys; scans: boolean; scanned: ReturnType<typeof nothingScanned> };
  let listing: Listing;
  const listed = () => store.keys.visible.map((id) => Buffer.from(id, 'base64').toString());

  beforeEach(() => {
    pages = new Pages();
    store = { id: 'store', keys: new Keys(), scans: true, scanned: nothingScanned() };
    listing = new Listing({
      store,
      watch: () => pages,
      isNoPlace: (refused) => refused === LOST,
      onKeys: () => undefined,
    });
  });
  afterEach(() => listing.stop());

  it('grows by one page on request, until the last', async () => {
    await listing.scan('');
    assert.deepEqual([listed(), store.scanned.canGrow], [['a'], true]);
    await listing.more();
    await listing.more();
    assert.deepEqual([listed(), store.scanned.more], [['a', 'b', 'c'], false]);
    await listing.more();
    assert.deepEqual(pages.asked, ['@first', '@1', '@2']);
  });

  it('keeps its length if it is read again, without the keys that were deleted', async () => {
    await listing.scan('');
    await listing.more();
    pages.names = ['b', 'c', 'd'];
    await listing.scan('');
    assert.deepEqual(listed(), ['b', 'c']);
  });

  it('begins again with one page for another prefix', async () => {
    pages.names = ['a', 'b1', 'b2', 'b3'];
    await listing.scan('');
    await listing.more();
    await listing.scan('b');
    assert.deepEqual([listed(), store.scanned.more], [['b1'], true]);
  });

  it('begins again if its place does not exist any more', async () => {
    await listing.scan('');
    let isLost = true;
    pages.onRequest = () => {
      if (!isLost) return;
      isLost = false;
      throw LOST;
    };
    await listing.more();
    assert.deepEqual(pages.asked, ['@first', '@1', '@first', '@1']);
    assert.deepEqual([listed(), store.scanned.isGrowing], [['a', 'b'], false]);
  });

  it('can be asked for the page again after another error', async () => {
    await listing.scan('');
    pages.onRequest = () => {
      pages.onRequest = undefined;
      throw new Error('offline');
    };
    await listing.more();
    assert.deepEqual([listed(), store.scanned.isGrowing], [['a'], false]);
    await listing.more();
    assert.deepEqual(listed(), ['a', 'b']);
  });

  it('takes a request for more while it is read again', async () => {
    await listing.scan('');
    let more: Promise<void> | undefined;
    pages.onRequest = () => {
      more ??= listing.more();
    };
    await listing.scan('');
    await more;
    assert.deepEqual(pages.asked, ['@first', '@first', '@1']);
    assert.deepEqual([listed(), store.scanned.isGrowing], [['a', 'b'], false]);
  });

  it('has an end', async () => {
    pages.names = Array.from({ length: MAX_PAGES + 2 }, (_, index) => String(1000 + index));
    await listing.scan('');
    for (let page = 1; page < MAX_PAGES + 5; page++) await listing.more();
    assert.equal(listed().length, MAX_PAGES);
    assert.deepEqual([store.scanned.more, store.scanned.canGrow], [true, false]);
  });

  it('follows a filter that is typed and removed before the store is asked', async () => {
    await listing.scan('');
    listing.scanFilter('b');
    listing.scanFilter('');
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.deepEqual([pages.asked, listed()], [['@first'], ['a']]);
  });
});
