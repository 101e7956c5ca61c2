/**
 * Does twelve jobs of a technician in the editor, each from an empty flow, by what the editor shows. Prints for each how many nodes were
 * placed, how many fields were filled in or chosen, and how many expressions and function nodes the flow has.
 *
 *   npm run jobs        all of them
 *   npm run jobs -- 3   one of them
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillSecureStore, HOST, secureBroker, testConnection, Workbench } from './workbench.mjs';

const require = createRequire(import.meta.url);
const { makeAuthority, writeCertificate } = require('../dist/test/support/certificates.js');
const { Emulator } = require('../dist/src/emulator/index.js');

const only = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'jobs-'));
const emulator = await Emulator.start({ host: HOST, port: 0 });
const contextStorage = `{
  default: 'memory',
  memory: { module: 'memory' },
  shared: { module: require('@edgestate/node-red-statestore/context'), config: { host: '${HOST}', port: ${emulator.port} } },
}`;
const bench = await Workbench.open({ port: emulator.port, nodeRed: { contextStorage } });
const { editor, nodeRed, page, sidebar } = bench;
const key = (name) => bench.key(name);
await page.setViewportSize({ width: 1366, height: 768 });

/** Fills in a list of keys, one a line. */
async function listOfKeys(tray, ...keys) {
  await bench.chooseType(tray, 'key', 'list of keys');
  bench.fields++;
  await tray.locator('#node-input-keyLines').fill(keys.join('\n'));
}

/** Has an inject node send every so many seconds; Core's fields do not count. */
async function every(id, seconds) {
  const tray = await editor.edit(id);
  await tray.locator('#inject-time-type-select').selectOption('interval');
  await tray.locator('#inject-time-interval-count').fill(String(seconds));
  await editor.leave('ok');
}

const JOBS = {
  async 'The total of two machines every 5 seconds'() {
    const buttons = [];
    for (const [index, y] of [80, 160].entries()) {
      const [button, update] = await bench.row(y, 'inject', 'statestore-update');
      await bench.setUp(update, key(`machine/${index + 1}/pieces`));
      buttons.push(button);
    }
    const [clock, get] = await bench.row(260, 'inject', 'statestore-get', 'debug');
    await every(clock, 5);
    await bench.setUp(get, async (tray) => {
      await listOfKeys(tray, 'machine/1/pieces', 'machine/2/pieces');
      await bench.choose(tray, 'listing', 'sum');
    });
    await bench.run();
    for (const index of [0, 0, 1]) await bench.press(buttons[index]);
    await bench.debugs(/^\s*3\s*$/);
  },

  async 'The last 20 readings'() {
    const [button, update] = await bench.row(120, 'inject', 'statestore-update', 'debug');
    await bench.setUp(update, async (tray) => {
      await key('readings')(tray);
      await bench.choose(tray, 'change', 'append');
      await bench.type(tray, 'keep', '20');
    });
    await bench.run();
    for (let count = 0; count < 22; count++) await bench.press(button);
    await bench.debugs(/array\[20\]/);
    await bench.withStore(async (client) => {
      for (;;) {
        const { value } = await client.get('readings');
        if (JSON.parse(String(value)).length === 20) return;
      }
    });
  },

  async 'A counter that is reset at shift change'() {
    const [count, update] = await bench.row(80, 'inject', 'statestore-update', 'debug');
    const [shift, reset] = await bench.row(180, 'inject', 'statestore-update', 'debug');
    await bench.setUp(update, key('shift/pieces'));
    await bench.setUp(reset, async (tray) => {
      await key('shift/pieces')(tray);
      await bench.choose(tray, 'change', 'set');
      await bench.chooseType(tray, 'value', 'number');
      await bench.type(tray, 'value', '0');
    });
    await bench.run();
    for (let times = 0; times < 2; times++) await bench.press(count);
    await bench.debugs(/^\s*2\s*$/);
    await bench.press(shift);
    await bench.debugs(/^\s*0\s*$/);
    // Also in the sidebar, after one question.
    await sidebar.show();
    await sidebar.row('shift/pieces').click();
    await sidebar.button('Set').click();
    await sidebar.dialog.getByLabel('Value', { exact: true }).fill('7');
    await sidebar.press('Set');
    await sidebar.dialog
      .locator('.statestore-dialog-error')
      .getByText(/update nodes/i)
      .waitFor();
    await sidebar.press('Set');
    await sidebar.shows('shift/pieces', '7').waitFor();
  },

  async 'A set point, with its value after a restart'() {
    const [button, set] = await bench.row(100, 'inject', 'statestore-set');
    const [observe] = await bench.row(200, 'statestore-observe', 'debug');
    await bench.setUp(set, key('line/setpoint'));
    await bench.setUp(observe, (tray) => bench.type(tray, 'keys', 'line/setpoint'));
    // An emulator of this Node-RED, which is what a new store has.
    const port = emulator.port + 1;
    await editor.edit(set);
    await editor.editStore();
    await page.locator('#node-config-input-port').fill(String(port));
    await editor.leaveStore('ok');
    await editor.leave('ok');
    await bench.run();
    await bench.status(observe, 'observing 1 key');
    await bench.press(button);
    await bench.debugs(/\d{13}/);
    await nodeRed.end('SIGTERM');
    await nodeRed.again();
    await editor.load();
    await sidebar.show();
    await sidebar.shows('line/setpoint', /\d{13}/).waitFor();
  },

  async 'A printer that two flows use, one of which fails'() {
    bench.isWork('delay', 'template');
    const [good, first] = await bench.row(80, 'inject', 'statestore-lock', 'delay');
    const [bad, second, work] = await bench.row(200, 'inject', 'statestore-lock', 'template');
    const delay = (await editor.newest('delay')).id;
    const failed = await bench.place('catch', 300, 300);
    const unlock = await bench.place('statestore-unlock', 760, 200);
    for (const id of [delay, work, failed]) await bench.wire(id, unlock);
    for (const lock of [first, second]) await bench.setUp(lock, key('printer'));
    // The work of the second flow fails: its text is no JSON.
    const tray = await editor.edit(work);
    await tray.locator('#node-input-output').selectOption('json');
    await editor.leave('ok');
    await bench.run();
    await bench.status(first, 'idle');
    await bench.press(bad);
    await bench.withStore(async (client) => {
      // The lock was released.
      while ((await client.get('printer')).found);
    });
    await bench.press(good);
    await bench.status(first, 'held');
    await bench.press(bad);
    await bench.status(second, '1 waiting');
    await bench.status(second, 'idle');
  },

  async 'An alarm when a machine is silent'() {
    const [button, set] = await bench.row(80, 'inject', 'statestore-set');
    const [observe] = await bench.row(200, 'statestore-observe');
    await bench.setUp(set, async (tray) => {
      await key('machine/1/alive')(tray);
      await bench.unfold(tray);
      await bench.type(tray, 'expiry', '3');
    });
    await bench.setUp(observe, async (tray) => {
      await bench.type(tray, 'keys', 'machine/1/alive');
      await bench.unfold(tray);
      await bench.tick(tray, 'missing');
      await bench.tick(tray, 'secondOutput');
    });
    for (const output of [0, 1])
      await bench.wire(observe, await bench.place('debug', 680, 180 + 100 * output), output);
    await bench.run();
    // It was silent from the start.
    const messages = page.locator('.red-ui-debug-msg-payload', { hasText: 'undefined' });
    await messages.first().waitFor();
    await bench.press(button);
    await bench.debugs(/\d{13}/);
    await messages.nth(1).waitFor();
  },

  async 'Several keys are deleted'() {
    const keys = ['order/1', 'order/2', 'order/3'];
    await bench.withStore(async (client) => {
      for (const one of keys) await client.set(one, 'x');
    });
    const [button, remove] = await bench.row(120, 'inject', 'statestore-delete', 'debug');
    await bench.setUp(remove, (tray) => listOfKeys(tray, ...keys));
    await bench.run();
    await bench.status(remove, 'connected: emulator');
    await bench.press(button);
    await bench.debugs(/\d{13}/);
    const results = await bench.withStore((client) => client.getMany(keys));
    assert.ok(results.every((one) => !one.found));
  },

  async 'A value that change and function nodes share'() {
    bench.isWork('function');
    const [write, change] = await bench.row(100, 'inject', 'change');
    const [read, code] = await bench.row(220, 'inject', 'function', 'debug');
    let tray = await editor.edit(change);
    const target = tray.locator('.node-input-rule-property-name + .red-ui-typedInput-container').first();
    await target.locator('.red-ui-typedInput-type-select').click();
    await page.locator('.red-ui-typedInput-options:visible a', { hasText: 'global.' }).click();
    await target.locator('input:visible').fill('speed');
    await target.locator('.red-ui-typedInput-option-trigger').click();
    await page.locator('.red-ui-typedInput-options:visible a', { hasText: 'shared' }).click();
    const value = tray.locator('.node-input-rule-property-value + .red-ui-typedInput-container').first();
    await value.locator('input:visible').fill('120');
    await editor.leave('ok');
    bench.fields += 4;
    tray = await editor.edit(code);
    await tray.locator('#node-input-func-editor .monaco-editor').first().waitFor();
    await tray.locator('#node-input-func-editor .view-lines').first().click();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText("msg.payload = global.get('speed', 'shared');\nreturn msg;");
    await editor.leave('ok');
    await bench.run();
    await bench.press(write);
    await bench.press(read);
    await bench.debugs('120');
  },

  async 'Five keys are read at once'() {
    const keys = ['a', 'b', 'c', 'd', 'e'].map((name) => `recipe/${name}`);
    await bench.withStore(async (client) => {
      for (const [index, one] of keys.entries()) await client.set(one, String(index));
    });
    const [button, get] = await bench.row(120, 'inject', 'statestore-get', 'debug');
    await bench.setUp(get, (tray) => listOfKeys(tray, ...keys));
    await bench.run();
    await bench.status(get, 'connected: emulator');
    await bench.press(button);
    await bench.debugs(/recipe\/a: 0/);
    assert.match((await editor.onCanvas(get).textContent()) ?? '', /get 5 keys/);
  },

  async 'A broker with TLS and a user, and four mistakes'() {
    const authority = makeAuthority('Plant CA');
    const ca = writeCertificate(folder, 'ca', authority).cert;
    const other = writeCertificate(folder, 'other', makeAuthority('Other CA')).cert;
    const broker = await secureBroker(authority);
    try {
      const set = await editor.drag('statestore-set', 250, 120);
      const tray = await editor.edit(set);
      await tray.getByRole('link', { name: 'Add a store' }).click();
      await fillSecureStore(bench, { port: broker.port, ca });
      const input = (name) => page.locator(`#node-config-input-${name}`);
      for (const [name, wrong, right] of [
        ['password', 'wrong', 'secret'],
        ['caFile', other, ca],
        ['port', '9', String(broker.port)],
        ['host', 'broker.invalid', 'localhost'],
      ]) {
        await input(name).fill(wrong);
        console.log(`    wrong ${name}: ${(await testConnection(bench)).replaceAll(folder, '')}`);
        await input(name).fill(right);
      }
      const last = await testConnection(bench);
      assert.match(last, /responding/);
      await editor.leaveStore('cancel');
      await editor.leave('cancel');
    } finally {
      await broker.close();
    }
  },

  async 'A key is looked at, changed, deleted and brought back'() {
    await bench.withStore((client) =>
      client.set('line/recipe', JSON.stringify({ name: 'bread', minutes: 30 })),
    );
    const [, set] = await bench.row(120, 'inject', 'statestore-set');
    await bench.setUp(set, key('line/recipe'));
    [bench.nodes, bench.fields] = [0, 0];
    await editor.deploy();
    await sidebar.show();
    await sidebar.row('line/recipe').click();
    await sidebar.detail.getByRole('link', { name: 'set line/recipe' }).waitFor();
    await sidebar.button('Set').click();
    await sidebar.dialog.getByLabel('Value').fill('{ "name": "bread", "minutes": 35 }');
    await sidebar.press('Set');
    await sidebar.shows('line/recipe', '35').waitFor();
    await sidebar.button('Delete').click();
    await sidebar.press('Delete');
    await sidebar.shows('line/recipe', 'missing').waitFor();
    await sidebar.button('Restore').click();
    await sidebar.shows('line/recipe', '35').waitFor();
  },

  async 'One of two Node-REDs is active'() {
    const other = await Workbench.open({ port: emulator.port });
    try {
      const gates = [];
      for (const one of [bench, other]) {
        const [, gate] = await one.row(120, 'inject', 'statestore-leader', 'debug');
        await one.setUp(gate, (tray) => one.type(tray, 'role', 'line/controller'));
        await one.run();
        await one.status(gate, gates.length === 0 ? 'active' : /^standby/);
        gates.push(gate);
      }
      const before = Date.now();
      await nodeRed.end('SIGTERM');
      await other.status(gates[1], 'active');
      console.log(`    the other one is active ${Date.now() - before} ms after SIGTERM, as its editor shows`);
      await nodeRed.again();
      await bench.editor.load();
      await bench.status(gates[0], /^standby/);
    } finally {
      await other.close();
    }
  },
};

/** Expressions and function nodes in the flow that was deployed. */
async function written() {
  const flows = await nodeRed.api('GET', '/flows');
  const expressions = flows
    .filter(({ type }) => type.startsWith('statestore-'))
    .flatMap((node) => [
      ...Object.entries(node).filter(([name, value]) => name.endsWith('Type') && value === 'jsonata'),
      ...(node.change === 'expression' ? ['change'] : []),
    ]);
  return {
    expressions: expressions.length,
    functions: flows.filter(({ type }) => type === 'function').length,
  };
}

const KEYS = ['line/setpoint', 'line/recipe', 'machine/1/alive', 'order/1', 'order/2', 'order/3'];

try {
  for (const [index, [title, work]] of Object.entries(JOBS).entries()) {
    const number = String(index + 1);
    if (only && only !== number) continue;
    await bench.clear(number);
    const begin = Date.now();
    await work().catch(async (error) => {
      await page.screenshot({ path: join(tmpdir(), `job-${number}.png`) });
      throw error;
    });
    const { expressions, functions } = await written();
    const seconds = ((Date.now() - begin) / 1000).toFixed(0);
    console.log(
      `${number}. ${title}: ${bench.nodes} nodes, ${bench.fields} fields, ${expressions} expressions, ${functions} function nodes (${seconds} s)`,
    );
    await bench.forget(KEYS);
  }
} finally {
  await bench.close();
  await emulator.close();
  rmSync(folder, { recursive: true, force: true });
}
