/** Several stores in the sidebar, of which one is chosen. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { violationsOf } from '../support/axe';
import { clippedAnywhere, useWideLetters } from '../support/clipping';
import { Editor } from '../support/editor';
import { ROOT } from '../support/node-red';
import { VERSIONS } from '../support/node-red-versions';
import { freePort } from '../support/ports';
import { Sidebar } from '../support/sidebar';

const LOCALES = join(ROOT, 'plugins', 'locales');
/** What Core draws of a value is Core's. */
const CORE = ['[class*="red-ui-debug-msg-"]'];

for (const [version, options] of Object.entries(VERSIONS)) {
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
      assert.deepEqual(await violationsOf(editor.page, ['.statestore-sidebar'], CORE), []);
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
}
