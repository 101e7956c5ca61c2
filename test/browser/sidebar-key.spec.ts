/** A key in the sidebar: what is shown of it, and what people do with it. */
import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import { Lock, update } from '../../src/coordination/index';
import { StateStoreClient } from '../../src/index';
import { violationsOf } from '../support/axe';
import { Editor } from '../support/editor';
import { machinesFlow } from '../support/machines';
import { VERSIONS } from '../support/node-red-versions';
import { freePort } from '../support/ports';
import { Sidebar } from '../support/sidebar';

/** What Core draws of a value is Core's. */
const CORE = ['[class*="red-ui-debug-msg-"]'];

/** Whether this text is seen in an element: it is neither cut off nor behind something. */
const isSeen = (place: Locator, text: string): Promise<boolean> =>
  place.evaluate((element, wanted) => {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const at = node.textContent?.lastIndexOf(wanted) ?? -1;
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + wanted.length);
      const { left, right, top, bottom } = range.getBoundingClientRect();
      const found = [left + 1, right - 1].map((x) => document.elementFromPoint(x, (top + bottom) / 2));
      if (found.every((one) => node.parentElement?.contains(one))) return true;
    }
    return false;
  }, text);

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`A key in the sidebar of Node-RED ${version}`, () => {
    let editor: Editor;
    let sidebar: Sidebar;
    let other: StateStoreClient;
    let port: number;

    before(async () => {
      port = await freePort();
      editor = await Editor.open({ nodeRed: options(), flows: machinesFlow(port) });
      sidebar = new Sidebar(editor);
      other = new StateStoreClient({ host: '127.0.0.1', port });
      await sidebar.show();
      await sidebar.shows('demo/machine/oven', '"oven"').waitFor();
    });
    after(async () => {
      await other?.close();
      await editor?.close();
    });

    it('sets, deletes, and sets again what was deleted', async () => {
      await sidebar.lookUp('nobody names it');
      await sidebar.filter.fill('');
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

    it('shows both ends of a key of 130 characters in one line, in the list and above its value', async () => {
      const key = `plant/${'long/'.repeat(24)}end`;
      await other.set(key, 'in sight');
      await sidebar.row(key).click();
      await sidebar.detail.getByText('in sight').waitFor();
      const heading = sidebar.detail.getByRole('heading');
      assert.ok(((await heading.boundingBox())?.height ?? 0) < 24);
      await sidebar.detail.getByTitle(key, { exact: true }).waitFor();
      for (const place of [heading, sidebar.row(key)])
        for (const text of ['plant/', '/end']) assert.ok(await isSeen(place, text), text);
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

    it('has no fault that axe-core finds', async () => {
      assert.deepEqual(await violationsOf(editor.page, ['.statestore-sidebar'], CORE), []);
      await sidebar.button('Set').click();
      assert.deepEqual(await violationsOf(editor.page, ['.ui-dialog'], CORE), []);
      await sidebar.press('Cancel');
      await sidebar.filter.fill('not there');
      assert.deepEqual(await violationsOf(editor.page, ['.statestore-sidebar'], CORE), []);
      await sidebar.filter.fill('');
    });

    it('tests the connection', async () => {
      await sidebar.button('Test connection').click();
      await sidebar.dialog.getByText(/responding \([\d.]+ ms\)/).waitFor();
      await sidebar.press('Close');
    });

    it('leaves no complaint in the console of the browser', () => {
      assert.deepEqual(editor.complaints, []);
    });
  });
}
