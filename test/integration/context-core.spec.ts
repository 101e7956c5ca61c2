/** What Core's own context stores do, held against them and against ours: the yardstick is tried, too. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator/index';
import { get, keys, openStore, type Store, set } from '../support/context';

const CORE = '@node-red/runtime/lib/nodes/context';

/** A store of Core's. */
async function core(name: 'memory' | 'localfilesystem', config: object): Promise<Store> {
  const store = require(`${CORE}/${name}`)(config) as Store;
  await store.open();
  return store;
}

describe('A context store', () => {
  let emulator: Emulator;
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'context-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
  });
  afterEach(() => emulator.close());

  const KINDS: Record<string, { open: () => Promise<Store>; sync: boolean; ours: boolean }> = {
    "Core's memory": { open: () => core('memory', {}), sync: true, ours: false },
    "Core's localfilesystem without cache": {
      open: () => core('localfilesystem', { dir: mkdtempSync(join(directory, 'files-')), cache: false }),
      ...{ sync: false, ours: false },
    },
    'ours with cache': { open: () => openStore(emulator.port), sync: true, ours: true },
    'ours without cache': {
      open: () => openStore(emulator.port, { cache: false }),
      ...{ sync: false, ours: true },
    },
  };

  for (const [name, { open, sync, ours }] of Object.entries(KINDS)) {
    describe(`${name}:`, () => {
      let store: Store;
      beforeEach(async () => {
        store = await open();
      });
      afterEach(async () => {
        await store.clean([]);
        await store.close();
      });

      if (sync) synchronous(() => store, ours);
      asynchronous(() => store, sync, ours);
    });
  }
});

function synchronous(storeOf: () => Store, ours: boolean): void {
  let store: Store;
  beforeEach(() => {
    store = storeOf();
  });

  it('returns what was set, at once', () => {
    assert.equal(store.get('nodeX', 'foo'), undefined);
    store.set('nodeX', 'foo', 'test');
    assert.equal(store.get('nodeX', 'foo'), 'test');
  });

  it('makes the parents of a property', () => {
    store.set('nodeX', 'foo.bar', 'test');
    store.set('nodeX', 'list[1].name', 'b');
    assert.deepEqual(store.get('nodeX', 'foo'), { bar: 'test' });
    assert.equal(store.get('nodeX', 'list[1].name'), 'b');
    assert.equal(store.get('nodeX', 'list["1"]["name"]'), 'b');
    assert.equal((store.get('nodeX', 'list') as unknown[]).length, 2);
  });

  it('deletes a property that is set to nothing', () => {
    store.set('nodeX', 'foo.abc.bar1', 'test1');
    store.set('nodeX', 'foo.abc.bar2', 'test2');
    assert.deepEqual(store.get('nodeX', 'foo.abc'), { bar1: 'test1', bar2: 'test2' });
    store.set('nodeX', 'foo.abc.bar1', undefined);
    assert.deepEqual(store.get('nodeX', 'foo.abc'), { bar2: 'test2' });
    store.set('nodeX', 'foo.abc', undefined);
    assert.equal(store.get('nodeX', 'foo.abc'), undefined);
    store.set('nodeX', 'foo', undefined);
    assert.equal(store.get('nodeX', 'foo'), undefined);
    assert.deepEqual(store.keys('nodeX'), []);
  });

  it('takes an element out of an array', () => {
    store.set('nodeX', 'list', ['a', 'b', 'c']);
    store.set('nodeX', 'list[1]', undefined);
    assert.deepEqual(store.get('nodeX', 'list'), ['a', 'c']);
  });

  it('has nothing beneath a value that has no properties', () => {
    store.set('nodeX', 'foo', 5);
    store.set('nodeX', 'foo.bar', 6);
    assert.equal(store.get('nodeX', 'foo'), 5);
    assert.equal(store.get('nodeX', 'foo.bar.baz'), undefined);
    assert.equal(store.get('nodeX', 'unknown.bar'), undefined);
  });

  it('keeps scopes apart', () => {
    store.set('nodeX', 'foo', 'testX');
    store.set('nodeY', 'foo', 'testY');
    assert.equal(store.get('nodeX', 'foo'), 'testX');
    assert.equal(store.get('nodeY', 'foo'), 'testY');
  });

  it('returns the very object that was set', () => {
    const value = { list: [1] };
    store.set('nodeX', 'foo', value);
    assert.equal(store.get('nodeX', 'foo'), value);
    value.list.push(2);
    assert.deepEqual(store.get('nodeX', 'foo.list'), [1, 2]);
  });

  it('throws for what is no property', () => {
    assert.throws(() => store.set('nodeX', '.foo', 'test'), { code: 'INVALID_EXPR' });
    assert.throws(() => store.get('nodeX', '.foo'), { code: 'INVALID_EXPR' });
    assert.throws(() => store.get('nodeX', ['one', '.foo']), { code: 'INVALID_EXPR' });
  });

  it('gets many values at once', () => {
    for (const one of ['one', 'two', 'three', 'four']) store.set('nodeX', one, `test ${one}`);
    assert.deepEqual(store.get('nodeX', ['one', 'two', 'four']), ['test one', 'test two', 'test four']);
    assert.deepEqual(store.get('nodeX', ['one', 'unknown.with.many.levels']), ['test one', undefined]);
  });

  it('sets many values at once', () => {
    store.set('nodeX', ['one', 'two.a', 'three'], [1, 2]);
    assert.deepEqual(store.get('nodeX', ['one', 'two', 'three']), [1, { a: 2 }, null]);
    store.set('nodeX', ['one', 'two'], 'x');
    assert.deepEqual(store.get('nodeX', ['one', 'two']), ['x', null]);
  });

  it('lists the keys of a scope, in their order', () => {
    assert.deepEqual(store.keys('nodeX'), []);
    store.set('nodeX', 'foo', 'bar');
    store.set('nodeX', 'abc.def', 'bar');
    store.set('nodeY', 'hoge', 'piyo');
    assert.deepEqual(store.keys('nodeX'), ['foo', 'abc']);
    assert.deepEqual(store.keys('nodeY'), ['hoge']);
  });

  it('lists no global key with the name of a function of global', () => {
    for (const one of ['set', 'get', 'keys', 'other']) store.set('global', one, 'bar');
    store.set('nodeX', 'set', 'bar');
    assert.deepEqual(store.keys('global'), ['other']);
    assert.deepEqual(store.keys('nodeX'), ['set']);
    assert.equal(store.get('global', 'set'), 'bar');
  });

  it('deletes a scope', async () => {
    store.set('nodeX', 'foo', 'abc');
    store.set('nodeY', 'foo', 'abc');
    await store.delete('nodeX');
    assert.equal(store.get('nodeX', 'foo'), undefined);
    assert.equal(store.get('nodeY', 'foo'), 'abc');
  });

  it('cleans the scopes of nodes that are gone, and never the global one', async () => {
    for (const scope of ['flow', 'node:flow', 'gone:flow', 'gone', 'global']) store.set(scope, 'foo', scope);
    await store.clean(['flow', 'node']);
    assert.deepEqual(
      ['flow', 'node:flow', 'gone:flow', 'gone', 'global'].map((scope) => store.get(scope, 'foo')),
      ['flow', 'node:flow', undefined, undefined, 'global'],
    );
    await store.clean([]);
    assert.equal(store.get('flow', 'foo'), undefined);
    assert.equal(store.get('global', 'foo'), 'global');
  });

  if (ours) {
    it('sets nothing when one of many keys is no property', () => {
      assert.throws(() => store.set('nodeX', ['one', '.foo'], [1, 2]), { code: 'INVALID_EXPR' });
      assert.equal(store.get('nodeX', 'one'), undefined);
    });

    it('has keys that are called like properties of every object', () => {
      for (const one of ['toString', '__proto__', 'constructor', 'hasOwnProperty']) {
        assert.equal(store.get('nodeX', one), undefined);
        store.set('nodeX', one, { own: one });
        assert.deepEqual(store.get('nodeX', `${one}.own`), one);
      }
      assert.deepEqual(store.keys('nodeX'), ['toString', '__proto__', 'constructor', 'hasOwnProperty']);
      assert.equal(({} as { own?: unknown }).own, undefined);
    });
  }
}

function asynchronous(storeOf: () => Store, sync: boolean, ours: boolean): void {
  let store: Store;
  beforeEach(() => {
    store = storeOf();
  });

  it('calls back with what was set', async () => {
    assert.equal(await get(store, 'nodeX', 'foo'), undefined);
    await set(store, 'nodeX', 'foo', 'test');
    assert.equal(await get(store, 'nodeX', 'foo'), 'test');
  });

  for (const [kind, value] of Object.entries({
    text: 'bär 🐻',
    'empty text': '',
    number: 1.5,
    zero: 0,
    null: null,
    true: true,
    false: false,
    object: { obj: { sub: 'b' } },
    array: ['a', 1, null],
    'array of arrays': [[1, 2], ['x'], []],
    'array of objects': [{ a: 1 }, { b: [2] }],
  })) {
    it(`keeps a value: ${kind}`, async () => {
      await set(store, 'nodeX', 'foo', value);
      assert.deepEqual(await get(store, 'nodeX', 'foo'), value);
      await set(store, 'nodeX', 'deep.list[2]', value);
      assert.deepEqual(await get(store, 'nodeX', 'deep.list[2]'), value);
    });
  }

  it('makes and deletes properties', async () => {
    await set(store, 'nodeX', 'foo.abc.bar1', 'test1');
    await set(store, 'nodeX', 'foo.abc.bar2', 'test2');
    assert.deepEqual(await get(store, 'nodeX', 'foo.abc'), { bar1: 'test1', bar2: 'test2' });
    await set(store, 'nodeX', 'foo.abc.bar1', undefined);
    assert.deepEqual(await get(store, 'nodeX', 'foo'), { abc: { bar2: 'test2' } });
    await set(store, 'nodeX', 'foo', undefined);
    assert.equal(await get(store, 'nodeX', 'foo'), undefined);
  });

  it('keeps scopes apart, those of nodes in flows, too', async () => {
    await set(store, 'flow', 'foo', 'of the flow');
    await set(store, 'node:flow', 'foo', 'of the node');
    await set(store, 'global', 'foo', 'of all');
    assert.equal(await get(store, 'flow', 'foo'), 'of the flow');
    assert.equal(await get(store, 'node:flow', 'foo'), 'of the node');
    assert.equal(await get(store, 'global', 'foo'), 'of all');
  });

  it('gives the error to the callback', async () => {
    await assert.rejects(set(store, 'nodeX', '.foo', 'test'), { code: 'INVALID_EXPR' });
    await set(store, 'nodeX', 'foo', 'test');
    await assert.rejects(get(store, 'nodeX', '.foo'), { code: 'INVALID_EXPR' });
    await assert.rejects(get(store, 'nodeX', ['one', '.foo', 'three']), { code: 'INVALID_EXPR' });
  });

  it('sets and gets many values at once', async () => {
    await set(store, 'nodeX', ['one', 'two.a', 'three'], ['test1', 'test2', 'test3']);
    assert.deepEqual(await get(store, 'nodeX', ['one', 'two', 'unknown']), [
      'test1',
      { a: 'test2' },
      undefined,
    ]);
    await set(store, 'nodeX', ['one', 'two'], 'test1');
    assert.deepEqual(await get(store, 'nodeX', ['one', 'two']), ['test1', null]);
  });

  it('lists the keys of a scope', async () => {
    assert.deepEqual(await keys(store, 'nodeX'), []);
    await set(store, 'nodeX', 'foo', 'bar');
    await set(store, 'nodeX', 'abc.def', 'bar');
    await set(store, 'nodeY', 'hoge', 'piyo');
    assert.deepEqual(await keys(store, 'nodeX'), ['foo', 'abc']);
    assert.deepEqual(await keys(store, 'nodeY'), ['hoge']);
    await set(store, 'nodeX', 'foo', undefined);
    assert.deepEqual(await keys(store, 'nodeX'), ['abc']);
  });

  it('deletes a scope', async () => {
    await set(store, 'nodeX', 'foo', 'abc');
    await set(store, 'nodeY', 'foo', 'abc');
    await store.delete('nodeX');
    assert.equal(await get(store, 'nodeX', 'foo'), undefined);
    assert.deepEqual(await keys(store, 'nodeX'), []);
    assert.equal(await get(store, 'nodeY', 'foo'), 'abc');
  });

  it('cleans the scopes of what is gone, and never the global one', async () => {
    for (const scope of ['flow', 'node:flow', 'global']) await set(store, scope, 'foo', 'abc');
    await set(store, 'gone', 'foo', 'abc');
    await store.clean(['flow', 'node']);
    assert.equal(await get(store, 'flow', 'foo'), 'abc');
    assert.equal(await get(store, 'node:flow', 'foo'), 'abc');
    assert.equal(await get(store, 'global', 'foo'), 'abc');
    assert.equal(await get(store, 'gone', 'foo'), undefined);
  });

  if (ours) {
    it('sets nothing when one of many keys is no property', async () => {
      await assert.rejects(set(store, 'nodeX', ['one', '.foo'], [1, 2]), { code: 'INVALID_EXPR' });
      assert.equal(await get(store, 'nodeX', 'one'), undefined);
    });
  }

  if (sync) return;

  it('cannot be used without a callback, but to set', async () => {
    assert.throws(() => store.get('nodeX', 'foo'));
    assert.throws(() => store.get('nodeX', 'foo', 'callback' as never));
    assert.throws(() => store.keys('nodeX'));
    assert.throws(() => store.keys('nodeX', 'callback' as never));
    assert.throws(() => store.set('nodeX', 'foo', 'bar', 'callback' as never));
    store.set('nodeX', ' ', 'bar');
    store.set('nodeX', 'foo', 'bar');
    await set(store, 'nodeX', 'other', 1);
    assert.equal(await get(store, 'nodeX', 'foo'), 'bar');
  });
}
