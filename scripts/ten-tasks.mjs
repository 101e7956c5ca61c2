/**
 * Does ten tasks in the editor as a new user would, each from an empty flow, and takes a picture of each for docs/dev/tasks.md. Prints how
 * many nodes were placed and fields filled in of the task itself.
 *
 *   npm run tasks        all of them
 *   npm run tasks -- 3   one of them
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillSecureStore, HOST, secureBroker, testConnection, Workbench } from './workbench.mjs';

const require = createRequire(import.meta.url);
const { makeAuthority, writeCertificate } = require('../dist/test/support/certificates.js');
const { Emulator } = require('../dist/src/emulator/index.js');
const pictures = fileURLToPath(new URL('../docs/images/tasks', import.meta.url));
mkdirSync(pictures, { recursive: true });

const only = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'tasks-'));
const emulator = await Emulator.start({ host: HOST, port: 0 });
const bench = await Workbench.open({ port: emulator.port });
const { editor, page, sidebar } = bench;
const key = (name) => bench.key(name);
const picture = (number) => join(pictures, `${number}.png`);

const TASKS = {
  async 'Remember a value'() {
    const [remember, set] = await bench.row(120, 'inject', 'statestore-set');
    const [recall, get] = await bench.row(220, 'inject', 'statestore-get', 'debug');
    await bench.setUp(set, key('line/temperature'));
    await bench.setUp(get, key('line/temperature'));
    await bench.run();
    await bench.status(set, 'connected: emulator');
    await bench.press(remember);
    await bench.stored('line/temperature');
    await bench.press(recall);
    await bench.debugs(/\d{13}/);
  },

  async 'Count with two flows'() {
    const buttons = [];
    for (const y of [120, 240]) {
      const [button, update] = await bench.row(y, 'inject', 'statestore-update', 'debug');
      await bench.setUp(update, key('pieces'));
      buttons.push(button);
    }
    await bench.run();
    for (const button of [...buttons, ...buttons]) await bench.press(button);
    await bench.debugs(/^\s*4\s*$/);
  },

  async 'Only one acts'() {
    const buttons = [];
    const gates = [];
    for (const y of [120, 240]) {
      const [button, gate] = await bench.row(y, 'inject', 'statestore-leader', 'debug');
      await bench.setUp(gate, (tray) => bench.type(tray, 'role', 'line/pump'));
      buttons.push(button);
      gates.push(gate);
    }
    await bench.run();
    const labels = page.locator('.red-ui-flow-node-status-label');
    await labels.getByText('active', { exact: true }).waitFor();
    await labels.getByText(/^standby/).waitFor();
    for (const button of buttons) await bench.press(button);
    await bench.debugs(/\d{13}/);
  },

  async 'Act on a set point'() {
    const [observe] = await bench.row(120, 'statestore-observe', 'debug');
    await bench.setUp(observe, (tray) => bench.type(tray, 'keys', 'line/setpoint'));
    await bench.run();
    await bench.status(observe, 'observing 1 key');
    await bench.withStore((client) => client.set('line/setpoint', '72.5'));
    await bench.debugs('72.5');
  },

  async 'A value that expires'() {
    const [button, set] = await bench.row(120, 'inject', 'statestore-set');
    const [observe] = await bench.row(220, 'statestore-observe', 'debug');
    await bench.setUp(set, async (tray) => {
      await key('line/alarm')(tray);
      await bench.unfold(tray);
      await bench.type(tray, 'expiry', '3');
    });
    await bench.setUp(observe, (tray) => bench.type(tray, 'keys', 'line/alarm'));
    await bench.run();
    await bench.status(observe, 'observing 1 key');
    await bench.press(button);
    await bench.debugs(/\d{13}/);
    await bench.debugs('undefined');
  },

  async 'A default'() {
    const [button, get] = await bench.row(120, 'inject', 'statestore-get', 'debug');
    await bench.setUp(get, async (tray) => {
      await key('line/recipe')(tray);
      await bench.unfold(tray);
      await bench.choose(tray, 'missing', 'default');
      await bench.type(tray, 'default', '20');
    });
    await bench.run();
    await bench.status(get, 'connected: emulator');
    await bench.press(button);
    await bench.debugs(/^\s*20\s*$/);
  },

  async 'Locked update'() {
    const [button, update] = await bench.row(120, 'inject', 'statestore-update', 'debug');
    await bench.setUp(update, async (tray) => {
      await key('line/last')(tray);
      await bench.choose(tray, 'change', 'expression');
      await bench.type(tray, 'expression', '{ "last": payload, "before": $value.last }');
    });
    await bench.run();
    await bench.status(update, 'connected: emulator');
    for (const _ of [1, 2]) await bench.press(button);
    await bench.debugs(/before: \d{13}/);
  },

  async 'Look into the store'() {
    await bench.withStore(async (client) => {
      await client.set('line/speed', '120');
      await client.set('line/recipe', JSON.stringify({ name: 'bread', steps: ['mix', 'rest', 'bake'] }));
    });
    const [, set] = await bench.row(120, 'inject', 'statestore-set');
    await bench.setUp(set, key('line/speed'));
    [bench.nodes, bench.fields] = [0, 0];
    await editor.deploy();
    await sidebar.show();
    await sidebar.lookUp('line/recipe');
    await sidebar.shows('line/recipe', /bread/).waitFor();
    await sidebar.row('line/recipe').click();
    await sidebar.detail.waitFor();
  },

  async 'A real broker with TLS and a user'() {
    const authority = makeAuthority('Plant CA');
    const ca = writeCertificate(folder, 'ca', authority).cert;
    const broker = await secureBroker(authority);
    try {
      const set = await editor.drag('statestore-set', 250, 120);
      const tray = await editor.edit(set);
      await tray.getByRole('link', { name: 'Add a store' }).click();
      await fillSecureStore(bench, { port: broker.port, ca });
      await testConnection(bench);
      await bench.take(picture(this));
      await editor.leaveStore('cancel');
      await editor.leave('cancel');
    } finally {
      await broker.close();
    }
    return true;
  },

  async 'Why is it red?'() {
    const [button, set] = await bench.row(120, 'inject', 'statestore-set');
    await bench.row(220, 'catch', 'debug');
    await bench.setUp(set, key('line/temperature'));
    [bench.nodes, bench.fields] = [0, 0];
    // A port without a listener, where no emulator is started.
    await editor.edit(set);
    await editor.editStore();
    await page.locator('#node-config-input-place').selectOption('other');
    await page.locator('#node-config-input-port').fill('9');
    await editor.leaveStore('ok');
    await editor.leave('ok');
    await bench.run();
    await bench.status(set, 'connection refused');
    await bench.press(button);
    await bench.debugs(/nothing listens|refused/i);
    await page.locator('.red-ui-debug-msg').first().scrollIntoViewIfNeeded();
  },
};

try {
  for (const [index, [title, work]] of Object.entries(TASKS).entries()) {
    const number = String(index + 1);
    if (only && only !== number) continue;
    await bench.clear(number);
    const taken = await work.call(number);
    if (!taken) await bench.take(picture(number));
    console.log(`${number}. ${title}: ${bench.nodes} nodes, ${bench.fields} fields`);
    await bench.forget(['line/temperature', 'line/setpoint', 'line/alarm', 'line/recipe', 'line/speed']);
  }
} finally {
  await bench.close();
  await emulator.close();
  rmSync(folder, { recursive: true, force: true });
}
