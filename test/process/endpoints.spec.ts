/** Every admin endpoint, as SECURITY.md lists them: who is refused, and why. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENDPOINTS } from '../../src/node-red/sidebar/endpoint-table';
import { Admin, type Answer, users } from '../support/admin';
import { NodeRed, ROOT } from '../support/node-red';
import { freePort } from '../support/ports';

interface Row {
  method: string;
  path: string;
  permissions: string[];
  contentType: string;
}

/** The rows of the table in SECURITY.md. */
function listed(): Row[] {
  const pattern = /^\| (GET|POST|PUT|DELETE) \| `([^`]+)` \| ([^|]+) \| `?([^|`]+)`? \|/gm;
  return [...readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').matchAll(pattern)].map(
    ([, method = '', path = '', permissions = '', contentType = '']) => ({
      ...{ method, path, contentType },
      permissions: [...permissions.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    }),
  );
}

const KEY = Buffer.from('k').toString('base64');
const LONG_KEY = Buffer.alloc(60_001, 1).toString('base64');

/** For each endpoint with a body: one that is right, bodies of the wrong type, and bodies that are too large, with the status. */
const BODIES: Record<string, { right: object; wrong: object[]; large: [number, object][] }> = {
  '/statestore/stores/:id/test': { right: {}, wrong: [[]], large: [] },
  '/statestore/test': {
    right: { id: 'store', settings: { host: '127.0.0.1', port: 1 } },
    wrong: [
      { settings: 'host' },
      { settings: { host: {} } },
      { settings: { verify: 'no' } },
      { id: 1, settings: {} },
    ],
    large: [[413, { settings: { host: 'h'.repeat(4097) } }]],
  },
  '/statestore/watches': {
    right: { store: 'store' },
    wrong: [{}, { store: 1 }],
    large: [[413, { store: 's'.repeat(1001) }]],
  },
  '/statestore/watches/:id': {
    right: {},
    wrong: [{ keys: 'k' }, { keys: [1] }],
    large: [[400, { keys: Array.from({ length: 201 }, () => KEY) }]],
  },
  '/statestore/value': {
    right: { store: 'store', key: KEY },
    wrong: [{ store: 'store' }, { store: 'store', key: 1 }, { store: 'store', key: '?' }],
    large: [[413, { store: 'store', key: LONG_KEY }]],
  },
  '/statestore/set': {
    right: { store: 'store', key: KEY, value: 'v', type: 'text' },
    wrong: [
      { store: 'store', key: KEY, value: 1, type: 'text' },
      { store: 'store', key: KEY, value: 'v', type: 'number' },
      { store: 'store', key: KEY, value: 'v', type: 'text', expiry: '5' },
      { store: 'store', key: KEY, value: 'v', type: 'text', withLock: 'yes' },
    ],
    large: [
      [413, { store: 'store', key: LONG_KEY, value: 'v', type: 'text' }],
      [413, { store: 'store', key: KEY, value: 'v'.repeat(2 ** 20 + 1), type: 'text' }],
    ],
  },
  '/statestore/delete': {
    right: { store: 'store', key: KEY },
    wrong: [
      { store: 'store', key: ['YQ=='] },
      { store: 'store', key: KEY, holder: 1 },
    ],
    large: [[413, { store: 'store', key: LONG_KEY }]],
  },
};

describe('The admin endpoints', () => {
  let nodeRed: NodeRed;
  let admin: Admin;
  /** Has all permissions but one. */
  const without = new Map<string, Admin>();

  before(async () => {
    const all = ['flows.read', 'flows.write', 'statestore.read', 'statestore.write'];
    const rest = (name: string) => all.filter((one) => one !== name);
    nodeRed = await NodeRed.start({
      settings: users({
        admin: '*',
        'no-flows.write': rest('flows.write'),
        'no-statestore.read': rest('statestore.read'),
        'no-statestore.write': rest('statestore.write'),
        crowd: ['flows.read', 'statestore.read'],
      }),
    });
    admin = await Admin.logIn(nodeRed, 'admin');
    for (const name of ['flows.write', 'statestore.read', 'statestore.write'])
      without.set(name, await Admin.logIn(nodeRed, `no-${name}`));
    await admin.deploy([
      { id: 'store', type: 'statestore-config', host: '127.0.0.1', port: await freePort(), timeout: '0.2' },
    ]);
  });
  after(async () => {
    for (const one of without.values()) one.disconnect();
    await nodeRed?.stop();
  });

  const pathOf = (path: string) => path.slice(1).replace(':id', 'store');
  const bodyOf = ({ path, contentType }: Row) => (contentType === 'none' ? undefined : BODIES[path]?.right);
  const refusedWith = (answer: Answer, status: number, code: string | undefined, what: string) => {
    assert.equal(answer.status, status, `${what}: ${JSON.stringify(answer.body)}`);
    if (code !== undefined) assert.equal(answer.body.code, code, what);
  };

  it('agree with the list in SECURITY.md, with their permissions and content types', () => {
    const rows = listed().map((row) => JSON.stringify(row));
    const served = Object.values(ENDPOINTS).map(({ method, path, permissions, json }) =>
      JSON.stringify({
        method: method.toUpperCase(),
        path: `/statestore/${path}`,
        contentType: json ? 'application/json' : 'none',
        permissions,
      }),
    );
    assert.deepEqual(rows.sort(), served.sort());
  });

  for (const row of listed()) {
    const { method, path, permissions, contentType } = row;
    describe(`${method} ${path}`, () => {
      it('refuses users without one of its permissions', async () => {
        for (const name of permissions) {
          const user = without.get(name) as Admin;
          refusedWith(await user.call(method, pathOf(path), bodyOf(row)), 401, undefined, name);
        }
        const nobody = Admin.anonymous(nodeRed);
        refusedWith(await nobody.call(method, pathOf(path), bodyOf(row)), 401, undefined, 'anonymous');
      });

      it('refuses requests from pages of other sites', async () => {
        for (const headers of [
          { Origin: 'https://evil.example' },
          { Origin: 'null' },
          { 'Sec-Fetch-Site': 'cross-site' },
        ]) {
          const answer = await admin.call(method, pathOf(path), bodyOf(row), undefined, headers);
          refusedWith(answer, 403, 'foreignOrigin', JSON.stringify(headers));
        }
        const own = await admin.call(method, pathOf(path), bodyOf(row), undefined, {
          Origin: nodeRed.base,
        });
        assert.notEqual(own.status, 403);
      });

      if (contentType === 'none') return;

      it('refuses bodies that are not JSON', async () => {
        for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data']) {
          const answer = await admin.call(method, pathOf(path), 'store=store&settings[host]=h', type);
          refusedWith(answer, 415, 'badContentType', type);
        }
        refusedWith(await admin.call(method, pathOf(path), '{'), 400, undefined, '{');
      });

      it('refuses bodies of the wrong type, and bodies that are too large', async () => {
        const { wrong = [], large = [] } = BODIES[path] ?? {};
        assert.ok(wrong.length > 0);
        // Node-RED reads no more than 5 MB of any body.
        const huge = { ...BODIES[path]?.right, more: 'm'.repeat(6_000_000) };
        refusedWith(await admin.call(method, pathOf(path), huge), 413, undefined, 'huge');
        for (const body of wrong)
          refusedWith(await admin.call(method, pathOf(path), body), 400, 'badRequest', JSON.stringify(body));
        for (const [status, body] of large)
          refusedWith(await admin.call(method, pathOf(path), body), status, undefined, path);
      });
    });
  }

  it('leave other users their watches where one user opens all it can', async () => {
    const reader = await Admin.logIn(nodeRed, 'crowd');
    const statuses: number[] = [];
    for (let count = 0; count < 21; count++)
      statuses.push((await reader.call('POST', 'statestore/watches', { store: 'store' })).status);
    assert.deepEqual([...new Set(statuses)], [200, 503]);
    assert.equal(statuses.filter((status) => status === 200).length, 20);
    const { status, body } = await admin.call('POST', 'statestore/watches', { store: 'store' });
    assert.equal(status, 200);
    await admin.call('DELETE', `statestore/watches/${body.watch}`);
  });

  it('end a watch that no page listens to', async function () {
    this.timeout(20_000);
    const { body } = await admin.call('POST', 'statestore/watches', { store: 'store' });
    for (;;) {
      // Renewing it does not keep it.
      const { status } = await admin.call('PUT', `statestore/watches/${body.watch}`, {});
      if (status === 404) return;
      assert.equal(status, 200);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
});
