/** The dialogs as axe-core sees them: nothing of ours is wrong, in both versions and themes. */
import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import { violationsOf } from '../support/axe';
import { clippedIn } from '../support/clipping';
import { Editor } from '../support/editor';
import { exampleNames, type FlowNode, loadExample } from '../support/examples';
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

/** The examples of whole jobs: their nodes have more settings than those above. */
const JOBS = exampleNames().filter((name) => name.startsWith('2'));
/** One number of several keys, which no example has. */
const SUM: FlowNode[] = [
  { id: 'sum-flow', type: 'tab', label: 'Sum of keys' },
  {
    ...{
      id: 'sum',
      type: 'statestore-get',
      z: 'sum-flow',
      x: 300,
      y: 60,
      name: '',
      store: 'store',
      wires: [[], []],
    },
    ...{ key: 'line/1\nline/2', keyType: 'list', listing: 'sum', outputs: 2 },
    ...{ missing: 'default', default: '0', defaultType: 'num' },
  },
];
/** Settings that make no difference to how a dialog looks. */
const SAME = ['id', 'z', 'x', 'y', 'name', 'key', 'store', 'value', 'wires'];

/** An example without nodes of Core and of Dashboard; its store has no emulator. */
const ourNodes = (name: string): FlowNode[] =>
  loadExample(name, 1883).flatMap((node) => {
    if (node.type === 'tab') return [node];
    if (node.type === 'statestore-config') return [{ ...node, place: 'other' }];
    return node.type.startsWith('statestore-') ? [{ ...node, wires: [] }] : [];
  });

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
      editor = await Editor.open({ flows: [...FLOW, ...SUM, ...JOBS.flatMap(ourNodes)], nodeRed: options() });
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

    it('the nodes of the examples of whole jobs have nothing wrong, and nothing is cut off in a small window', async () => {
      const { page } = editor;
      const seen = new Set<string>();
      const trouble: string[] = [];
      await page.evaluate(() => document.documentElement.classList.remove('nr-theme-dark'));
      await page.setViewportSize({ width: 1024, height: 700 });
      for (const nodes of [SUM, ...JOBS.map(ourNodes)]) {
        const label = String(nodes.find(({ type }) => type === 'tab')?.label);
        await editor.showFlow(label);
        for (const node of nodes) {
          const look = JSON.stringify({ ...node, ...Object.fromEntries(SAME.map((one) => [one, ''])) });
          if (!node.type.startsWith('statestore-') || node.type === 'statestore-config' || seen.has(look))
            continue;
          seen.add(look);
          const tray = await editor.edit(node.id);
          await unfold(tray);
          const found = await violationsOf(page, ['#dialog-form'], CORE);
          found.push(...(await clippedIn(tray.locator('#dialog-form'))));
          trouble.push(...found.map((one) => `${label}, ${node.type} ${node.id}: ${one}`));
          await editor.leave('cancel');
        }
      }
      assert.ok(seen.size > 10);
      assert.deepEqual(trouble, []);
    });
  });
}
