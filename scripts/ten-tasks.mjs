/**
 * Does ten tasks in the editor as a new user would, each from an empty flow, and takes a picture of each for docs/dev/tasks.md. Prints how
 * many nodes were placed and fields filled in for each.
 *
 *   npm run tasks        all of them
 *   npm run tasks -- 3   one of them
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { Editor } = require('../dist/test/support/editor.js');
const { Sidebar } = require('../dist/test/support/sidebar.js');
const { makeAuthority, makeCertificate, writeCertificate } = require('../dist/test/support/certificates.js');
const { Emulator, EmulatorRules } = require('../dist/src/emulator/index.js');
const { StateStoreClient } = require('../dist/src/index.js');
const pictures = fileURLToPath(new URL('../docs/images/tasks', import.meta.url));
mkdirSync(pictures, { recursive: true });

const only = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'tasks-'));
const HOST = '127.0.0.1';
const emulator = await Emulator.start({ host: HOST, port: 0 });
const editor = await Editor.open({ flows: [{ id: 'flow', type: 'tab', label: 'Flow 1' }] });
const { page, nodeRed } = editor;
await page.setViewportSize({ width: 1150, height: 640 });
page.setDefaultTimeout(30_000);
const sidebar = new Sidebar(editor);

/** What one task takes, besides inject and debug nodes, which are in every flow. */
let nodes;
let fields;
/** Where the nodes of a row stand, in pixels from the left. */
const COLUMNS = [90, 300, 540];
const EVERYWHERE = ['inject', 'debug'];

async function place(type, x, y) {
  if (!EVERYWHERE.includes(type)) nodes++;
  const id = await editor.drag(type, x, y);
  return id;
}

/** Draws a wire from an output, counted from 0. */
async function wire(from, to, output = 0) {
  const out = await editor
    .onCanvas(from)
    .locator('.red-ui-flow-port-output .red-ui-flow-port')
    .nth(output)
    .boundingBox();
  const into = await editor.onCanvas(to).locator('.red-ui-flow-port-input .red-ui-flow-port').boundingBox();
  await page.mouse.move(out.x + 5, out.y + 5);
  await page.mouse.down();
  await page.mouse.move(into.x + 5, into.y + 5, { steps: 10 });
  await page.mouse.up();
}

/** Places nodes side by side and wires them; resolves with their IDs. */
async function row(y, ...types) {
  const ids = [];
  for (const [index, type] of types.entries()) {
    ids.push(await place(type, COLUMNS[index + (types[0] === 'inject' ? 0 : 1)], y));
    if (index > 0) await wire(ids[index - 1], ids[index]);
  }
  return ids;
}

async function type(tray, field, text) {
  fields++;
  const typed = tray.locator(`#node-input-${field} + .red-ui-typedInput-container input:visible`);
  await ((await typed.count()) > 0 ? typed : tray.locator(`#node-input-${field}`)).fill(text);
}

async function choose(tray, field, option) {
  fields++;
  await tray.locator(`#node-input-${field}`).selectOption(option);
}

/** Opens a node, adds a store in the first one, and does the rest. */
async function setUp(id, work) {
  const tray = await editor.edit(id);
  const offer = tray.getByRole('link', { name: 'Add a store' });
  if (await offer.isVisible()) {
    await offer.click();
    await page.locator('#node-config-input-port').waitFor();
    // The emulator of this script is at a port of its own; a user finds the usual one filled in.
    await page.locator('#node-config-input-port').fill(String(emulator.port));
    await page.locator('#node-config-input-host').fill(HOST);
    await editor.leaveStore('ok');
  }
  await work(tray);
  await editor.leave('ok');
}

const key = (name) => (tray) => type(tray, 'key', name);
const status = (id, text) =>
  editor.onCanvas(id).locator('.red-ui-flow-node-status-label').getByText(text, { exact: true }).waitFor();
const debugs = (text) => page.locator('.red-ui-debug-msg-payload', { hasText: text }).first().waitFor();
const press = (id) => nodeRed.inject(id);

/** Deploys and shows what the debug nodes say. */
async function run() {
  await editor.deploy();
  await page.evaluate(() => window.RED.sidebar.show('debug'));
}

const TASKS = {
  async 'Remember a value'() {
    const [remember, set] = await row(120, 'inject', 'statestore-set');
    const [recall, get] = await row(220, 'inject', 'statestore-get', 'debug');
    await setUp(set, key('line/temperature'));
    await setUp(get, key('line/temperature'));
    await run();
    await status(set, 'connected');
    await press(remember);
    await stored('line/temperature');
    await press(recall);
    await debugs(/\d{13}/);
  },

  async 'Count with two flows'() {
    const buttons = [];
    for (const y of [120, 240]) {
      const [button, update] = await row(y, 'inject', 'statestore-update', 'debug');
      await setUp(update, key('pieces'));
      buttons.push(button);
    }
    await run();
    for (const button of [...buttons, ...buttons]) await press(button);
    await debugs(/^\s*4\s*$/);
  },

  async 'Only one acts'() {
    const buttons = [];
    const gates = [];
    for (const y of [120, 240]) {
      const [button, gate] = await row(y, 'inject', 'statestore-leader', 'debug');
      await setUp(gate, (tray) => type(tray, 'role', 'line/pump'));
      buttons.push(button);
      gates.push(gate);
    }
    await run();
    const labels = page.locator('.red-ui-flow-node-status-label');
    await labels.getByText('active', { exact: true }).waitFor();
    await labels.getByText(/^standby/).waitFor();
    for (const button of buttons) await press(button);
    await debugs(/\d{13}/);
  },

  async 'Act on a set point'() {
    const [observe] = await row(120, 'statestore-observe', 'debug');
    await setUp(observe, (tray) => type(tray, 'keys', 'line/setpoint'));
    await run();
    await status(observe, 'observing 1 key');
    await store((client) => client.set('line/setpoint', '72.5'));
    await debugs('72.5');
  },

  async 'A value that vanishes'() {
    const [button, set] = await row(120, 'inject', 'statestore-set');
    const [observe] = await row(220, 'statestore-observe', 'debug');
    await setUp(set, async (tray) => {
      await key('line/alarm')(tray);
      await tray.locator('.statestore-fold').first().click();
      await type(tray, 'expiry', '3');
    });
    await setUp(observe, (tray) => type(tray, 'keys', 'line/alarm'));
    await run();
    await status(observe, 'observing 1 key');
    await press(button);
    await debugs(/\d{13}/);
    await debugs('undefined');
  },

  async 'A default'() {
    const [button, get] = await row(120, 'inject', 'statestore-get', 'debug');
    await setUp(get, async (tray) => {
      await key('line/recipe')(tray);
      const fold = tray.locator('.statestore-fold[aria-expanded=false]');
      if ((await fold.count()) > 0) await fold.first().click();
      await choose(tray, 'missing', 'default');
      await type(tray, 'default', '20');
    });
    await run();
    await status(get, 'connected');
    await press(button);
    await debugs(/^\s*20\s*$/);
  },

  async 'Locked update'() {
    const [button, update] = await row(120, 'inject', 'statestore-update', 'debug');
    await setUp(update, async (tray) => {
      await key('line/last')(tray);
      await choose(tray, 'change', 'expression');
      await type(tray, 'expression', '{ "last": payload, "before": $value.last }');
    });
    await run();
    await status(update, 'connected');
    for (const _ of [1, 2]) await press(button);
    await debugs(/before: \d{13}/);
  },

  async 'Look into the store'() {
    await store(async (client) => {
      await client.set('line/speed', '120');
      await client.set('line/recipe', JSON.stringify({ name: 'bread', steps: ['mix', 'rest', 'bake'] }));
    });
    const [, set] = await row(120, 'inject', 'statestore-set');
    await setUp(set, key('line/speed'));
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
    const rules = EmulatorRules.parse(
      JSON.stringify({
        users: [{ username: 'line1', password: 'secret' }],
        spec: {
          authorizationPolicies: {
            rules: [
              {
                principals: { usernames: ['line1'] },
                stateStoreResources: [{ method: 'ReadWrite', keyType: 'Pattern', keys: ['*'] }],
              },
            ],
          },
        },
      }),
    );
    const broker = await Emulator.start({
      host: HOST,
      port: 0,
      rules,
      tls: makeCertificate('broker', authority),
    });
    try {
      const set = await place('statestore-set', 250, 120);
      const tray = await editor.edit(set);
      await tray.getByRole('link', { name: 'Add a store' }).click();
      const input = (name) => page.locator(`#node-config-input-${name}`);
      await input('port').waitFor();
      fields += 8;
      await input('place').selectOption('other');
      await input('host').fill('localhost');
      await input('tls').selectOption('files');
      await input('port').fill(String(broker.port));
      await input('caFile').fill(ca);
      await input('login').selectOption('password');
      await input('username').fill('line1');
      await input('password').fill('secret');
      await page.locator('#statestore-test-button').click();
      await page.locator('#statestore-test-results li').nth(4).waitFor();
      await take(this);
      await editor.leaveStore('cancel');
      await editor.leave('cancel');
    } finally {
      await broker.close();
    }
    return true;
  },

  async 'Why is it red?'() {
    const [button, set] = await row(120, 'inject', 'statestore-set');
    await row(220, 'catch', 'debug');
    await setUp(set, key('line/temperature'));
    // A port without a listener.
    await editor.edit(set);
    await editor.editStore();
    await page.locator('#node-config-input-port').fill('9');
    await editor.leaveStore('ok');
    await editor.leave('ok');
    await run();
    await status(set, 'connection refused');
    await press(button);
    await debugs(/nothing listens/i);
    await page.locator('.red-ui-debug-msg').first().scrollIntoViewIfNeeded();
  },
};

async function store(work) {
  const client = new StateStoreClient({ host: HOST, port: emulator.port });
  await work(client);
  await client.close();
}

/** Resolves when the key is there. */
async function stored(name) {
  const client = new StateStoreClient({ host: HOST, port: emulator.port });
  await new Promise((resolve, reject) => {
    client
      .observe(name, (change) => change.operation === 'set' && resolve(), { current: true })
      .catch(reject);
  });
  await client.close();
}

async function take(name) {
  // The banner of a deploy disappears automatically.
  await page.locator('.red-ui-notification').first().waitFor({ state: 'detached' });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

try {
  for (const [index, [title, work]] of Object.entries(TASKS).entries()) {
    const number = String(index + 1);
    if (only && only !== number) continue;
    [nodes, fields] = [0, 0];
    await nodeRed.deploy([{ id: `flow${number}`, type: 'tab', label: 'Flow 1' }]);
    await editor.load();
    const taken = await work.call(number);
    if (!taken) await take(number);
    console.log(`${number}. ${title}: ${nodes} nodes, ${fields} fields`);
    await store(async (client) => {
      for (const name of [
        'line/temperature',
        'pieces',
        'line/setpoint',
        'line/alarm',
        'recipe',
        'line/speed',
      ])
        await client.delete(name).catch(() => {});
    });
  }
} finally {
  await editor.close();
  await emulator.close();
  rmSync(folder, { recursive: true, force: true });
}
