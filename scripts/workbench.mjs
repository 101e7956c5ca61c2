/**
 * An editor that is worked in as a user does: nodes are dragged, wired and filled in by what the editor shows. Counts how many nodes were
 * placed besides inject and debug nodes, and how many fields were filled in or chosen.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Editor } = require('../dist/test/support/editor.js');
const { Sidebar } = require('../dist/test/support/sidebar.js');
const { Emulator, EmulatorRules } = require('../dist/src/emulator/index.js');
const { StateStoreClient } = require('../dist/src/index.js');
const { makeCertificate } = require('../dist/test/support/certificates.js');

export const HOST = '127.0.0.1';
/** Where the nodes of a row are, in pixels from the left. */
const COLUMNS = [90, 300, 540, 780];
const UNCOUNTED = ['inject', 'debug'];

export class Workbench {
  nodes = 0;
  fields = 0;
  /** Nodes that stand for the work of the flow, and do not count. */
  #work = new Set();

  /** `port`: that of the state store, which the form of a new store gets. */
  static async open({ port, nodeRed }) {
    const bench = new Workbench();
    bench.port = port;
    bench.editor = await Editor.open({ flows: [{ id: 'flow', type: 'tab', label: 'Flow 1' }], nodeRed });
    bench.page = bench.editor.page;
    bench.nodeRed = bench.editor.nodeRed;
    bench.sidebar = new Sidebar(bench.editor);
    await bench.page.setViewportSize({ width: 1150, height: 640 });
    bench.page.setDefaultTimeout(30_000);
    return bench;
  }

  /** An empty flow, and figures from 0. */
  async clear(number) {
    [this.nodes, this.fields] = [0, 0];
    this.#work.clear();
    await this.nodeRed.deploy([{ id: `flow${number}`, type: 'tab', label: 'Flow 1' }]);
    await this.editor.load();
  }

  close() {
    return this.editor.close();
  }

  async place(type, x, y) {
    if (!UNCOUNTED.includes(type) && !this.#work.has(type)) this.nodes++;
    return this.editor.drag(type, x, y);
  }

  /** Nodes of these types do not count in this job. */
  isWork(...types) {
    for (const type of types) this.#work.add(type);
  }

  /** Draws a wire from an output, counted from 0. */
  async wire(from, to, output = 0) {
    const { mouse } = this.page;
    const out = await this.editor
      .onCanvas(from)
      .locator('.red-ui-flow-port-output .red-ui-flow-port')
      .nth(output)
      .boundingBox();
    const into = await this.editor
      .onCanvas(to)
      .locator('.red-ui-flow-port-input .red-ui-flow-port')
      .boundingBox();
    await mouse.move(out.x + 5, out.y + 5);
    await mouse.down();
    await mouse.move(into.x + 5, into.y + 5, { steps: 10 });
    await mouse.up();
  }

  /** Places nodes side by side and wires them; resolves with their IDs. */
  async row(y, ...types) {
    const ids = [];
    for (const [index, type] of types.entries()) {
      ids.push(await this.place(type, COLUMNS[index + (types[0] === 'inject' ? 0 : 1)], y));
      if (index > 0) await this.wire(ids[index - 1], ids[index]);
    }
    return ids;
  }

  async type(tray, field, text) {
    this.fields++;
    const typed = tray.locator(`#node-input-${field} + .red-ui-typedInput-container input:visible`);
    await ((await typed.count()) > 0 ? typed : tray.locator(`#node-input-${field}`)).fill(text);
  }

  async choose(tray, field, option) {
    this.fields++;
    await tray.locator(`#node-input-${field}`).selectOption(option);
  }

  async tick(tray, field) {
    this.fields++;
    await tray.locator(`#node-input-${field}`).check();
  }

  /** Chooses the type of a typed input by its text in the menu. */
  async chooseType(tray, field, label) {
    this.fields++;
    await tray
      .locator(`#node-input-${field} + .red-ui-typedInput-container .red-ui-typedInput-type-select`)
      .click();
    await this.page.locator('.red-ui-typedInput-options:visible a', { hasText: label }).click();
  }

  async unfold(tray, index = 0) {
    const fold = tray.locator('.statestore-fold').nth(index);
    if ((await fold.getAttribute('aria-expanded')) === 'false') await fold.click();
  }

  /** Opens a node, adds a store in the first one, and does the rest. */
  async setUp(id, work) {
    const tray = await this.editor.edit(id);
    // Where the pointer is, a field may show what is wrong with it.
    await this.page.mouse.move(2, 2);
    const offer = tray.getByRole('link', { name: 'Add a store' });
    if (await offer.isVisible()) {
      await offer.click();
      await this.page.locator('#node-config-input-port').waitFor();
      // The emulator of these scripts is at a port of its own; a user finds the usual one filled in.
      await this.page.locator('#node-config-input-port').fill(String(this.port));
      await this.page.locator('#node-config-input-host').fill(HOST);
      await this.editor.leaveStore('ok');
    }
    await work(tray);
    await this.editor.leave('ok');
  }

  key(name) {
    return (tray) => this.type(tray, 'key', name);
  }

  status(id, text) {
    const label = this.editor.onCanvas(id).locator('.red-ui-flow-node-status-label');
    return (
      typeof text === 'string' ? label.getByText(text, { exact: true }) : label.getByText(text)
    ).waitFor();
  }

  debugs(text) {
    return this.page
      .locator('.red-ui-debug-msg-payload, .red-ui-debug-msg-meta', { hasText: text })
      .first()
      .waitFor();
  }

  press(id) {
    return this.nodeRed.inject(id);
  }

  /** Deploys and shows what debug nodes print. Node-RED responds to a deploy before its flows are started, so the log counts. */
  async run() {
    const { lines } = this.nodeRed;
    const after = lines.all.length;
    await this.editor.deploy();
    await lines.find(/Started (modified )?(flows|nodes)/, after);
    await this.page.evaluate(() => window.RED.sidebar.show('debug'));
  }

  async take(path) {
    // The banner of a deploy disappears automatically.
    await this.page.locator('.red-ui-notification').first().waitFor({ state: 'detached' });
    await this.page.screenshot({ path });
  }

  async withStore(work) {
    const client = new StateStoreClient({ host: HOST, port: this.port });
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  /** Resolves when the key is there. */
  stored(name) {
    return this.withStore(
      (client) =>
        new Promise((resolve, reject) => {
          client
            .observe(name, (change) => change.operation === 'set' && resolve(), { current: true })
            .catch(reject);
        }),
    );
  }

  /** Deletes these keys, as far as they are there and not protected. */
  forget(names) {
    return this.withStore(async (client) => {
      for (const name of names) await client.delete(name).catch(() => {});
    });
  }
}

/** A broker with TLS, and one user with the password "secret". */
export function secureBroker(authority) {
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
  return Emulator.start({ host: HOST, port: 0, rules, tls: makeCertificate('broker', authority) });
}

/** Fills in the store of a new node: another broker, host, port, TLS with a CA file, username and password. */
export async function fillSecureStore(bench, { port, ca }) {
  const input = (name) => bench.page.locator(`#node-config-input-${name}`);
  await input('port').waitFor();
  bench.fields += 8;
  await input('place').selectOption('other');
  await input('host').fill('localhost');
  await input('tls').selectOption('files');
  await input('port').fill(String(port));
  await input('caFile').fill(ca);
  await input('login').selectOption('password');
  await input('username').fill('line1');
  await input('password').fill('secret');
}

/** Presses "Test connection", and resolves with the last line. */
export async function testConnection(bench) {
  await bench.page.locator('#statestore-test-button').click();
  await bench.page.locator('#statestore-test-button:enabled').waitFor();
  const lines = bench.page.locator('#statestore-test-results li');
  await lines.first().waitFor();
  return lines.last().innerText();
}
