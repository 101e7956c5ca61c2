/** The list of keys in the sidebar, as people use it. */
import assert from 'node:assert/strict';
import { StateStoreClient } from '../../src/index';
import { Editor } from '../support/editor';
import { machinesFlow } from '../support/machines';
import { VERSIONS } from '../support/node-red-versions';
import { freePort } from '../support/ports';
import { Sidebar } from '../support/sidebar';

const STRANGE = [
  '<script>window.attacked = true</script><img src=x onerror="window.attacked = true">',
  '__proto__',
  'constructor',
  '🔑 ключ',
  `long ${'k'.repeat(6500)}`,
];

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The list of keys in the sidebar of Node-RED ${version}`, () => {
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
      const flow = machinesFlow(port);
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
      await sidebar.button('Remove from list').click();
      await sidebar.row('nobody names it').waitFor({ state: 'detached' });
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
}
