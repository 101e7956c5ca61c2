/** Node-RED's editor in a real browser, with a Node-RED of its own behind it. */
import assert from 'node:assert/strict';
import chromium from '@sparticuz/chromium';
import { type Browser, type Locator, type Page, chromium as playwright } from 'playwright-core';
import { Admin } from './admin';
import { followPage } from './failure-pictures';
import { NodeRed, type NodeRedOptions } from './node-red';

/** What these tests use of the editor's global object. */
interface EditorWindow {
  RED: {
    actions: { invoke(action: string): void };
    nodes: {
      createCompleteNodeSet(): Record<string, unknown>[];
      eachWorkspace(act: (flow: { id: string; label: string }) => void): void;
    };
    workspaces: { show(id: string): void };
  };
}

export interface EditorOptions {
  /** Flows that are deployed before the editor opens. */
  flows?: object[];
  /** Settings and environment of Node-RED. */
  nodeRed?: NodeRedOptions;
  /** Who is logged in, where Node-RED has users; may deploy. */
  user?: string;
}

const SETTINGS = {
  editorTheme: { tours: false, palette: { catalogues: [] } },
  telemetry: { enabled: false },
};

export class Editor {
  readonly nodeRed: NodeRed;
  readonly page: Page;
  /** Everything the browser complained of. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;

  private constructor(nodeRed: NodeRed, browser: Browser, page: Page) {
    this.nodeRed = nodeRed;
    this.#browser = browser;
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(`${message.text()} ${message.location().url}`);
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    followPage(page, this.complaints);
  }

  static async open({ flows, nodeRed: options, user }: EditorOptions = {}): Promise<Editor> {
    const nodeRed = await NodeRed.start({ ...options, settings: { ...SETTINGS, ...options?.settings } });
    const admin = user === undefined ? undefined : await Admin.logIn(nodeRed, user);
    if (flows) await (admin ?? nodeRed).deploy(flows);
    const browser = await playwright.launch({
      executablePath: await chromium.executablePath(),
      // Nothing here needs a graphics card; to do its work in software costs more than all else.
      args: ['--headless=shell', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, locale: 'en-US' });
    // Only to end what hangs: a busy machine is slow.
    page.setDefaultTimeout(110_000);
    const editor = new Editor(nodeRed, browser, page);
    if (admin) await editor.#logIn(admin);
    await editor.load();
    return editor;
  }

  /** Logs another user in. */
  async become(user: string): Promise<void> {
    await this.#logIn(await Admin.logIn(this.nodeRed, user));
    await this.load();
  }

  async #logIn(admin: Admin): Promise<void> {
    await this.page.goto(this.nodeRed.base);
    await this.page.evaluate((token) => localStorage.setItem('auth-tokens', token), admin.token);
  }

  /** Loads the editor, once more if need be. */
  async load(): Promise<void> {
    await this.page.goto(this.nodeRed.base);
    await this.page
      .locator('#red-ui-palette .red-ui-palette-node[data-palette-type="statestore-set"]')
      .waitFor();
    await this.page.locator('#red-ui-header-button-deploy').waitFor();
    await this.page.locator('#red-ui-loading-progress').waitFor({ state: 'hidden' });
  }

  /** Loads the editor in another language. */
  async speak(language: string): Promise<void> {
    await this.page.evaluate((lang) => localStorage.setItem('editor-language', lang), language);
    await this.load();
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.nodeRed.stop();
  }

  async invoke(action: string): Promise<void> {
    await this.page.evaluate((name) => (window as unknown as EditorWindow).RED.actions.invoke(name), action);
  }

  /** Shows a flow that was just imported, as a click on its tab does, which Core may miss while its tabs move. */
  async showFlow(label: string): Promise<void> {
    await this.page.locator('#red-ui-workspace-tabs .red-ui-tab', { hasText: label }).waitFor();
    await this.page.evaluate((wanted) => {
      const { RED } = window as unknown as EditorWindow;
      RED.nodes.eachWorkspace(({ id, label }) => {
        if (label === wanted) RED.workspaces.show(id);
      });
    }, label);
  }

  /** The configuration of a node as a deploy would send it. */
  async node(id: string): Promise<Record<string, unknown>> {
    const all = await this.#allNodes();
    const found = all.find((node) => node.id === id);
    assert.ok(found, `there is no node ${id}`);
    return found;
  }

  /** The node of this type that was added last. */
  async newest(type: string): Promise<Record<string, unknown>> {
    const all = await this.#allNodes();
    const found = all.filter((node) => node.type === type).at(-1);
    assert.ok(found, `there is no ${type}`);
    return found;
  }

  #allNodes(): Promise<Record<string, unknown>[]> {
    return this.page.evaluate(() => (window as unknown as EditorWindow).RED.nodes.createCompleteNodeSet());
  }

  onCanvas(id: string): Locator {
    return this.page.locator(`#${escaped(id)}`);
  }

  /** Drags a node from the palette to the canvas; resolves with its ID. */
  async drag(type: string, x: number, y: number): Promise<string> {
    const source = this.page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
    await source.scrollIntoViewIfNeeded();
    const canvas = this.page.locator('#red-ui-workspace-chart');
    const [from, area] = [await source.boundingBox(), await canvas.boundingBox()];
    assert.ok(from && area);
    await this.page.mouse.move(from.x + 20, from.y + 10);
    await this.page.mouse.down();
    await this.page.mouse.move(area.x + x - 10, area.y + y, { steps: 8 });
    await this.page.mouse.move(area.x + x, area.y + y, { steps: 2 });
    await this.page.mouse.up();
    const { id } = await this.newest(type);
    await this.onCanvas(id as string).waitFor();
    return id as string;
  }

  /** Draws a wire from the first output of one node to the input of another. */
  async wire(from: string, to: string): Promise<void> {
    const output = await this.onCanvas(from)
      .locator('.red-ui-flow-port-output .red-ui-flow-port')
      .boundingBox();
    const input = await this.onCanvas(to).locator('.red-ui-flow-port-input .red-ui-flow-port').boundingBox();
    assert.ok(output && input);
    await this.page.mouse.move(output.x + 5, output.y + 5);
    await this.page.mouse.down();
    await this.page.mouse.move(input.x + 5, input.y + 5, { steps: 10 });
    await this.page.mouse.up();
    assert.deepEqual((await this.node(from)).wires, [[to]]);
  }

  /** Opens the dialog of a node on the canvas; resolves when it has slid in. */
  async edit(id: string): Promise<Locator> {
    // Not by a double click: on a busy machine its clicks may be too far apart for the editor, or too near.
    await this.onCanvas(id).locator('.red-ui-flow-node').click();
    await this.page.keyboard.press('Enter');
    return this.#tray('#node-dialog-ok');
  }

  /** Opens the dialog of the store that is chosen in the open dialog. */
  async editStore(button = '#node-input-btn-store-edit'): Promise<Locator> {
    await this.page.locator(button).click();
    return this.#tray('#node-config-dialog-ok');
  }

  async #tray(button: string): Promise<Locator> {
    const tray = this.page.locator('.red-ui-tray').last();
    await tray.locator(button).waitFor();
    // It slides in: until it is all there, and stands where it stood a moment before.
    await this.page.waitForFunction(
      () => {
        const last = [...document.querySelectorAll<HTMLElement>('.red-ui-tray')].at(-1) as HTMLElement;
        const before = last.dataset.left;
        const { left, right } = last.getBoundingClientRect();
        last.dataset.left = String(left);
        return before === last.dataset.left && right <= window.innerWidth;
      },
      undefined,
      { polling: 50 },
    );
    return tray;
  }

  /** Presses Done or Cancel of the dialog of a node. */
  async leave(how: 'ok' | 'cancel'): Promise<void> {
    await this.page.locator(`#node-dialog-${how}`).click();
    await this.page.locator('.red-ui-tray').waitFor({ state: 'detached' });
  }

  /** Presses Add, Update or Cancel of the dialog of a store. */
  async leaveStore(how: 'ok' | 'cancel'): Promise<void> {
    await this.page.locator(`#node-config-dialog-${how}`).click();
    await this.page.locator('#node-config-dialog-ok').waitFor({ state: 'detached' });
    await this.#tray('#node-dialog-ok');
  }

  /** Deploys, also when the editor warns that a node is not complete. A notification may be that of an earlier deploy, so the response counts. */
  async deploy(): Promise<void> {
    const button = this.page.locator('#red-ui-header-button-deploy');
    const response = this.page.waitForResponse(
      (found) => found.request().method() === 'POST' && new URL(found.url()).pathname === '/flows',
    );
    await button.click();
    const anyway = this.page.locator('.red-ui-notification button', { hasText: 'Confirm deploy' });
    const accepted = this.page.locator('#red-ui-header-button-deploy.disabled');
    await accepted.or(anyway).first().waitFor();
    if (await anyway.isVisible()) await anyway.click();
    const status = (await response).status();
    assert(status < 300, `the deploy was refused with ${status}`);
    await accepted.waitFor();
  }
}

/** IDs of nodes may begin with a digit. */
function escaped(id: string): string {
  return id.replace(/^\d/, (digit) => `\\3${digit} `);
}
