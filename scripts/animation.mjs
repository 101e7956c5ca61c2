/**
 * Makes docs/images/five-minutes.gif, the animated picture of the README: from the import of the Quickstart to a node that you add.
 * The encoder is in scripts/animation and is installed there the first time.
 *
 *   npm run animation
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { recordLabels, saveLabels } from './picture-labels.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'scripts', 'animation');
if (!existsSync(join(folder, 'node_modules')))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
const require = createRequire(import.meta.url);
const { Editor } = require('../dist/test/support/editor.js');
const { VERSIONS } = require('../dist/test/support/node-red-versions.js');
const { Sidebar } = require('../dist/test/support/sidebar.js');
const fromFolder = createRequire(join(folder, 'package.json'));
const { GIFEncoder, applyPalette, quantize } = fromFolder('gifenc');
const { PNG } = fromFolder('pngjs');

const SIZE = { width: 1080, height: 600 };
const NAME = 'five-minutes.gif';
const frames = [];

const editor = await Editor.open({ nodeRed: VERSIONS['4.1']() });
const { page } = editor;
const labels = [];

/** Adds what the page shows for so many milliseconds. */
async function show(ms) {
  frames.push({ png: await page.screenshot(), ms });
  labels.push(...(await recordLabels(page.locator('body'))));
}

const status = (text) =>
  page.locator('.red-ui-flow-node-status-label').getByText(text, { exact: true }).first().waitFor();

try {
  await page.setViewportSize(SIZE);
  await editor.invoke('core:show-examples-import-dialog');
  const dialog = page.locator('.ui-dialog', { has: page.locator('#red-ui-clipboard-dialog-ok') });
  await dialog.locator('.red-ui-treeList-label', { hasText: '@edgestate/node-red-statestore' }).click();
  await dialog.locator('.red-ui-treeList-label', { hasText: '01 Quickstart' }).click();
  await show(2500);
  await page.locator('#red-ui-clipboard-dialog-ok').click();
  await editor.showFlow('Quickstart');
  await editor.invoke('core:show-debug-tab');
  await editor.deploy();
  await page.locator('.red-ui-debug-msg', { hasText: 'Successfully deleted' }).first().waitFor();
  await status('connected: emulator');
  await page.locator('.red-ui-notification').first().waitFor({ state: 'detached' });
  await show(3000);

  const inject = await editor.drag('inject', 90, 255);
  const set = await editor.drag('statestore-set', 290, 255);
  await show(1500);
  await editor.edit(set);
  await page.locator('#node-input-key + .red-ui-typedInput-container input').fill('machine/1');
  await show(2500);
  await editor.leave('ok');
  await editor.wire(inject, set);
  await show(1500);
  await editor.deploy();
  await editor
    .onCanvas(set)
    .locator('.red-ui-flow-node-status-label')
    .getByText('connected: emulator')
    .waitFor();
  await editor.nodeRed.inject(inject);
  const sidebar = new Sidebar(editor);
  await sidebar.show();
  await sidebar.row('machine/1').click();
  await sidebar.row('machine/1').locator('.statestore-key-age').filter({ hasText: /s ago/ }).waitFor();
  await page.locator('.red-ui-notification').first().waitFor({ state: 'detached' });
  await show(4000);
} finally {
  await editor.close();
}

const gif = GIFEncoder();
for (const { png, ms } of frames) {
  const { width, height, data } = PNG.sync.read(png);
  const palette = quantize(data, 256);
  gif.writeFrame(applyPalette(data, palette), width, height, { palette, delay: ms });
}
gif.finish();
const path = join(root, 'docs', 'images', NAME);
writeFileSync(path, gif.bytes());
saveLabels(NAME, labels);
process.stdout.write(`${path}: ${frames.length} pictures, ${Math.round(gif.bytes().length / 1024)} KiB\n`);
