/** The first set node of a user without a store. */
import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { Editor } from '../support/editor';
import { VERSIONS } from '../support/node-red-versions';

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`A set node dragged into the editor of Node-RED ${version}`, () => {
    let editor: Editor;
    let emulator: Emulator;
    let set: string;

    before(async () => {
      emulator = await Emulator.start({ port: 0 });
      editor = await Editor.open({
        flows: [{ id: 'flow', type: 'tab', label: 'flow' }],
        nodeRed: options(),
      });
    });
    after(async () => {
      await editor?.close();
      await emulator.close();
    });

    it('offers to add a store, and says what is missing after Done', async () => {
      const { page } = editor;
      set = await editor.drag('statestore-set', 400, 200);
      const tray = await editor.edit(set);
      await tray.getByText('No state store yet').waitFor();
      for (const field of ['store', 'key']) {
        assert.match((await page.locator(`#node-input-${field}`).getAttribute('class')) ?? '', /input-error/);
      }
      await editor.leave('ok');
      const mark = editor.onCanvas(set).locator('.red-ui-flow-node-error');
      await mark.waitFor();
      await mark.hover();
      const words = page.locator('#red-ui-workspace-chart');
      await words.getByText('Select a store, or add one with +').waitFor();
      await words.getByText('Enter the key to store the value under').waitFor();
    });

    it('is complete with a store and a key', async () => {
      const { page } = editor;
      const tray = await editor.edit(set);
      await tray.getByRole('link', { name: 'Add a store' }).click();
      await page.locator('#node-config-input-port').waitFor();
      assert.equal(await page.locator('#node-config-input-place').inputValue(), 'emulator');
      assert.equal(await page.locator('#node-config-input-host').inputValue(), 'localhost');
      assert.equal(await page.locator('#node-config-input-port').inputValue(), '1883');
      await page.locator('#node-config-input-host').fill('127.0.0.1');
      await page.locator('#node-config-input-port').fill(String(emulator.port));
      await editor.leaveStore('ok');
      assert.equal(await tray.getByText('No state store yet').isVisible(), false);
      await page.locator('#node-input-key + .red-ui-typedInput-container input').fill('machine/1');
      await editor.leave('ok');
      await editor.onCanvas(set).locator('.red-ui-flow-node-error').waitFor({ state: 'hidden' });
      await editor.onCanvas(set).getByText('set machine/1').waitFor();
    });

    it('lends its store to the next node, when there is only one', async () => {
      const next = await editor.drag('statestore-get', 400, 400);
      const tray = await editor.edit(next);
      const { store } = await editor.node(set);
      assert.equal(await editor.page.locator('#node-input-store').inputValue(), store);
      assert.equal(await tray.getByText('No state store yet').isVisible(), false);
      await editor.leave('cancel');
      await editor.page.keyboard.press('Delete');
      await editor.onCanvas(next).waitFor({ state: 'detached' });
    });

    it('is connected after Deploy, and stores what is injected', async () => {
      const inject = await editor.drag('inject', 200, 300);
      await editor.wire(inject, set);
      await editor.deploy();
      const status = editor.onCanvas(set).locator('.red-ui-flow-node-status-label');
      await status.getByText('connected: emulator', { exact: true }).waitFor();
      const store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
      const told = new Promise<string>((resolve, reject) => {
        store
          .observe('machine/1', (change) =>
            resolve(change.operation === 'set' ? change.value.toString() : ''),
          )
          .then(() => editor.nodeRed.inject(inject), reject);
      });
      assert.match(await told, /^\d{13}$/); // the time, which is what a new inject node sends
      await store.close();
    });

    it('leaves no complaint in the console of the browser', () => {
      assert.deepEqual(editor.complaints, []);
    });
  });
}
