/** The endpoints of the tab in the sidebar: permissions, messages to pages, and clean-up. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { update } from '../../src/coordination/update';
import { Rules } from '../../src/emulator/access/rules';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { Admin, users } from '../support/admin';
import { NodeRed } from '../support/node-red';
import { freePort } from '../support/ports';

const TOPIC = 'statestore/watch';
const base64 = (key: string | Uint8Array) => Buffer.from(key).toString('base64');
const VALUE = 'a value that is nobody else’s business';

/** Data of a key in a message, as far as the tests use it. */
interface Shown {
  found?: boolean;
  text?: string;
  base64?: string;
  size?: number;
  cut?: boolean;
  version?: string;
  holder?: string;
  expires?: number;
  error?: { code: string };
}

interface Message {
  watch: string;
  seq: number;
  state?: { kind: string; reason?: string; lists: boolean; scans: boolean; largest?: number; prefix: string };
  keys?: [string, Shown][];
  listed?: [string, boolean][];
  relist?: boolean;
}

/** A page of the tab, which shows all messages at once. */
class Page {
  readonly #admin: Admin;
  readonly id: string;

  private constructor(admin: Admin, id: string) {
    this.#admin = admin;
    this.id = id;
    admin.on('told', () => {
      const seq = this.messages.at(-1)?.seq;
      if (seq !== undefined) admin.send(TOPIC, { watch: id, seq });
    });
  }

  static async open(admin: Admin, store: string): Promise<Page> {
    const { status, body } = await admin.call('POST', 'statestore/watches', { store });
    assert.equal(status, 200, JSON.stringify(body));
    const page = new Page(admin, body.watch as string);
    admin.send(TOPIC, { watch: page.id, seq: 0 });
    return page;
  }

  get messages(): Message[] {
    return this.#admin.told
      .filter(({ topic }) => topic === TOPIC)
      .map(({ data }) => data as unknown as Message)
      .filter(({ watch }) => watch === this.id);
  }

  /** Last message about the connection. */
  get state(): Message['state'] {
    return this.messages.filter(({ state }) => state).at(-1)?.state;
  }

  /** Last message about a key. */
  shown(key: string | Uint8Array): Shown | undefined {
    const id = base64(key);
    const told = this.messages.flatMap(({ keys = [] }) => keys).filter(([one]) => one === id);
    return told.at(-1)?.[1];
  }

  async see(...keys: (string | Uint8Array)[]): Promise<void> {
    const body = { keys: keys.map(base64) };
    const { status } = await this.#admin.call('PUT', `statestore/watches/${this.id}`, body);
    assert.equal(status, 200);
  }

  /** Asks for a page of keys. */
  request(query: { prefix: string } | { after: string }): ReturnType<Admin['call']> {
    const text = new URLSearchParams(query).toString();
    return this.#admin.call('GET', `statestore/watches/${this.id}/keys?${text}`);
  }

  async keys(
    query: { prefix: string } | { after: string },
  ): Promise<{ names: string[]; next: string | undefined }> {
    const { status, body } = await this.request(query);
    assert.equal(status, 200, JSON.stringify(body));
    const { keys, next } = body as { keys: string[]; next?: string };
    return { names: keys.map((key) => Buffer.from(key, 'base64').toString()), next };
  }

  /** All pages of keys. */
  async *list(prefix = ''): AsyncGenerator<string[]> {
    let next: string | undefined;
    do {
      const page = await this.keys(next === undefined ? { prefix } : { after: next });
      yield page.names;
      next = page.next;
    } while (next !== undefined);
  }

  until<T>(find: () => T | false): Promise<NonNullable<T>> {
    return this.#admin.until(() => find() || undefined);
  }

  async end(): Promise<void> {
    await this.#admin.call('DELETE', `statestore/watches/${this.id}`);
  }
}

const GUARDED = {
  users: [{ username: 'guest', password: 'guest' }],
  spec: {
    authorizationPolicies: {
      rules: [
        {
          principals: { usernames: ['guest'] },
          brokerResources: [
            { method: 'Connect' },
            { method: 'Publish', topics: ['#'] },
            { method: 'Subscribe', topics: ['#'] },
          ],
          stateStoreResources: [{ method: 'ReadWrite', keyType: 'Pattern', keys: ['open/*'] }],
        },
      ],
    },
  },
};

describe('The sidebar in a real Node-RED with users', () => {
  let emulator: Emulator;
  let guarded: Emulator;
  let other: StateStoreClient;
  let nodeRed: NodeRed;
  let admin: Admin;
  let reader: Admin;
  let stranger: Admin;
  let flows: Record<string, unknown>[];
  let innerPort: number;

  before(async () => {
    emulator = await Emulator.start({ port: 0 });
    guarded = await Emulator.start({ port: 0, rules: Rules.parse(JSON.stringify(GUARDED)) });
    other = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    await other.connect();
    innerPort = await freePort();
    nodeRed = await NodeRed.start({
      settings: users({
        admin: '*',
        reader: ['flows.read', 'status.read', 'statestore.read'],
        stranger: ['flows.read', 'status.read', 'debug.read'],
      }),
    });
    admin = await Admin.logIn(nodeRed, 'admin');
    reader = await Admin.logIn(nodeRed, 'reader');
    stranger = await Admin.logIn(nodeRed, 'stranger');
    const here = { type: 'statestore-config', host: '127.0.0.1' };
    const node = (id: string, type: string, rest: object) => ({
      ...{ id, type, z: 'tab', x: 0, y: 0, name: '', wires: [] },
      ...rest,
    });
    flows = [
      { id: 'tab', type: 'tab', label: 'flow' },
      { ...here, id: 'store', name: 'plant', port: emulator.port },
      {
        ...{ ...here, id: 'guarded', name: '', port: guarded.port, login: 'password' },
        credentials: { username: 'guest', password: 'guest' },
      },
      { ...here, id: 'inner', name: 'the emulator', port: innerPort, keyPrefix: 'p/' },
      { ...here, id: 'wrong', name: 'a wrong one', port: emulator.port, clientId: 'a/b' },
      node('emulator', 'statestore-emulator', { host: '127.0.0.1', port: innerPort }),
      node('reads', 'statestore-get', { name: 'read it', store: 'inner', key: 'fixed', keyType: 'str' }),
      node('lists', 'statestore-get', { store: 'inner', key: '["fixed", "second"]', keyType: 'json' }),
      node('each', 'statestore-get', { store: 'inner', key: 'machine/{{payload.id}}', keyType: 'str' }),
      node('told', 'statestore-get', { store: 'inner', key: 'payload', keyType: 'msg' }),
      node('observes', 'statestore-observe', { store: 'inner', mode: 'fixed', keys: 'first\n second \n' }),
      node('locks', 'statestore-lock', { store: 'inner', key: 'door', keyType: 'str', lease: '5' }),
      node('leads', 'statestore-leader', { store: 'inner', role: 'line', lease: '30', candidate: 'left' }),
      node('off', 'statestore-get', { store: 'inner', key: 'of nobody', keyType: 'str', d: true }),
    ];
    await admin.deploy(flows);
    for (const one of [admin, reader, stranger]) await one.connect();
  });
  after(async () => {
    for (const one of [admin, reader, stranger]) one?.disconnect();
    await nodeRed?.stop();
    await other?.close();
    await emulator?.close();
    await guarded?.close();
  });

  /** Clients of the emulator beside the test's own. */
  const clients = async (count: number) => {
    while (emulator.clients !== count + 1) await once(emulator, 'change');
  };
  const set = (who: Admin, key: string | Uint8Array, rest: object = {}, store = 'store') =>
    who.call('POST', 'statestore/set', { store, key: base64(key), value: VALUE, type: 'text', ...rest });
  const read = async (who: Admin, key: string | Uint8Array, store = 'store') =>
    (await who.call('POST', 'statestore/value', { store, key: base64(key) })).body as Shown;

  const READING: [string, string, object?][] = [
    ['GET', 'statestore/stores'],
    ['GET', 'statestore/stores/store/named-keys'],
    ['POST', 'statestore/watches', { store: 'store' }],
    ['PUT', 'statestore/watches/none', {}],
    ['GET', 'statestore/watches/none/keys'],
    ['DELETE', 'statestore/watches/none'],
    ['POST', 'statestore/value', { store: 'store', key: base64('k') }],
  ];
  const WRITING: [string, string, object?][] = [
    ['POST', 'statestore/set', { store: 'store', key: base64('k'), value: VALUE, type: 'text' }],
    ['POST', 'statestore/delete', { store: 'store', key: base64('k') }],
    ['POST', 'statestore/stores/store/test', {}],
  ];

  it('serves nothing to strangers, and no change by readers', async () => {
    for (const [method, path, body] of [...READING, ...WRITING]) {
      assert.equal((await Admin.anonymous(nodeRed).call(method, path, body)).status, 401, path);
      assert.equal((await stranger.call(method, path, body)).status, 401, path);
    }
    for (const [method, path, body] of WRITING) {
      assert.equal((await reader.call(method, path, body)).status, 401, path);
    }
    assert.equal((await other.get('k')).found, false);
    for (const [method, path, body] of READING) {
      const answer = await reader.call(method, path, body);
      assert.notEqual(answer.status, 401, path);
      assert.equal(answer.headers.get('cache-control'), 'no-store', path);
      if (answer.body.watch) await reader.call('DELETE', `statestore/watches/${answer.body.watch}`);
    }
    assert.deepEqual((await reader.call('GET', 'statestore/stores')).body, [
      { id: 'store', name: 'plant', address: `127.0.0.1:${emulator.port}` },
      { id: 'guarded', name: '', address: `127.0.0.1:${guarded.port}` },
      { id: 'inner', name: 'the emulator', address: `127.0.0.1:${innerPort}` },
      { id: 'wrong', name: 'a wrong one', address: `127.0.0.1:${emulator.port}` },
    ]);
  });

  it('refuses what is not JSON, what is too large, and what names no store', async () => {
    const key = base64('k');
    const refused = async (status: number, path: string, body: unknown, type?: string) => {
      const answer = await admin.call('POST', `statestore/${path}`, body, type);
      assert.equal(answer.status, status, `${path} ${JSON.stringify(body).slice(0, 80)}`);
    };
    const form = `store=store&key=${key}`;
    await refused(415, 'delete', form, 'application/x-www-form-urlencoded');
    await refused(415, 'delete', JSON.stringify({ store: 'store', key }), 'text/plain');
    await refused(400, 'delete', '{"store":', 'application/json');
    await refused(400, 'delete', '[]');
    for (const bad of [undefined, 7, '', '<script>', 'a', { $: 1 }])
      await refused(400, 'delete', { store: 'store', key: bad });
    await refused(413, 'delete', { store: 'store', key: base64('k'.repeat(60_001)) });
    const change = { store: 'store', key, value: '1', type: 'text' };
    await refused(413, 'set', { ...change, value: 'v'.repeat(2 ** 20 + 1) });
    await refused(413, 'set', { ...change, value: 'v'.repeat(8 * 2 ** 20) });
    await refused(400, 'set', { ...change, value: { a: 1 } });
    await refused(400, 'set', { ...change, type: 'number' });
    await refused(400, 'set', { ...change, type: 'json', value: '{' });
    await refused(400, 'set', { ...change, expiry: 0.5 });
    await refused(400, 'set', { ...change, onlyIfNew: 'yes' });
    for (const store of ['reads', 'tab', 'emulator', 'no-such-node', '__proto__', '']) {
      await refused(404, 'set', { ...change, store });
      await refused(404, 'watches', { store });
      assert.equal((await admin.call('GET', `statestore/stores/${store || 'x'}/named-keys`)).status, 404);
    }
    const { body } = await admin.call('POST', 'statestore/watches', { store: 'store' });
    const watch = `statestore/watches/${body.watch}`;
    const many = Array.from({ length: 201 }, (_, index) => base64(String(index)));
    assert.equal((await admin.call('PUT', watch, { keys: many })).status, 400);
    assert.equal((await admin.call('PUT', watch, { keys: ['?'] })).status, 400);
    await admin.call('DELETE', watch);
    assert.equal((await admin.call('PUT', watch, {})).status, 404);
    assert.equal((await other.get('k')).found, false);
  });

  it('sets and deletes a key that update nodes protect, if asked to hold its lock', async () => {
    await update(other, 'count', () => '5');
    const refused = await set(admin, 'count', { value: '0' });
    assert.deepEqual([refused.status, refused.body.code], [409, 'FENCING_TOKEN_REQUIRED']);
    const { status, body } = await set(admin, 'count', { value: '0', withLock: true });
    assert.deepEqual([status, body.stored], [200, true]);
    const { value } = await update(other, 'count', (bytes) => String(Number(bytes) + 1));
    assert.equal(String(value), '1');
    const remove = (rest: object) =>
      admin.call('POST', 'statestore/delete', { store: 'store', key: base64('count'), ...rest });
    assert.equal((await remove({})).body.code, 'FENCING_TOKEN_REQUIRED');
    assert.equal((await remove({ withLock: true })).body.deleted, true);
    assert.equal((await other.get('count')).found, false);
  });

  it('has a client only while a page is open, and shares it', async () => {
    await clients(0);
    const page = await Page.open(admin, 'store');
    await page.until(() => page.state?.kind === 'connected');
    await clients(1);
    const second = await Page.open(reader, 'store');
    await second.until(() => second.state?.kind === 'connected');
    await set(admin, 'k');
    assert.equal(emulator.clients, 2);
    await page.end();
    assert.equal(emulator.clients, 2);
    await second.end();
    await clients(0);
  });

  it('is done with a page whose connection is gone', async () => {
    const gone = await Admin.logIn(nodeRed, 'reader');
    await gone.connect();
    const page = await Page.open(gone, 'store');
    await page.until(() => page.state?.kind === 'connected');
    gone.disconnect();
    await clients(0);
    assert.equal((await admin.call('PUT', `statestore/watches/${page.id}`, {})).status, 404);
  });

  it('sends changes of visible keys, only to the page that shows them', async () => {
    await other.set('seen', 'before');
    const page = await Page.open(reader, 'store');
    await page.see('seen', 'not there');
    assert.equal((await page.until(() => page.shown('seen'))).text, 'before');
    assert.deepEqual(await page.until(() => page.shown('not there')), { found: false });
    const { version } = await other.set('seen', 'after');
    assert.equal(
      (await page.until(() => page.shown('seen')?.version === version && page.shown('seen'))).text,
      'after',
    );
    await other.delete('seen');
    await page.until(() => page.shown('seen')?.found === false);
    await page.see('not there');
    await other.set('seen', 'not any more');
    await other.set('not there', 'there');
    await page.until(() => page.shown('not there')?.found);
    assert.equal(page.shown('seen')?.found, false);
    // A stranger who names the watch comes too late: it belongs to a connection.
    stranger.send(TOPIC, { watch: page.id, seq: 0 });
    stranger.send(TOPIC, { watch: 'none', seq: 0 });
    stranger.send(TOPIC, 'nonsense');
    await other.set('not there', 'there again');
    await page.until(() => page.shown('not there')?.text === 'there again');
    await page.end();
    // Messages of one connection arrive in their order: a message to all pages shows that nothing else will arrive.
    const before = stranger.told.length;
    await admin.deploy(flows);
    await stranger.until((told) =>
      told.slice(before).some(({ topic }) => topic === 'notification/runtime-deploy'),
    );
    for (const one of [stranger, admin]) {
      const own = one.told.filter(
        ({ topic, data }) => topic.startsWith('statestore') && data.watch === page.id,
      );
      assert.deepEqual(own, []);
    }
  });

  it('shows any key and any value', async () => {
    const page = await Page.open(reader, 'store');
    const keys = ['<script>alert(1)</script>', '__proto__', 'constructor', '🔑 ключ', 'k'.repeat(6500)];
    const binary = Buffer.from([0, 255, 10, 13, 34]);
    await page.see(...keys, binary);
    for (const key of [...keys, binary]) {
      assert.equal((await set(admin, key, { value: '{"__proto__": 1}', type: 'json' })).status, 200);
      const shown = await page.until(() => page.shown(key)?.found && page.shown(key));
      assert.equal(shown.text, '{"__proto__":1}');
      assert.equal((await read(reader, key)).text, '{"__proto__":1}');
    }
    await set(admin, binary, { value: binary.toString('base64'), type: 'base64' });
    assert.equal(await page.until(() => page.shown(binary)?.base64), binary.toString('base64'));
    const long = 'é'.repeat(50_000);
    await set(admin, 'long', { value: long });
    await page.see('long');
    const cut = await page.until(() => page.shown('long')?.found && page.shown('long'));
    assert.equal(cut.size, 100_000);
    assert.equal(cut.cut, true);
    assert.match(cut.text ?? '', /^é{2048}$/);
    assert.equal((await read(reader, 'long')).text, long);
    await page.end();
  });

  it('sets and deletes on request', async () => {
    const first = await set(admin, 'new', { onlyIfNew: true });
    assert.equal(first.body.stored, true);
    assert.equal((await set(admin, 'new', { onlyIfNew: true, value: 'other' })).body.stored, false);
    assert.equal((await read(admin, 'new')).text, VALUE);
    await other.observe('new').then(async (observation) => {
      await set(admin, 'new', { expiry: 50 });
      for await (const change of observation) if (change.operation === 'delete') break;
      await observation.close();
    });
    await set(admin, 'new');
    const remove = (rest = {}) =>
      admin.call('POST', 'statestore/delete', { store: 'store', key: base64('new'), ...rest });
    assert.equal((await remove({ holder: 'somebody else' })).body.deleted, false);
    assert.equal((await remove({ holder: VALUE })).body.deleted, true);
    assert.deepEqual((await remove()).body, { deleted: false, found: false });
  });

  it('writes one line for each change: who and which key, never the value', async () => {
    const after = nodeRed.lines.all.length;
    await set(admin, 'audited');
    await set(admin, 'line\nbreak');
    await set(admin, 'audited', { onlyIfNew: true });
    await admin.call('POST', 'statestore/delete', { store: 'store', key: base64('audited') });
    await set(admin, 'closed/door', {}, 'guarded');
    await set(reader, 'audited');
    await read(reader, 'audited');
    await set(admin, 'last');
    await nodeRed.lines.find(/key last in the sidebar/, after);
    const lines = nodeRed.lines.all.slice(after).filter((line) => line.includes('in the sidebar'));
    assert.deepEqual(
      lines.map((line) => line.replace(/^.* - /, '')),
      [
        '[info] [statestore-config:plant] admin set key audited in the sidebar: done',
        '[info] [statestore-config:plant] admin set key 0x6c696e650a627265616b in the sidebar: done',
        '[info] [statestore-config:plant] admin set key audited in the sidebar: nothing changed',
        '[info] [statestore-config:plant] admin deleted key audited in the sidebar: done',
        '[info] [statestore-config:guarded] admin set key closed/door in the sidebar: NOT_AUTHORIZED',
        '[info] [statestore-config:plant] admin set key last in the sidebar: done',
      ],
    );
    assert.deepEqual(
      nodeRed.lines.all.filter((line) => line.includes(VALUE)),
      [],
    );
  });

  it('reports the keys that the store refuses to the login', async () => {
    const page = await Page.open(reader, 'guarded');
    await page.see('closed/door', 'open/door');
    assert.equal((await page.until(() => page.shown('closed/door')?.error)).code, 'NOT_AUTHORIZED');
    assert.deepEqual(await page.until(() => page.shown('open/door')), { found: false });
    assert.equal((await read(reader, 'closed/door', 'guarded')).error?.code, 'NOT_AUTHORIZED');
    const answer = await set(admin, 'closed/door', {}, 'guarded');
    assert.deepEqual([answer.status, answer.body.code], [409, 'NOT_AUTHORIZED']);
    await page.end();
  });

  it('knows the keys that nodes name', async () => {
    const { body } = await reader.call('GET', 'statestore/stores/inner/named-keys');
    const named = body as unknown as { key: string; kind: string; lease?: number; nodes: { id: string }[] }[];
    assert.deepEqual(
      named.map(({ key, kind, lease, nodes }) => [
        Buffer.from(key, 'base64').toString(),
        lease === undefined ? kind : `${kind} ${lease}`,
        nodes.map(({ id }) => id).join(' '),
      ]),
      [
        ['fixed', 'key', 'reads lists'],
        ['second', 'key', 'lists observes'],
        ['first', 'key', 'observes'],
        ['door', 'lock 5000', 'locks'],
        ['line', 'role 30000', 'leads'],
      ],
    );
  });

  it('lists the keys of the emulator in this Node-RED page by page, those of the prefix alone, and says who holds a role until when', async () => {
    const outer = new StateStoreClient({ host: '127.0.0.1', port: innerPort });
    const page = await Page.open(reader, 'inner');
    assert.equal((await page.until(() => page.state?.lists && page.state)).prefix, 'p/');
    await outer.setMany(Array.from({ length: 5000 }, (_, index) => [`p/${index}`, String(index)] as const));
    await outer.set('without prefix', '');
    const pages: number[] = [];
    const list = async () => {
      const listed: string[] = [];
      for await (const keys of page.list()) {
        listed.push(...keys);
        pages.push(keys.length);
      }
      return listed;
    };
    const listed = await list();
    assert.equal(Math.max(...pages) <= 2000, true);
    const own = listed.filter((key) => /^\d+$/.test(key));
    assert.equal(new Set(own).size, 5000);
    assert.deepEqual(
      listed.filter((key) => !/^\d+$/.test(key)),
      ['line'],
    );
    // The page gets the key, or, if too many others arrived meanwhile, a request to list all of them again.
    const tells = async (key: string, exists: boolean, change: () => Promise<unknown>) => {
      const after = page.messages.length;
      await change();
      const told = await page.until(() => {
        const since = page.messages.slice(after);
        if (since.some(({ relist }) => relist)) return 'relist';
        const changes = since.flatMap(({ listed: some = [] }) => some);
        return changes.some(([id, there]) => id === base64(key) && there === exists) && 'key';
      });
      if (told === 'relist') assert.equal((await list()).includes(key), exists);
    };
    await tells('new one', true, () => outer.set('p/new one', '1'));
    await tells('new one', false, () => outer.delete('p/new one'));
    await page.see('line');
    const role = await page.until(() => page.shown('line')?.holder !== undefined && page.shown('line'));
    assert.equal(role.holder, 'left');
    const left = (role.expires ?? 0) - Date.now();
    assert.ok(left > 0 && left <= 30_000, String(left));
    await page.end();
    await outer.close();
  });

  it('has no list of the keys of the emulator for another store with the same client ID', async () => {
    const named = { type: 'statestore-config', host: '127.0.0.1', clientId: 'fixed-id' };
    const both = [
      { ...named, id: 'here', port: innerPort },
      { ...named, id: 'there', port: emulator.port },
    ];
    await admin.deploy([...flows, ...both]);
    const here = await Page.open(reader, 'here');
    const there = await Page.open(reader, 'there');
    await here.until(() => here.state?.kind === 'connected');
    await there.until(() => there.state?.kind === 'connected');
    assert.deepEqual([here.state?.lists, there.state?.lists], [true, false]);
    for (const page of [here, there]) await page.end();
    await admin.deploy(flows);
  });

  it('shows the other keys where one is too long', async () => {
    await other.set('short', 'shown');
    const page = await Page.open(reader, 'store');
    await page.see('k'.repeat(60_001), 'short');
    assert.equal((await page.until(() => page.shown('short'))).text, 'shown');
    await page.end();
  });

  it('lists the keys of any other store on request, those with a prefix', async () => {
    for (const name of ['1', '2', '*']) await other.set(`scan*/${name}`, 'v');
    await other.set('scanned', 'v');
    const page = await Page.open(reader, 'store');
    await page.until(() => page.state?.scans);
    assert.deepEqual([page.state?.lists, page.state?.largest], [false, 4 * 1024 * 1024]);
    const { names, next } = await page.keys({ prefix: 'scan*/' });
    assert.deepEqual([names.sort(), next], [['scan*/*', 'scan*/1', 'scan*/2'], undefined]);
    await page.end();
  });

  it('lists the keys of any other store page by page, each once, while others are deleted and set', async () => {
    const names = Array.from({ length: 5000 }, (_, index) => `paged/${index}`);
    await other.setMany(names.map((name) => [name, 'v'] as const));
    const page = await Page.open(reader, 'store');
    await page.until(() => page.state?.scans);
    const pages: string[][] = [];
    for await (const keys of page.list('paged/')) {
      pages.push(keys);
      if (pages.length > 1) continue;
      // The last keys that were sent, and keys that follow.
      await other.deleteMany([...keys.slice(-10), ...names.slice(3000, 3010)]);
      await other.setMany(keys.slice(0, 10).map((name) => [name, 'again'] as const));
    }
    const listed = pages.flat();
    assert.equal(new Set(listed).size, listed.length);
    assert.deepEqual(
      names.filter((name) => !listed.includes(name)),
      names.slice(3000, 3010),
    );
    assert.deepEqual(
      pages.map(({ length }) => length),
      [2000, 2000, 990],
    );
    await page.end();
    await other.deleteMany(names);
  });

  it('refuses to continue a list from a wrong place, or from the same place twice', async () => {
    const names = Array.from({ length: 4100 }, (_, index) => `places/${index}`);
    await other.setMany(names.map((name) => [name, 'v'] as const));
    const [page, stranger] = [await Page.open(reader, 'store'), await Page.open(reader, 'store')];
    for (const one of [page, stranger]) await one.until(() => one.state?.scans);
    const refused = async (after: string) => {
      const { status, body } = await page.request({ after });
      assert.deepEqual([status, body.code], [404, 'noSuchPlace'], after);
      assert.match(String(body.error), /cannot be continued from this place. Begin the list again/);
    };
    await refused('somewhere');
    const first = await page.keys({ prefix: 'places/' });
    const foreign = await stranger.keys({ prefix: 'places/' });
    for (const place of ['somewhere', '', foreign.next ?? '']) await refused(place);
    const second = await page.keys({ after: first.next ?? '' });
    assert.equal(second.names.length, 2000);
    await refused(first.next ?? '');
    const third = await page.keys({ after: second.next ?? '' });
    assert.deepEqual([third.names.length, third.next], [100, undefined]);
    const before = await page.keys({ prefix: 'places/' });
    await page.keys({ prefix: 'places/1' });
    await refused(before.next ?? '');
    const { status, body } = await page.request({ after: 'x'.repeat(2000) });
    assert.deepEqual([status, body.code], [413, 'tooLarge']);
    for (const one of [page, stranger]) await one.end();
    await other.deleteMany(names);
  });

  it('has no list of the keys of a store that does not know the request', async () => {
    emulator.engine.scan = false;
    try {
      const page = await Page.open(reader, 'store');
      await page.until(() => page.state?.kind === 'connected');
      assert.deepEqual([page.state?.lists, page.state?.scans], [false, false]);
      assert.equal((await reader.call('GET', `statestore/watches/${page.id}/keys`)).status, 404);
      await page.end();
    } finally {
      emulator.engine.scan = true;
    }
  });

  it('says that settings are wrong, and tests a deployed store', async () => {
    const page = await Page.open(reader, 'wrong');
    assert.equal(
      (await page.until(() => page.state?.kind === 'unusable' && page.state)).reason,
      'BAD_ARGUMENT',
    );
    await page.end();
    const tested = async (store: string) => {
      const { body } = await admin.call('POST', `statestore/stores/${store}/test`, {});
      return body as { results: { step: string; ok: boolean }[] };
    };
    assert.deepEqual((await tested('store')).results.at(-1), { step: 'store', ok: true });
    assert.equal((await tested('guarded')).results.find(({ step }) => step === 'login')?.ok, true);
    assert.equal((await tested('wrong')).results.at(-1)?.ok, false);
  });

  it('goes on when the store is deleted by a deploy and comes back', async () => {
    const page = await Page.open(reader, 'store');
    await page.see('kept');
    await page.until(() => page.shown('kept'));
    await admin.deploy(flows.filter(({ id }) => id !== 'store'));
    await page.until(() => page.state?.kind === 'gone');
    await clients(0);
    await other.set('kept', 'meanwhile');
    await admin.deploy(flows);
    await page.until(() => page.state?.kind === 'connected');
    await page.until(() => page.shown('kept')?.text === 'meanwhile');
    await page.end();
    await clients(0);
  });

  it('says why there is no connection, and what a key holds when it is back', async () => {
    const page = await Page.open(reader, 'store');
    await page.see('away');
    await page.until(() => page.shown('away'));
    const { port, engine } = emulator;
    await emulator.close();
    assert.equal(
      (await page.until(() => page.state?.kind === 'disconnected' && page.state)).reason !== undefined,
      true,
    );
    emulator = await Emulator.start({ port, engine });
    await other.connect();
    await other.set('away', 'back');
    await page.until(() => page.shown('away')?.text === 'back');
    assert.equal(page.state?.kind, 'connected');
    await page.end();
  });
});

describe('The sidebar in a real Node-RED without users', () => {
  it('lets all users read and write, as the rest of that editor does', async () => {
    const emulator = await Emulator.start({ port: 0 });
    const nodeRed = await NodeRed.start();
    try {
      await nodeRed.deploy([
        { id: 'store', type: 'statestore-config', host: '127.0.0.1', port: emulator.port },
      ]);
      const anybody = Admin.anonymous(nodeRed);
      const key = base64('k');
      const change = { store: 'store', key, value: '[1]', type: 'json' };
      assert.equal((await anybody.call('POST', 'statestore/set', change)).body.stored, true);
      const { body } = await anybody.call('POST', 'statestore/value', { store: 'store', key });
      assert.equal(body.text, '[1]');
      await nodeRed.lines.find(/anonymous set key k in the sidebar: done/);
    } finally {
      await nodeRed.stop();
      await emulator.close();
    }
  });
});
