/** The tab of the state store in the sidebar of an open editor. */
import type { Locator, Page } from 'playwright-core';
import type { Editor } from './editor';

interface SidebarWindow {
  RED: { sidebar: { show(id: string): void } };
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
    await this.#page.evaluate((tab) => (window as unknown as SidebarWindow).RED.sidebar.show(tab), id);
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
