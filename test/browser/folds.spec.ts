/** The headers that fold parts of a dialog: nothing moves under the pointer, and each click counts, wherever on the header it is. */
import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import { Editor } from '../support/editor';
import { VERSIONS } from '../support/node-red-versions';

const TYPES = ['set', 'get', 'delete', 'update', 'leader', 'lock', 'emulator'];
/** Distance of two clicks in pixels. */
const STEP = 3;

const FLOW = [
  { id: 'flow', type: 'tab', label: 'flow' },
  { id: 'store', type: 'statestore-config', name: '', source: 'settings', host: 'localhost', port: 1883 },
  ...TYPES.map((type, index) => ({
    ...{ id: `node-${type}`, type: `statestore-${type}`, z: 'flow', x: 300, y: 60 + 60 * index, name: '' },
    ...{ store: 'store', key: 'k', keyType: 'str', role: 'r', port: 18_951, host: '127.0.0.1' },
    ...{ outputs: 1, wires: type === 'emulator' ? [] : [[]] },
  })),
];

/** Top and bottom of all that is seen in the form. */
const placesOf = (tray: Locator) =>
  tray
    .locator('.form-row:visible, .form-tips:visible, .statestore-fold:visible')
    .evaluateAll((all) =>
      all.map((one) => [one.getBoundingClientRect().top, one.getBoundingClientRect().bottom]),
    );

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The headers of folded parts in Node-RED ${version}`, () => {
    let editor: Editor;
    before(async () => {
      editor = await Editor.open({ flows: FLOW, nodeRed: options() });
    });
    after(() => editor?.close());

    /** Points at each header and clicks on it every few pixels; what is wrong, in words. */
    async function troubleWith(tray: Locator): Promise<string[]> {
      const { mouse } = editor.page;
      const found: string[] = [];
      const headers = tray.locator('.statestore-fold:visible');
      assert.ok((await headers.count()) > 0);
      for (const header of await headers.all()) {
        const name = (await header.innerText()).trim();
        if ((await header.getAttribute('aria-expanded')) === 'true') await header.press('Space');
        await header.evaluate((one: HTMLElement) => one.blur());
        await mouse.move(2, 2);
        const [box, rest] = [await header.boundingBox(), await placesOf(tray)];
        assert.ok(box);
        await mouse.move(box.x + 20, box.y + box.height / 2);
        const pointed = await placesOf(tray);
        if (JSON.stringify(pointed) !== JSON.stringify(rest)) found.push(`${name}: moves when pointed at`);
        for (let down = 1; down < box.height; down += STEP) {
          const before = await header.getAttribute('aria-expanded');
          await mouse.move(2, 2);
          await mouse.move(box.x + 20, box.y + down);
          await mouse.down();
          await mouse.up();
          if ((await header.getAttribute('aria-expanded')) === before)
            found.push(`${name}: a click ${down} of ${box.height} pixels down is lost`);
        }
        if ((await header.getAttribute('aria-expanded')) === 'true') await header.press('Space');
      }
      return found;
    }

    for (const type of TYPES) {
      it(`of ${type} hear every click, and nothing moves when they are pointed at`, async () => {
        const found = await troubleWith(await editor.edit(`node-${type}`));
        await editor.leave('cancel');
        assert.deepEqual(found, []);
      });
    }

    it('of a store hear every click, and nothing moves when they are pointed at', async () => {
      await editor.edit('node-set');
      const found = await troubleWith(await editor.editStore());
      await editor.leaveStore('cancel');
      await editor.leave('cancel');
      assert.deepEqual(found, []);
    });
  });
}
