/**
 * Takes pictures of the running product, in Node-RED 4.1, and in 5.0 for the dark theme. Pictures of pages go to
 * docs/images, all others to dist/images.
 *
 *   npm run screenshots            all of them
 *   npm run screenshots -- sidebar  those of one group
 *
 * The pictures in Japanese and Chinese need a font that has these characters (Debian: fonts-wqy-microhei).
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { recordLabels, saveLabels } from './picture-labels.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const { Editor } = require('../dist/test/support/editor.js');
const { VERSIONS } = require('../dist/test/support/node-red-versions.js');
const { Sidebar } = require('../dist/test/support/sidebar.js');
const { StateStoreClient } = require('../dist/src/index.js');
const shown = join(root, 'docs', 'images');
const others = join(root, 'dist', 'images');
for (const folder of [shown, others]) mkdirSync(folder, { recursive: true });
const docs = join(root, 'docs');
const pages = [join(root, 'README.md'), ...readdirSync(docs).map((name) => join(docs, name))]
  .filter((file) => file.endsWith('.md'))
  .map((file) => readFileSync(file, 'utf8'))
  .join();
const pathOf = (name) => join(pages.includes(`images/${name}.png`) ? shown : others, `${name}.png`);

/** Takes a picture of the page or of an element, and records the labels in it if a page shows the picture in English. */
async function shoot(element, name) {
  const path = pathOf(name);
  await element.screenshot({ path });
  if (path.startsWith(shown))
    saveLabels(`${name}.png`, await recordLabels('goto' in element ? element.locator('body') : element));
}

const example = (name) => JSON.parse(readFileSync(join(root, 'examples', `${name}.json`), 'utf8'));
const flows = example('01 Quickstart');
const idOf = (type, among = flows) => among.find((node) => node.type === type).id;

const only = process.argv[2];

async function take(group, version, pictures, deployed = flows) {
  if (only && only !== group) return;
  const editor = await Editor.open({ flows: deployed, nodeRed: VERSIONS[version]() });
  try {
    await pictures(editor);
  } finally {
    await editor.close();
  }
}

/** The open dialog, no higher than what is in it. */
async function takeDialog(name, tray) {
  await shoot(tray, name);
}

async function unfold(tray) {
  const folded = tray.locator('.statestore-fold[aria-expanded=false]:visible');
  while ((await folded.count()) > 0) await folded.first().evaluate((header) => header.click());
}

async function takeQuickstart({ page, nodeRed }, name) {
  await page
    .locator('.red-ui-flow-node-status-label')
    .getByText('connected: emulator', { exact: true })
    .first()
    .waitFor();
  await page.locator('#red-ui-palette-search input').pressSequentially('statestore');
  await page.evaluate(() => window.RED.sidebar.show('debug'));
  await nodeRed.inject(idOf('inject'));
  await page.locator('.red-ui-debug-msg', { hasText: 'Successfully deleted' }).first().waitFor();
  await shoot(page, name);
}

/** The first node of this type of another example, with nothing unfolded. */
async function takeNode(editor, name, type, of) {
  const nodes = example(of);
  await editor.nodeRed.deploy(nodes);
  await editor.load();
  const tray = await editor.edit(idOf(type, nodes));
  await takeDialog(name, tray);
  await editor.leave('cancel');
  await editor.nodeRed.deploy(flows);
  await editor.load();
}

await take('dialogs', '4.1', async (editor) => {
  const { page } = editor;
  await page.setViewportSize({ width: 1500, height: 660 });
  await takeQuickstart(editor, 'quickstart');
  await page.setViewportSize({ width: 1500, height: 720 });
  for (const name of ['set', 'get', 'delete']) {
    const tray = await editor.edit(idOf(`statestore-${name}`));
    await unfold(tray);
    await takeDialog(name, tray);
    await editor.leave('cancel');
  }
  await takeNode(editor, 'update', 'statestore-update', '02 Counter shared by two flows');
  await takeNode(editor, 'emulator', 'statestore-emulator', '10 Not authorized');
  await editor.edit(idOf('statestore-set'));
  const tray = await editor.editStore();
  await page.locator('#statestore-test-button').click();
  await page.locator('#statestore-test-results li').last().waitFor();
  await takeDialog('config', tray);
  await page.setViewportSize({ width: 1500, height: 860 });
  await page.locator('#node-config-input-place').selectOption('aio');
  await page.locator('#statestore-test-results').evaluate((list) => list.replaceChildren());
  await takeDialog('config-aio', tray);
  await editor.leaveStore('cancel');
  await editor.leave('cancel');
  await page.setViewportSize({ width: 1500, height: 720 });
  for (const language of ['de', 'ja', 'zh-CN']) {
    await editor.speak(language);
    const dialog = await editor.edit(idOf('statestore-set'));
    await unfold(dialog);
    await takeDialog(`set-${language}`, dialog);
  }
});

await take(
  'nodes',
  '4.1',
  async ({ page }) => {
    await page.setViewportSize({ width: 1420, height: 680 });
    await page.locator('.red-ui-flow-node-status-label').getByText('active', { exact: true }).waitFor();
    await page.locator('.red-ui-flow-node-status-label').getByText('standby: ').waitFor();
    await shoot(page.locator('#red-ui-workspace'), 'active-standby');
  },
  example('08 Active and standby'),
);

await take(
  'nodes',
  '4.1',
  async ({ page, nodeRed }) => {
    await page.setViewportSize({ width: 1420, height: 680 });
    await page.locator('.red-ui-flow-node-status-label').getByText('idle', { exact: true }).nth(1).waitFor();
    for (const id of ['5e1ad00000000011', '5e1ad00000000021']) await nodeRed.inject(id);
    await page.locator('.red-ui-flow-node-status-label').getByText('1 waiting').waitFor();
    await shoot(page.locator('#red-ui-workspace'), 'lock');
  },
  example('13 A lock around a device'),
);

await take('dialogs', '5.0', async (editor) => {
  const { page } = editor;
  await page.setViewportSize({ width: 1500, height: 760 });
  await page.evaluate(() => document.documentElement.classList.add('nr-theme-dark'));
  await takeQuickstart(editor, 'dark');
  await page.setViewportSize({ width: 1500, height: 860 });
  await editor.edit(idOf('statestore-set'));
  const tray = await editor.editStore();
  await page.locator('#node-config-input-place').selectOption('aio');
  await takeDialog('config-dark', tray);
});

/** Example 03 with a role and a node that names a key. */
function withRole() {
  const nodes = example('03 Remember the last reading of each machine');
  const { z } = nodes.find(({ type }) => type === 'statestore-get');
  const store = nodes.find(({ type }) => type === 'statestore-config').id;
  const at = { z, store, x: 360, wires: [[]] };
  return [
    ...nodes,
    {
      ...{
        ...at,
        id: 'press',
        type: 'statestore-get',
        y: 460,
        name: '',
        key: 'demo/machine/press',
        keyType: 'str',
      },
      ...{ property: 'payload', propertyType: 'msg', format: 'auto-detect', outputs: 1 },
    },
    {
      ...{ ...at, id: 'role', type: 'statestore-leader', y: 520, name: '', role: 'line/controller' },
      ...{ lease: '10', candidate: 'left', outputs: 1 },
    },
  ];
}

/** The tab in the sidebar, with a key selected and unfolded; `name` is that of the picture. */
async function takeSidebar(editor, name, dark = false) {
  const { page, nodeRed } = editor;
  const sidebar = new Sidebar(editor);
  await page.setViewportSize({ width: 1400, height: 780 });
  if (dark) await page.evaluate(() => document.documentElement.classList.add('nr-theme-dark'));
  const { port } = withRole().find(({ type }) => type === 'statestore-config');
  const client = new StateStoreClient({ host: '127.0.0.1', port });
  await client.set('line/speed', '120');
  await client.set('line/recipe', JSON.stringify({ name: 'bread', steps: ['mix', 'rest', 'bake'] }));
  await client.set('line/picture', Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]));
  await client.close();
  await sidebar.show();
  // In Node-RED 5.0 the debug sidebar takes the lower half.
  const debug = page.locator('button[data-tab-id=debug].selected');
  if (await debug.isVisible()) await debug.click();
  await sidebar.shows('line/controller', 'held by left').waitFor();
  await sidebar.row('demo/machine/press').click();
  const folded = sidebar.detail.locator('.red-ui-debug-msg-expandable[aria-expanded=false]');
  if (await folded.isVisible()) await folded.click();
  await nodeRed.inject(withRole().find(({ type, name: label }) => type === 'inject' && label === 'press').id);
  await sidebar
    .row('demo/machine/press')
    .locator('.statestore-key-age', { hasText: /^[01] s ago$/ })
    .waitFor();
  await page.mouse.move(700, 600);
  await page.waitForTimeout(1200);
  await shoot(page, name);
}

await take(
  'sidebar',
  '4.1',
  async (editor) => {
    await takeSidebar(editor, 'sidebar');
    const sidebar = new Sidebar(editor);
    await sidebar.row('line/recipe').click();
    await sidebar.button('Set').click();
    await shoot(sidebar.dialog, 'sidebar-set');
    await sidebar.press('Cancel');
  },
  withRole(),
);

await take(
  'sidebar',
  '5.0',
  async (editor) => {
    await takeSidebar(editor, 'sidebar-5');
    await takeSidebar(editor, 'sidebar-dark', true);
  },
  withRole(),
);
