/** The dialogs as axe-core sees them: nothing of ours is wrong, in both versions and themes. */
import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import { violationsOf } from '../support/axe';
import { Editor } from '../support/editor';
import { VERSIONS } from '../support/node-red-versions';

const TYPES = ['set', 'get', 'delete', 'update', 'observe', 'emulator', 'leader', 'lock', 'unlock'];

const FLOW = [
  { id: 'flow', type: 'tab', label: 'flow' },
  { id: 'store', type: 'statestore-config', name: '', source: 'settings', host: 'localhost', port: 1883 },
  ...TYPES.map((type, index) => ({
    ...{ id: `node-${type}`, type: `statestore-${type}`, z: 'flow', x: 300, y: 60 + 60 * index, name: '' },
    ...{ store: 'store', key: 'k', keyType: 'str', keys: 'k', role: 'r', port: 18_951, host: '127.0.0.1' },
    ...{ outputs: 1, wires: type === 'emulator' ? [] : [[]] },
  })),
];

/** The form is ours, but for what Core puts into it: traps for password managers, and what a typed input is made of. */
const CORE = [
  '[id^="red-ui-trap"]',
  '.red-ui-typedInput-type-select',
  '.red-ui-typedInput-option-trigger',
  '.red-ui-typedInput-option-expand',
];

/** Unfolds everything in a dialog. */
async function unfold(tray: Locator): Promise<void> {
  const folded = tray.locator('.statestore-fold[aria-expanded=false]:visible');
  while ((await folded.count()) > 0) await folded.first().click();
}

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The dialogs of Node-RED ${version}, for axe-core`, () => {
    let editor: Editor;
    before(async () => {
      editor = await Editor.open({ flows: FLOW, nodeRed: options() });
    });
    after(() => editor.close());

    const themes = version === '5.0' ? ['light', 'dark'] : ['light'];
    for (const theme of themes) {
      for (const type of TYPES) {
        it(`${type} has nothing wrong (${theme})`, async () => {
          const { page } = editor;
          await page.evaluate(
            (dark) => document.documentElement.classList.toggle('nr-theme-dark', dark),
            theme === 'dark',
          );
          const tray = await editor.edit(`node-${type}`);
          await unfold(tray);
          const found = await violationsOf(page, ['#dialog-form'], CORE);
          await editor.leave('cancel');
          assert.deepEqual(found, []);
        });
      }

      it(`a store has nothing wrong, for each kind of connection (${theme})`, async () => {
        const { page } = editor;
        await editor.edit('node-set');
        const tray = await editor.editStore();
        const found: string[] = [];
        for (const place of ['emulator', 'other', 'aio', 'environment']) {
          await page.locator('#node-config-input-place').selectOption(place);
          await unfold(tray);
          found.push(...(await violationsOf(page, ['#node-config-dialog-edit-form'], CORE)));
        }
        await editor.leaveStore('cancel');
        await editor.leave('cancel');
        assert.deepEqual(found, []);
      });
    }
  });
}
