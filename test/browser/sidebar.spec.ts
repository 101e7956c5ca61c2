/** The tab of the state store in the sidebar, as people use it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { Lock, update } from '../../src/coordination/index';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { users } from '../support/admin';
import { clippedAnywhere, useWideLetters } from '../support/clipping';
import { Editor } from '../support/editor';
import { loadExample } from '../support/examples';
import { ROOT } from '../support/node-red';
import { VERSIONS } from '../support/node-red-versions';
import { freePort } from '../support/ports';
import { Sidebar } from '../support/sidebar';
import { skipWithout } from '../support/skips';

const EXAMPLE = '03 Remember the last reading of each machine';
const LOCALES = join(ROOT, 'plugins', 'locales');
const STRANGE = [
  '<script>window.attacked = true</script><img src=x onerror="window.attacked = true">',
  '__proto__',
  'constructor',
  '🔑 ключ',
  `long ${'k'.repeat(6500)}`,
];

interface AxeWindow {
  axe: {
    run(
      context: string,
      options: object,
    ): Promise<{ violations: { id: string; nodes: { html: string; target: unknown }[] }[] }>;
  };
}

/** What axe-core finds wrong in a part of the page. What Core draws of a value is Core's. */
async function violations(editor: Editor, context: string): Promise<string[]> {
  const { page } = editor;
  if (!(await page.evaluate(() => 'axe' in window)))
    await page.addScriptTag({ content: readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8') });
  const found = await page.evaluate(
    (where) => (window as unknown as AxeWindow).axe.run(where, { resultTypes: ['violations'] }),
    context,
  );
  return found.violations.flatMap(({ id, nodes }) =>
    nodes
      .filter(({ html }) => !html.includes('red-ui-debug-msg-'))
      .map(({ html }) => `${id}: ${html.slice(0, 160)}`),
  );
}

function hasAxe(): boolean {
  try {
    require.resolve('axe-core/axe.min.js');
    return true;
  } catch {
    return false;
  }
}

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The state store in the sidebar of Node-RED ${version}`, () => {
    let editor: Editor;
    let sidebar: Sidebar;
    let other: StateStoreClient;
    let port: number;

    before(async () => {
      port = await freePort();
      editor = await Editor.open({ nodeRed: options() });
      sidebar = new Sidebar(editor);
    });
    after(async () => {
      await other?.close();
      await editor?.close();
    });

    it('says what to do when there is no store yet', async () => {
      await sidebar.show();
      await sidebar.state.getByText('No store is deployed yet').waitFor();
    });

    it('shows the keys of example 03 with their values, after Import and Deploy', async () => {
      const { page } = editor;
      const flow = loadExample(EXAMPLE, port);
      const z = flow.find(({ type }) => type === 'statestore-get')?.z;
      const store = flow.find(({ type }) => type === 'statestore-config')?.id;
      const at = { z, x: 600, store, wires: [[]] };
      const get = { property: 'payload', propertyType: 'msg', outputs: 1 };
      flow.push(
        {
          ...at,
          ...get,
          id: '5e1a300000000f01',
          type: 'statestore-get',
          y: 600,
          name: 'read the press',
          key: 'demo/machine/press',
          keyType: 'str',
        },
        {
          ...at,
          id: '5e1a300000000f02',
          type: 'statestore-lock',
          y: 660,
          name: '',
          key: 'demo/door',
          keyType: 'str',
          wait: '10',
          limit: '60',
          lease: '10',
          outputs: 1,
        },
      );
      await editor.invoke('core:show-import-dialog');
      const text = page.locator('#red-ui-clipboard-dialog-import-text');
      await text.fill(JSON.stringify(flow));
      await text.press('End');
      await page.locator('#red-ui-clipboard-dialog-ok').click();
      await editor.showFlow('Last readings');
      await page.locator('.red-ui-flow-node', { hasText: 'remember' }).first().waitFor();
      await editor.deploy();
      await sidebar.state.getByText('Connected').waitFor();
      await sidebar
        .shows('demo/machine/press', '{ machine: "press", temperature: 71.5, rpm: 1200 }')
        .waitFor();
      await sidebar.shows('demo/machine/mixer', '"mixer"').waitFor();
      await sidebar.shows('demo/machine/oven', '"oven"').waitFor();
      await sidebar.shows('demo/door', 'free').waitFor();
      assert.deepEqual(await sidebar.drawn(), [
        'demo/door',
        'demo/machine/mixer',
        'demo/machine/oven',
        'demo/machine/press',
      ]);
      other = new StateStoreClient({ host: '127.0.0.1', port });
    });

    it('shows what another client sets, and marks it for a moment', async () => {
      const { page } = editor;
      await page.evaluate(() => {
        const row = document.querySelector(
          '.statestore-key[data-id="ZGVtby9tYWNoaW5lL292ZW4="]',
        ) as HTMLElement;
        new MutationObserver(() => {
          if (!row.innerText.includes('"cold"')) return;
          row.dataset.flashed ??= String(row.classList.contains('changed'));
        }).observe(row, { childList: true, subtree: true });
      });
      const row = sidebar.row('demo/machine/oven');
      await other.set('demo/machine/oven', '"cold"');
      await sidebar.shows('demo/machine/oven', '"cold"').waitFor();
      assert.equal(await row.getAttribute('data-flashed'), 'true');
      await row.locator('.statestore-key-age', { hasText: /^\d+ s ago$/ }).waitFor();
    });

    it('shows a key that no node uses, and keeps it in this browser', async () => {
      await sidebar.filter.fill('nobody names it');
      await sidebar.tab.getByText('No such key in the emulator.').waitFor();
      await sidebar.button('Look up "nobody names it"').click();
      await sidebar.shows('nobody names it', 'missing').waitFor();
      await sidebar.filter.fill('');
      await sidebar.row('demo/machine/press').waitFor();
      await editor.load();
      await sidebar.show();
      await sidebar.shows('nobody names it', 'missing').waitFor();
    });

    it('filters as one types', async () => {
      await sidebar.filter.fill('MACHINE/');
      await sidebar.row('demo/door').waitFor({ state: 'detached' });
      assert.deepEqual(await sidebar.drawn(), [
        'demo/machine/mixer',
        'demo/machine/oven',
        'demo/machine/press',
      ]);
      await sidebar.tab.getByText('3 / 5').waitFor();
      await sidebar.button('Look up "MACHINE/"').waitFor();
      assert.equal(await sidebar.tab.getByText('No such key').count(), 0);
      await sidebar.filter.fill('');
      await sidebar.row('demo/door').waitFor();
    });

    it('sets, deletes, and sets again what was deleted', async () => {
      await sidebar.row('nobody names it').click();
      await sidebar.button('Set').click();
      await sidebar.dialog.getByText('Change nobody names it in "State store"').waitFor();
      const field = (name: string) => sidebar.dialog.getByLabel(name, { exact: true });
      assert.equal(await field('Key').inputValue(), 'nobody names it');
      await field('Type').selectOption('json');
      await field('Value').fill('{"a": [1 2]}');
      await sidebar.press('Set');
      await sidebar.dialog.getByText(/Invalid JSON: .*line 1 column 10/).waitFor();
      await field('Value').fill('{"a": [1, 2]}');
      await sidebar.press('Set');
      await sidebar.dialog.waitFor({ state: 'detached' });
      await sidebar.shows('nobody names it', '{ a: array[2] }').waitFor();
      const got = await other.get('nobody names it');
      assert.equal(got.found && got.value.toString(), '{"a":[1,2]}');

      await sidebar.button('Delete').click();
      await sidebar.dialog.getByText('Delete the key nobody names it from "State store"?').waitFor();
      await sidebar.press('Cancel');
      assert.equal((await other.get('nobody names it')).found, true);
      await sidebar.button('Delete').click();
      await sidebar.press('Delete');
      await sidebar.shows('nobody names it', 'missing').waitFor();
      assert.equal((await other.get('nobody names it')).found, false);

      await sidebar.detail.getByText('Click "Restore"').waitFor();
      await sidebar.button('Restore').click();
      await sidebar.shows('nobody names it', '{ a: array[2] }').waitFor();

      await sidebar.button('Set a key').click();
      await field('Key').fill('nobody names it');
      await field('Value').fill('other');
      await sidebar.dialog.getByLabel('only if the key is new').check();
      await sidebar.press('Set');
      await sidebar.dialog.getByText('The key already exists. Nothing was changed.').waitFor();
      await sidebar.press('Cancel');
    });

    /** Takes the selected key off the list, where it could be brought back. */
    const forgetDeleted = async () => {
      await sidebar.detail.getByText('Deleted.').waitFor();
      await sidebar.button('Remove from list').click();
      await sidebar.detail.waitFor({ state: 'hidden' });
    };

    it('keeps the expiry of a key that is changed, unless another one is chosen', async () => {
      const value = sidebar.dialog.getByLabel('Value', { exact: true });
      const expires = sidebar.detail.getByText('Expires', { exact: true });
      await other.set('heartbeat', 'first', { expiry: 600_000 });
      await sidebar.row('heartbeat').click();
      await expires.waitFor();
      await sidebar.button('Set').click();
      assert.equal(await value.evaluate((field) => field === document.activeElement), true, 'the cursor');
      await value.fill('second');
      await sidebar.press('Set');
      await sidebar.shows('heartbeat', 'second').waitFor();
      await expires.waitFor();
      await sidebar.button('Set').click();
      await sidebar.dialog.getByLabel(/keep the current expiry/).uncheck();
      await value.fill('third');
      await sidebar.press('Set');
      await sidebar.shows('heartbeat', 'third').waitFor();
      await expires.waitFor({ state: 'detached' });
      await other.delete('heartbeat');
      await forgetDeleted();
    });

    it('sets and deletes a key that update nodes count, after one confirmation', async () => {
      await update(other, 'pieces', () => '7');
      await sidebar.shows('pieces', '7').waitFor();
      await sidebar.row('pieces').click();
      await sidebar.button('Set').click();
      await sidebar.dialog.getByLabel('Value', { exact: true }).fill('100');
      await sidebar.press('Set');
      await sidebar.dialog.getByText('Update nodes or a lock protect this key').waitFor();
      await sidebar.press('Set');
      await sidebar.shows('pieces', '100').waitFor();
      await sidebar.button('Delete').click();
      await sidebar.press('Delete');
      await sidebar.dialog.getByText('Update nodes or a lock protect this key').waitFor();
      await sidebar.press('Delete');
      await sidebar.dialog.waitFor({ state: 'detached' });
      assert.equal((await other.get('pieces')).found, false);
      // The browser reports each refusal.
      const refusals = editor.complaints.splice(0);
      assert.deepEqual(
        refusals.filter((text) => !text.startsWith('Failed to load resource')),
        [],
      );
      await forgetDeleted();
    });

    it('shows the keys that the shared context keeps for itself only on request', async () => {
      await other.set('nodered/$life', 'a');
      await other.set('nodered/global/batch', '"b"');
      await sidebar.row('nodered/global/batch').waitFor();
      assert.equal(await sidebar.row('nodered/$life').count(), 0);
      const box = sidebar.tab.getByLabel('show keys of the shared context (1)');
      await box.check();
      await sidebar.row('nodered/$life').waitFor();
      await box.uncheck();
      await sidebar.row('nodered/$life').waitFor({ state: 'detached' });
      for (const key of ['nodered/$life', 'nodered/global/batch']) await other.delete(key);
      await sidebar.row('nodered/global/batch').waitFor({ state: 'detached' });
      await sidebar.row('nobody names it').click();
    });

    it('shows a key of 130 characters in one line, with its value below', async () => {
      const key = `plant/${'long/'.repeat(24)}end`;
      await other.set(key, 'in sight');
      await sidebar.row(key).click();
      await sidebar.detail.getByText('in sight').waitFor();
      const heading = sidebar.detail.getByRole('heading');
      assert.ok(((await heading.boundingBox())?.height ?? 0) < 24);
      assert.equal(await heading.getAttribute('title'), key);
      await sidebar.row('nobody names it').click();
      await other.delete(key);
    });

    it('unfolds a value, and keeps it unfolded when it changes', async () => {
      const { detail } = sidebar;
      await detail.locator('.red-ui-debug-msg-expandable').first().click();
      await detail.locator('.red-ui-debug-msg-object-entry', { hasText: 'array[2]' }).waitFor();
      await other.set('nobody names it', '{"a": [1, 2, 3]}');
      await detail.locator('.red-ui-debug-msg-object-entry', { hasText: 'array[3]' }).waitFor();
      await sidebar.button('Remove from list').click();
      await detail.waitFor({ state: 'hidden' });
      await other.delete('nobody names it');
      await sidebar.row('nobody names it').waitFor({ state: 'detached' });
    });

    it('shows reference data as a table that can be sorted, and its size beside the largest packet', async () => {
      const { detail } = sidebar;
      const records = [
        { device: 'b', max: 9 },
        { device: 'a', max: 10, unit: '°C' },
        { device: 'c', max: 100 },
      ];
      const put = (...more: object[]) =>
        other.set('devices', [...records, ...more].map((one) => `${JSON.stringify(one)}\n`).join(''));
      await put();
      await sidebar.filter.fill('');
      await sidebar.row('devices').click();
      const table = detail.getByRole('table', { name: 'Reference data' });
      await table.waitFor();
      const column = async (number: number) =>
        (await table.locator(`tbody td:nth-child(${number})`).allInnerTexts()).join(' ');
      const sort = async (name: string, order: string) => {
        await table.getByRole('button', { name, exact: true }).click();
        await table.locator(`th[aria-sort=${order}]`, { hasText: name }).waitFor();
      };
      assert.equal(await column(1), 'b a c');
      await sort('device', 'ascending');
      assert.equal(await column(1), 'a b c');
      await sort('device', 'descending');
      assert.equal(await column(1), 'c b a');
      await sort('max', 'ascending');
      assert.equal(await column(2), '9 10 100');
      assert.equal(await table.locator('th[aria-sort]').count(), 1);
      await detail.getByText(/^85 B\. A packet of this broker has at most 4(\.0)? MiB$/).waitFor();
      await put({ device: 'd', max: 1 });
      await table.locator('tbody tr:nth-child(4)').waitFor();
      assert.equal(await column(1), 'd b a c');
      await table.locator('th[aria-sort=ascending]', { hasText: 'max' }).waitFor();
      await sidebar.row('demo/machine/press').click();
      await table.waitFor({ state: 'detached' });
      await other.delete('devices');
      await sidebar.row('devices').waitFor({ state: 'detached' });
    });

    it('accepts a click, also if the list changes between press and release', async () => {
      const { page } = editor;
      const press = async (where: Locator) => {
        await where.hover();
        await page.mouse.down();
      };
      /** Resolves when the page has heard of a value that is set now. */
      const set = async (key: string, value: string) => {
        await sidebar.row(key).evaluate((row) => {
          const heard = new Promise<void>((done) => {
            new MutationObserver(() => row.classList.contains('changed') && done()).observe(row, {
              attributes: true,
            });
          });
          Object.assign(window, { heard });
        });
        await other.set(key, value);
        await page.evaluate(() => (window as unknown as { heard: Promise<void> }).heard);
      };
      await other.set('nobody names it', '1');
      await sidebar.shows('nobody names it', '1').waitFor();
      await press(sidebar.row('nobody names it'));
      // Comes before it in the list, and would move it.
      await other.set('a new key', '1');
      await set('nobody names it', '2');
      await page.mouse.up();
      await sidebar.detail.locator('h3', { hasText: 'nobody names it' }).waitFor();
      await sidebar.row('a new key').waitFor();
      await sidebar.shows('nobody names it', '2').waitFor();

      await press(sidebar.button('Delete'));
      await set('nobody names it', '3');
      await page.mouse.up();
      await sidebar.press('Cancel');
      await sidebar.shows('nobody names it', '3').waitFor();
      await other.deleteMany(['nobody names it', 'a new key']);
      await sidebar.row('a new key').waitFor({ state: 'detached' });
      // It was seen to go: until then it could be set again.
      await sidebar.button('Remove from list').click();
      await sidebar.row('nobody names it').waitFor({ state: 'detached' });
    });

    it('jumps to a node that names the key', async () => {
      await sidebar.row('demo/machine/press').click();
      await sidebar.detail.getByRole('link', { name: 'read the press' }).click();
      await editor.page
        .locator('.red-ui-flow-node-highlighted, .red-ui-flow-node-selected')
        .first()
        .waitFor();
      const shown = await editor
        .onCanvas('5e1a300000000f01')
        .or(editor.page.locator('.red-ui-flow-node', { hasText: 'read the press' }))
        .first()
        .isVisible();
      assert.ok(shown);
    });

    it('shows the holder of a lock and its end, and releases it after a warning', async () => {
      const lock = new Lock(other, 'demo/door', { duration: 60_000 });
      const hold = await lock.acquire();
      assert.ok(hold);
      await sidebar.shows('demo/door', `held by ${other.clientId}`).waitFor();
      await sidebar.row('demo/door').click();
      await sidebar.detail.getByText(/, unless it is renewed$/).waitFor();
      await sidebar.button('Release').click();
      await sidebar.dialog
        .getByText('Release the lock only if you know that the holder has stopped.')
        .waitFor();
      await sidebar.press('Release');
      await sidebar.shows('demo/door', 'free').waitFor();
      await hold.release();
    });

    it('shows strange keys and values harmlessly, large ones cut', async () => {
      for (const key of STRANGE) await other.set(key, '<img src=x onerror="window.attacked = true">');
      await other.set(Buffer.from([0, 255, 1]), Buffer.from([255, 0, 254]));
      await other.set('reserved', '{"__enc__": true, "type": "internal", "data": null, "hasOwnProperty": 1}');
      await other.set('reserved too', '{"a": {"hasOwnProperty": 1}, "__proto__": {"polluted": 7}}');
      await other.set('large', JSON.stringify(Array.from({ length: 20_000 }, (_, index) => index)));
      const { page } = editor;
      for (const key of [...STRANGE, 'reserved', 'reserved too', 'large']) {
        await sidebar.filter.fill(key.slice(0, 100));
        await sidebar.row(key).click();
        await sidebar.detail.locator('h3', { hasText: key.slice(0, 39) }).waitFor();
        await sidebar.detail.locator('.statestore-detail-value > *').first().waitFor();
        const fold = sidebar.detail.locator('.red-ui-debug-msg-expandable');
        if ((await fold.count()) > 0) await fold.first().click();
        for (const number of await sidebar.detail.locator('.red-ui-debug-msg-type-number-toggle').all()) {
          if (await number.isVisible()) await number.click();
        }
      }
      await sidebar.detail.getByText('Only the first part of 106.3 KiB is shown.').waitFor();
      await sidebar.button('Show all').click();
      await sidebar.detail.getByText('array[20000]').waitFor();
      await sidebar.filter.fill('0x00ff01');
      await sidebar.row(Buffer.from([0, 255, 1])).click();
      await sidebar.detail.getByText('[ 255, 0, 254 ]').click();
      await sidebar.detail.getByText('buffer[3]').waitFor();
      await sidebar.filter.fill('');
      assert.equal(
        await page.evaluate(() => 'attacked' in window || 'number' in {} || 'polluted' in {}),
        false,
      );
      await sidebar.row('demo/door').click();
      await other.deleteMany([...STRANGE, 'reserved', 'reserved too', 'large', Buffer.from([0, 255, 1])]);
      await sidebar.tab.locator('.statestore-key[aria-setsize="4"]').first().waitFor();
    });

    it('can be used by keyboard alone', async () => {
      const { page } = editor;
      const focused = () =>
        page.evaluate(
          () =>
            document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
        );
      await sidebar.filter.focus();
      const selected = (key: string) => sidebar.row(key).and(editor.page.locator('[aria-selected=true]'));
      await page.keyboard.press('Tab');
      const way = [await focused()];
      await page.keyboard.press('End');
      await selected('demo/machine/press').waitFor();
      await page.keyboard.press('Home');
      await selected('demo/door').waitFor();
      for (const key of ['demo/machine/mixer', 'demo/machine/oven', 'demo/machine/press']) {
        await page.keyboard.press('ArrowDown');
        await selected(key).waitFor();
      }
      await sidebar.detail.locator('h3', { hasText: 'demo/machine/press' }).waitFor();
      for (let i = 0; i < 8; i++) {
        await page.keyboard.press('Tab');
        way.push(await focused());
      }
      assert.equal(way[0], 'Keys');
      for (const name of ['Set', 'Delete', 'read the press'])
        assert.ok(way.includes(name), `${name}: ${way}`);
      await sidebar.detail.locator('.red-ui-debug-msg-expandable').first().focus();
      await page.keyboard.press('Enter');
      await sidebar.detail.locator('.red-ui-debug-msg-object-entry', { hasText: 'temperature' }).waitFor();
      await page.keyboard.press('Enter');
      await sidebar.button('Delete').focus();
      await page.keyboard.press('Enter');
      await sidebar.dialog.getByText('Delete the key demo/machine/press').waitFor();
      await page.keyboard.press('Escape');
      await sidebar.dialog.waitFor({ state: 'detached' });
      assert.equal(await focused(), 'Delete');
      assert.equal((await other.get('demo/machine/press')).found, true);
    });

    it('has no fault that axe-core finds', async function () {
      if (!hasAxe()) skipWithout(this, { why: 'axe-core is not installed', remedy: 'npm ci' });
      assert.deepEqual(await violations(editor, '.statestore-sidebar'), []);
      await sidebar.button('Set').click();
      assert.deepEqual(await violations(editor, '.ui-dialog'), []);
      await sidebar.press('Cancel');
      await sidebar.filter.fill('not there');
      assert.deepEqual(await violations(editor, '.statestore-sidebar'), []);
      await sidebar.filter.fill('');
    });

    it('tests the connection', async () => {
      await sidebar.button('Test connection').click();
      await sidebar.dialog.getByText(/responding \([\d.]+ ms\)/).waitFor();
      await sidebar.press('Close');
    });

    it('draws the rows that are seen, of 10,000 keys', async () => {
      const entries = Array.from({ length: 10_000 }, (_, index) => [`many/${index}`, String(index)] as const);
      await other.setMany(entries);
      await sidebar.tab.locator('.statestore-key[aria-setsize="10004"]').first().waitFor();
      const most = async () =>
        assert.ok((await sidebar.rows.count()) < 60, String(await sidebar.rows.count()));
      await most();
      const list = sidebar.tab.getByRole('listbox');
      await list.focus();
      await editor.page.keyboard.press('End');
      await sidebar.shows('many/9999', '9999').waitFor();
      await most();
      await list.evaluate((box) => {
        box.scrollTop = box.scrollHeight / 2;
      });
      await sidebar.row('many/9999').waitFor({ state: 'detached' });
      await most();
      const drawn = await sidebar.drawn();
      const middle = drawn[Math.floor(drawn.length / 2)] as string;
      await sidebar.shows(middle, middle.replace('many/', '')).waitFor();
      await sidebar.filter.fill('many/4711');
      await sidebar.shows('many/4711', '4711').waitFor();
      await sidebar.filter.fill('');
      await other.deleteMany(entries.map(([key]) => key));
      await sidebar.row('demo/machine/press').waitFor();
    });

    it('observes nothing while it cannot be seen', async () => {
      await sidebar.row('demo/machine/oven').waitFor();
      const asked = editor.page.waitForRequest(
        (request) => request.method() === 'DELETE' && request.url().includes('statestore/watches'),
      );
      await sidebar.show('info');
      await asked;
      await other.set('demo/machine/oven', '"warm"');
      await sidebar.show();
      await sidebar.shows('demo/machine/oven', '"warm"').waitFor();
    });

    it('leaves no complaint in the console of the browser', () => {
      assert.deepEqual(editor.complaints, []);
    });

    // After the test for complaints: the browser logs a request that is on its way while its store is deleted.
    it('says that a deploy deleted the store, and goes on when it is back', async () => {
      const flows = await editor.nodeRed.api<{ type: string }[]>('GET', '/flows');
      await editor.nodeRed.deploy(flows.filter(({ type }) => type !== 'statestore-config'));
      await sidebar.state.getByText('This store no longer exists').waitFor();
      await editor.nodeRed.deploy(flows);
      await sidebar.state.getByText('Connected').waitFor();
      await sidebar.row('demo/machine/press').waitFor();
    });
  });

  describe(`The state store in the sidebar of Node-RED ${version}, with two stores`, () => {
    let editor: Editor;
    let sidebar: Sidebar;
    let plant: StateStoreClient;
    let office: StateStoreClient;
    let broker: Emulator;

    before(async () => {
      const ports = { plant: await freePort(), office: await freePort() };
      const at = { z: 'flow', x: 200, wires: [] };
      broker = await Emulator.start({ port: 0 });
      editor = await Editor.open({
        nodeRed: options(),
        flows: [
          { id: 'flow', type: 'tab', label: 'flow' },
          ...Object.entries(ports).flatMap(([name, port], index) => [
            { id: `store-${name}`, type: 'statestore-config', name, host: '127.0.0.1', port },
            {
              ...{ id: `emulator-${name}`, type: 'statestore-emulator', name: '', host: '127.0.0.1', port },
              ...{ ...at, y: 100 + 60 * index },
            },
          ]),
          {
            id: 'store-broker',
            type: 'statestore-config',
            name: 'broker',
            host: '127.0.0.1',
            port: broker.port,
          },
        ],
      });
      plant = new StateStoreClient({ host: '127.0.0.1', port: ports.plant });
      office = new StateStoreClient({ host: '127.0.0.1', port: ports.office });
      sidebar = new Sidebar(editor);
      await sidebar.show();
      await sidebar.state.getByText('Connected').waitFor();
      await sidebar.choose('plant');
    });
    after(async () => {
      await plant?.close();
      await office?.close();
      await editor?.close();
      await broker?.close();
    });

    /** More keys than the list gets. */
    const large = (word: string) => `${word} `.repeat(1000);
    const whole = () => sidebar.button('Show all');
    const valueField = () => sidebar.dialog.getByLabel('Value', { exact: true });

    it('shows a store page by page that lists its keys on request, by keyboard as well, and begins again with another filter', async () => {
      const { page } = editor;
      const note = (text: string) => sidebar.tab.getByRole('status').filter({ hasText: text });
      const rowsOf = (count: number) =>
        sidebar.tab.locator(`.statestore-key[aria-setsize="${count}"]`).first();
      const more = sidebar.button('Show more keys');
      const client = new StateStoreClient({ host: '127.0.0.1', port: broker.port });
      await client.setMany(
        Array.from({ length: 4500 }, (_, index) => [`machine/${index}`, String(index)] as const),
      );
      await client.set('zone', 'last');
      await client.close();
      await sidebar.choose('broker');
      await note('The first 2000 keys are shown').waitFor();
      if (hasAxe()) assert.deepEqual(await violations(editor, '.statestore-sidebar'), []);
      await more.click();
      await note('The first 4000 keys are shown').waitFor();
      await rowsOf(4000).waitFor();
      await sidebar.filter.fill('zo');
      await rowsOf(1).waitFor();
      await sidebar.shows('zone', 'last').waitFor();
      await more.waitFor({ state: 'hidden' });
      await sidebar.filter.fill('');
      await note('The first 2000 keys are shown').waitFor();
      const list = sidebar.tab.getByRole('listbox');
      await list.focus();
      for (const count of [4000, 4501]) {
        if (count === 4000) await page.keyboard.press('Tab');
        assert.equal(await more.evaluate((button) => button === document.activeElement), true);
        await page.keyboard.press('Enter');
        await rowsOf(count).waitFor();
      }
      await more.waitFor({ state: 'hidden' });
      assert.equal(await list.evaluate((box) => box === document.activeElement), true);
      await page.keyboard.press('End');
      await sidebar.shows('zone', 'last').waitFor();
      await sidebar.choose('plant');
      await sidebar.state.getByText('Connected').waitFor();
    });

    it('filters the keys of the other store, too, by the text in the box', async () => {
      await plant.set('machine/1', '1');
      await plant.set('door', 'closed');
      await office.set('machine/2', '2');
      await office.set('window', 'open');
      await sidebar.filter.fill('machine');
      await sidebar.row('door').waitFor({ state: 'detached' });
      // The box has sent all its events, once it is left, before this message arrives.
      await sidebar.filter.blur();
      await plant.set('machine/1', 'other');
      await sidebar.shows('machine/1', 'other').waitFor();
      await sidebar.choose('office');
      await sidebar.shows('machine/2', '2').waitFor();
      await sidebar.tab.getByText('1 / 2').waitFor();
      assert.deepEqual(await sidebar.drawn(), ['machine/2']);
      await sidebar.filter.fill('');
      await sidebar.choose('plant');
      await sidebar.row('door').waitFor();
    });

    it('sets in the store that its dialog names, or asks nothing when another one was chosen meanwhile', async () => {
      await plant.set('large', large('plant'));
      await sidebar.shows('large', 'plant plant').waitFor();
      await sidebar.row('large').click();
      const held = await sidebar.holdBack('value');
      await sidebar.button('Set').click();
      await held.given;
      await sidebar.choose('office');
      await sidebar.shows('window', 'open').waitFor();
      await held.release();
      assert.equal(await sidebar.dialog.count(), 0);
      await sidebar.choose('plant');
      await sidebar.shows('large', 'plant plant').waitFor();
      await sidebar.row('large').click();
      await sidebar.button('Set').click();
      await sidebar.dialog.getByText('Change large in "plant"').waitFor();
      assert.ok((await valueField().inputValue()) === large('plant'));
      await sidebar.press('Cancel');
    });

    it('shows all of the value that is there, and none of another store', async () => {
      await office.set('large', large('office'));
      let held = await sidebar.holdBack('value');
      await whole().click();
      await held.given;
      await sidebar.choose('office');
      await sidebar.shows('large', 'office office').waitFor();
      await sidebar.row('large').click();
      await sidebar.detail.getByText(/^"office office/).waitFor();
      await held.release();
      assert.equal(await whole().count(), 1);
      await sidebar.detail.getByText(/^"office office/).waitFor();

      held = await sidebar.holdBack('value');
      await whole().click();
      await held.given;
      await office.set('large', large('newer'));
      await sidebar.shows('large', 'newer newer').waitFor();
      await held.release();
      await whole().waitFor({ state: 'detached' });
      await sidebar.detail.getByText(/^"newer newer/).waitFor();
      await sidebar.choose('plant');
    });

    it('restores a deleted value completely, after any other selection', async () => {
      await sidebar.row('large').click();
      await sidebar.button('Delete').click();
      await sidebar.press('Delete');
      await sidebar.detail.getByText('Click "Restore"').waitFor();
      await sidebar.row('door').click();
      await sidebar.detail.getByText('"closed"').waitFor();
      await sidebar.shows('large', 'missing').waitFor();
      await sidebar.choose('office');
      await sidebar.row('window').waitFor();
      await sidebar.choose('plant');
      await sidebar.row('large').click();
      await sidebar.detail.getByText('Click "Restore"').waitFor();
      await sidebar.button('Restore').click();
      await sidebar.shows('large', 'plant plant').waitFor();
      const got = await plant.get('large');
      assert.ok(got.found && got.value.toString() === large('plant'));

      await sidebar.button('Delete').click();
      await sidebar.press('Delete');
      await sidebar.button('Remove from list').click();
      await sidebar.row('large').waitFor({ state: 'detached' });
    });

    it('does not promise to set again what it does not know', async () => {
      await plant.set('large', large('plant'));
      await sidebar.row('large').click();
      await whole().waitFor();
      await plant.delete('large');
      await sidebar.detail.getByText('missing').waitFor();
      await sidebar.row('door').click();
      await sidebar.row('large').waitFor({ state: 'detached' });
    });

    it('says of a key that is too long that it is, and shows the others', async () => {
      const long = 'a'.repeat(60_001);
      await plant.set(long, 'v');
      const row = sidebar.rows.filter({ hasText: 'aaaa' });
      await row.getByText('key too long to show').waitFor();
      await plant.set('door', 'open');
      await sidebar.shows('door', '"open"').waitFor();
      await row.click();
      await sidebar.detail.getByText('This key is longer than 60,000 bytes').waitFor();
      for (const name of ['Set', 'Delete']) assert.equal(await sidebar.button(name).count(), 0, name);
      await plant.delete(long);
      await sidebar.filter.fill('b'.repeat(60_001));
      await sidebar.filter.press('Enter');
      await sidebar.detail.locator('h3', { hasText: 'bbbb' }).waitFor();
      await sidebar.detail.getByText('This key is longer than 60,000 bytes').waitFor();
      await sidebar.rows.filter({ hasText: 'bbbb' }).getByText('key too long to show').waitFor();
      await sidebar.button('Remove from list').click();
      await sidebar.filter.fill('');
      await sidebar.row('door').waitFor();
    });

    it('leaves the focus in a value that changes', async () => {
      const { page } = editor;
      await plant.set('door', '{"left": {"open": 1}, "right": {"open": 1}}');
      await sidebar.row('door').click();
      // Once the keyboard reaches it.
      const fold = (text: RegExp) =>
        sidebar.detail.locator('.red-ui-debug-msg-expandable[tabindex]', { hasText: text });
      await fold(/^\s*\{ left/).focus();
      await page.keyboard.press('Enter');
      await fold(/^\s*right/).focus();
      await plant.set('door', '{"left": {"open": 1}, "right": {"open": 2}, "new": 1}');
      await sidebar.detail.locator('.red-ui-debug-msg-object-entry', { hasText: 'new: 1' }).waitFor();
      assert.match(await page.evaluate(() => document.activeElement?.textContent ?? ''), /^\s*right/);
      await page.keyboard.press('Enter');
      await sidebar.detail.locator('.red-ui-debug-msg-object-entry', { hasText: 'open: 2' }).last().waitFor();
    });

    it('leaves no button for a user who may not read any more', async () => {
      const { page } = editor;
      await page.route('**/statestore/**', (route) => route.fulfill({ status: 401, body: 'Unauthorized' }));
      await sidebar.row('machine/1').click();
      await sidebar.state.getByText('You do not have permission to view state stores').waitFor();
      for (const name of ['Test connection', 'Set a key'])
        assert.equal(await sidebar.button(name).isVisible(), false, name);
      assert.equal(await sidebar.filter.isVisible(), false);
      await sidebar.rows.first().waitFor({ state: 'detached' });
      const kept = () => page.evaluate(() => localStorage.getItem('statestore-sidebar'));
      const before = await kept();
      // The role of what is hidden is none.
      await sidebar.tab.locator('.statestore-search input').evaluate((box) => {
        (box as HTMLInputElement).value = 'not to be kept';
        box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
      });
      assert.equal(await kept(), before);
    });

    for (const language of readdirSync(LOCALES)) {
      it(`shows the note at the end of a list that goes on completely in ${language}, as narrow as it gets`, async () => {
        const { button } = JSON.parse(
          readFileSync(join(LOCALES, language, 'statestore-sidebar.json'), 'utf8'),
        )['statestore-sidebar'];
        // The test before all of these has a server that refuses everything.
        await editor.page.unrouteAll();
        await editor.speak(language);
        await useWideLetters(editor.page);
        await sidebar.show();
        await sidebar.choose('broker');
        await sidebar.button(button.more).waitFor();
        await sidebar.narrow();
        assert.deepEqual(await clippedAnywhere(sidebar.tab.locator('.statestore-more')), []);
      });
    }
  });

  describe(`The state store in the sidebar of Node-RED ${version}, under faults and with users`, () => {
    let editor: Editor;
    let sidebar: Sidebar;
    let emulator: Emulator;
    let port: number;

    before(async () => {
      emulator = await Emulator.start({ port: 0 });
      ({ port } = emulator);
      const { settings, ...rest } = options();
      editor = await Editor.open({
        user: 'admin',
        nodeRed: {
          ...rest,
          settings: {
            ...settings,
            ...users({
              admin: '*',
              reader: [
                'flows.read',
                'settings.read',
                'nodes.read',
                'status.read',
                'plugins.read',
                'statestore.read',
              ],
              stranger: ['flows.read', 'settings.read', 'nodes.read', 'plugins.read', 'status.read'],
            }),
          },
        },
        flows: [
          { id: 'flow', type: 'tab', label: 'flow' },
          { id: 'store', type: 'statestore-config', name: 'plant', host: '127.0.0.1', port },
          {
            id: 'get',
            type: 'statestore-get',
            z: 'flow',
            x: 200,
            y: 100,
            name: '',
            store: 'store',
            key: 'k',
            keyType: 'str',
            property: 'payload',
            propertyType: 'msg',
            outputs: 1,
            wires: [[]],
          },
        ],
      });
      sidebar = new Sidebar(editor);
    });
    after(async () => {
      await editor?.close();
      await emulator?.close();
    });

    const set = async (value: string) => {
      const client = new StateStoreClient({ host: '127.0.0.1', port });
      await client.set('k', value);
      await client.close();
    };

    it('shows the buttons to a user who may write', async () => {
      await set('one');
      await sidebar.show();
      await sidebar.shows('k', '"one"').waitFor();
      await sidebar.row('k').click();
      for (const name of ['Test connection', 'Set a key', 'Set', 'Delete'])
        await sidebar.button(name).waitFor();
    });

    it('says why the store cannot be reached, and goes on when it can', async () => {
      const { engine } = emulator;
      await emulator.close();
      await sidebar.state.getByText('Connection refused by 127.0.0.1').waitFor();
      emulator = await Emulator.start({ port, engine });
      await set('two');
      await sidebar.state.getByText('Connected').waitFor();
      await sidebar.shows('k', '"two"').waitFor();
    });

    it('says that Node-RED is away, and goes on when it has started again', async () => {
      await editor.nodeRed.end('SIGTERM');
      await sidebar.state.getByText('Node-RED is not responding').waitFor();
      await set('three');
      await editor.nodeRed.again();
      const connected = sidebar.state.getByText('Connected');
      // Node-RED itself may ask for the login again.
      const login = editor.page.locator('#node-dialog-login');
      await connected.or(login).first().waitFor({ timeout: 60_000 });
      if (await login.isVisible()) {
        await editor.become('admin');
        await sidebar.show();
      }
      await connected.waitFor({ timeout: 60_000 });
      await sidebar.shows('k', '"three"').waitFor();
    });

    it('shows the keys to a user who may only read, without buttons', async () => {
      await editor.become('reader');
      await sidebar.show();
      await sidebar.shows('k', '"three"').waitFor();
      await sidebar.row('k').click();
      await sidebar.detail.getByText('"three"').waitFor();
      for (const name of ['Test connection', 'Set a key', 'Set', 'Delete'])
        assert.equal(await sidebar.button(name).isVisible(), false, name);
      await sidebar.lookUp('looked up');
    });

    it('forgets everything at log-out', async () => {
      const { page } = editor;
      assert.match(await page.evaluate(() => JSON.stringify(localStorage)), /bG9va2VkIHVw/);
      await page.evaluate(() =>
        (window as unknown as { RED: { user: { logout(): void } } }).RED.user.logout(),
      );
      await page.locator('#node-dialog-login').waitFor();
      assert.doesNotMatch(
        await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage })),
        /bG9va2VkIHVw|three/,
      );
    });

    it('is hidden from a user who may not read', async () => {
      await editor.become('stranger');
      assert.equal(await sidebar.tab.count(), 0);
    });
  });
}
