/**
 * Takes the pictures of the documentation from the running product.
 *
 *   npm run screenshots
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import chromium from '@sparticuz/chromium';
import { chromium as playwright } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const images = join(root, 'docs', 'images');
const PORT = process.env.PORT || '18800';
const userDir = mkdtempSync(join(tmpdir(), 'screenshots-'));

const nodeRed = spawn(process.execPath, [join(root, 'scripts', 'start.mjs')], {
  env: { ...process.env, PORT, EMULATOR_PORT: '1883', USER_DIR: userDir },
  stdio: ['ignore', 'pipe', 'inherit'],
});
for await (const line of createInterface({ input: nodeRed.stdout }))
  if (/Successfully deleted/.test(line)) break;

mkdirSync(images, { recursive: true });
const browser = await playwright.launch({
  executablePath: await chromium.executablePath(),
  args: chromium.args,
});
try {
  const page = await browser.newPage({ viewport: { width: 1500, height: 660 }, deviceScaleFactor: 1.5 });
  await page.goto(`http://127.0.0.1:${PORT}/`);
  const status = page.locator('.red-ui-flow-node-status-label');
  await status.getByText('connected', { exact: true }).first().waitFor();
  await status.getByText('1883: 1 cl, 0 keys').waitFor();
  await page.evaluate(() => window.RED.sidebar.show('debug'));
  await page.locator('#red-ui-palette-search input').pressSequentially('statestore');
  await page.locator('.red-ui-flow-node-button-button').first().click();
  await page.locator('.red-ui-debug-msg', { hasText: 'Successfully deleted' }).first().waitFor();
  await page
    .locator('.red-ui-notification', { hasText: 'Successfully injected' })
    .waitFor({ state: 'hidden' });
  await page.screenshot({ path: join(images, 'quickstart.png') });

  for (const [text, name] of [
    ['set someKey', 'set'],
    ['get someKey', 'get'],
    ['delete someKey', 'delete'],
    ['emulator :1883', 'emulator'],
  ]) {
    await page.locator('.red-ui-flow-node', { hasText: text }).first().dblclick();
    const tray = page.locator('.red-ui-tray').last();
    await tray.locator('.red-ui-tray-footer').waitFor();
    await page.waitForFunction(() => !document.querySelector('.red-ui-tray')?.getAnimations?.().length);
    await page.locator('#node-dialog-ok').waitFor();
    await page.waitForTimeout(400); // the tray slides in
    await tray.screenshot({ path: join(images, `${name}.png`) });
    if (name === 'set') {
      await page.setViewportSize({ width: 1500, height: 1220 });
      await page.locator('#node-input-lookup-store, #node-input-btn-store-edit').first().click();
      await page.locator('#node-config-dialog-ok').waitFor();
      await page.locator('#statestore-test-button').click();
      await page.locator('#statestore-test-results li').last().waitFor();
      await page.waitForTimeout(400);
      await page
        .locator('.red-ui-tray')
        .last()
        .screenshot({ path: join(images, 'config.png') });
      await page.locator('#node-config-dialog-cancel').click();
      await page.setViewportSize({ width: 1500, height: 660 });
      await page.waitForTimeout(400);
    }
    await page.locator('#node-dialog-cancel').click();
    await page.waitForTimeout(400);
  }
} finally {
  await browser.close();
  nodeRed.kill('SIGINT');
  await once(nodeRed, 'exit');
  rmSync(userDir, { recursive: true, force: true });
}
