/** The tab of the state store in the sidebar of an open editor. */
import type { Locator, Page } from 'playwright-core';
import type { Editor } from './editor';

interface AnswerWindow {
  RED: { sidebar: { show(id: string): void } };
  $: (target: Document) => {
    on(event: 'ajaxComplete', act: (event: unknown, xhr: unknown, request: { url: string }) => void): void;
  };
  /** Resolves when the page has dealt with the answer that was held back. */
  dealtWith: Promise<void>;
}

/** A little wider than where Node-RED 4.1 closes the sidebar; in 5.0 it becomes no narrower than 180 pixels. */
const NARROWEST = 152;

/** An answer that the page waits for. */
export interface HeldAnswer {
  /** Resolves when Node-RED has given it. */
  given: Promise<void>;
  /** Lets the page have it; resolves when the page has dealt with it. */
  release(): Promise<void>;
}

export class Sidebar {
  readonly #page: Page;
  readonly tab: Locator;
  readonly rows: Locator;
  readonly detail: Locator;
  /** The line with the state of the connection. */
  readonly state: Locator;
  readonly filter: Locator;
  readonly dialog: Locator;

  constructor({ page }: Editor) {
    this.#page = page;
    this.tab = page.locator('.statestore-sidebar');
    this.rows = this.tab.locator('.statestore-key');
    this.detail = this.tab.locator('.statestore-detail');
    this.state = this.tab.locator('.statestore-state');
    this.filter = this.tab.getByRole('textbox');
    this.dialog = page.getByRole('dialog');
  }

  /** Shows the tab, or another one. */
  async show(id = 'statestore'): Promise<void> {
    await this.#page.evaluate((tab) => (window as unknown as AnswerWindow).RED.sidebar.show(tab), id);
  }

  /** Chooses a store by its name. */
  async choose(store: string): Promise<void> {
    await this.tab.locator('select.statestore-stores').selectOption({ label: store });
  }

  /** Drags the border of the sidebar until it is as narrow as it gets. */
  async narrow(): Promise<void> {
    const { mouse } = this.#page;
    const whole = this.#page.locator('#red-ui-sidebar');
    const border = this.#page.locator('#red-ui-sidebar-separator');
    for (;;) {
      const [box, grip] = [await whole.boundingBox(), await border.boundingBox()];
      if (!box || !grip) throw new Error('there is no sidebar');
      const [x, y] = [grip.x + grip.width / 2, grip.y + grip.height / 5];
      await mouse.move(x, y);
      await mouse.down();
      await mouse.move(x + box.width - NARROWEST, y, { steps: 5 });
      await mouse.up();
      const after = await whole.boundingBox();
      if (after && Math.abs(after.width - box.width) < 2) return;
    }
  }

  /** Holds back the next answer to a request of the tab; those after it are not held back. */
  async holdBack(path: string): Promise<HeldAnswer> {
    let give: () => void = () => undefined;
    let release: () => void = () => undefined;
    const given = new Promise<void>((resolve) => {
      give = resolve;
    });
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isFirst = true;
    // It stays when it has done its work: to be taken away just then would hurt the request that follows.
    await this.#page.route(`**/statestore/${path}`, async (route) => {
      if (!isFirst) return route.fallback();
      isFirst = false;
      const response = await route.fetch();
      give();
      await released;
      return route.fulfill({ response });
    });
    await this.#page.evaluate((wanted) => {
      const page = window as unknown as AnswerWindow;
      page.dealtWith = new Promise((resolve) => {
        page.$(document).on('ajaxComplete', (_event, _xhr, { url }) => {
          // What waits for the answer goes on with a timer that was set before.
          if (url.endsWith(wanted)) setTimeout(resolve);
        });
      });
    }, path);
    return {
      given,
      release: async () => {
        release();
        await this.#page.evaluate(() => (window as unknown as AnswerWindow).dealtWith);
      },
    };
  }

  row(key: string | Uint8Array): Locator {
    return this.tab.locator(`.statestore-key[data-id="${Buffer.from(key).toString('base64')}"]`);
  }

  /** The row of a key when it shows this value. */
  shows(key: string, value: string | RegExp): Locator {
    return this.row(key).locator('.statestore-key-value', { hasText: value });
  }

  async lookUp(key: string): Promise<void> {
    await this.filter.fill(key);
    await this.filter.press('Enter');
    await this.row(key).waitFor();
  }

  button(name: string): Locator {
    return this.tab.getByRole('button', { name, exact: true });
  }

  /** Presses a button of the open dialog. */
  async press(name: string): Promise<void> {
    await this.dialog.getByRole('button', { name, exact: true }).click();
  }

  /** The keys whose rows exist, in their order. */
  async drawn(): Promise<string[]> {
    const rows = await this.rows.evaluateAll((all) =>
      all.map((row) => [Number(row.getAttribute('aria-posinset')), row.getAttribute('data-id')] as const),
    );
    return rows.sort(([a], [b]) => a - b).map(([, id]) => Buffer.from(id as string, 'base64').toString());
  }
}
