/** Import > Examples, as a new user does it. */
import assert from 'node:assert/strict';
import { Editor } from '../support/editor';
import { exampleNames } from '../support/examples';
import { VERSIONS } from '../support/node-red-versions';
import { portIsFree } from '../support/ports';
import { skipSuite } from '../support/skips';

const MODULE = '@edgestate/node-red-statestore';

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The examples in the editor of Node-RED ${version}`, () => {
    let editor: Editor;

    before(async function () {
      if (!(await portIsFree(1883))) {
        skipSuite(this, {
          why: 'another program listens on port 1883, which the Quickstart uses',
          remedy: 'end that program',
        });
      }
      editor = await Editor.open({ nodeRed: options() });
    });
    after(() => editor?.close());

    it('are all in the import menu', async () => {
      await editor.invoke('core:show-examples-import-dialog');
      const dialog = editor.page.locator('.ui-dialog', {
        has: editor.page.locator('#red-ui-clipboard-dialog-ok'),
      });
      await dialog.locator('.red-ui-treeList-label', { hasText: MODULE }).click();
      for (const name of exampleNames()) {
        await dialog.locator('.red-ui-treeList-label', { hasText: name }).first().waitFor();
      }
    });

    it('Quickstart says its three lines in the debug sidebar after Import and Deploy', async () => {
      const { page } = editor;
      await page.locator('.red-ui-treeList-label', { hasText: '01 Quickstart' }).click();
      await page.locator('#red-ui-clipboard-dialog-ok').click();
      await editor.showFlow('Quickstart');
      await page.locator('.red-ui-flow-node', { hasText: 'set demo/key' }).waitFor();
      await editor.invoke('core:show-debug-tab');
      await editor.deploy();
      for (const line of [
        'Successfully set key demo/key with value someValue',
        'Current value of key demo/key in the state store is someValue',
        'Successfully deleted key demo/key from the state store',
      ]) {
        await page.locator('.red-ui-debug-msg', { hasText: line }).first().waitFor();
      }
      await page
        .locator('.red-ui-flow-node-status-label', { hasText: /^connected: emulator$/ })
        .first()
        .waitFor();
    });

    it('leave no complaint in the console of the browser', () => {
      assert.deepEqual(editor.complaints, []);
    });
  });
}
