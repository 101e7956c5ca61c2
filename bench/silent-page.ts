/** A page that looks into a store as the tab in the sidebar does, and draws nothing: it takes no CPU time away from what it looks at. */
import assert from 'node:assert/strict';
import { Admin, type Told } from '../test/support/admin';
import type { NodeRed } from '../test/support/node-red';

const TOPIC = 'statestore/watch';

export class SilentPage {
  readonly #admin: Admin;
  readonly #watch: string;
  /** Values of keys in its messages. */
  values = 0;

  private constructor(admin: Admin, watch: string) {
    this.#admin = admin;
    this.#watch = watch;
    admin.on('told', () => {
      for (const told of admin.told.splice(0)) this.#onTold(told);
    });
  }

  /** Sees these keys of a store until it is closed. */
  static async open(nodeRed: NodeRed, store: string, keys: readonly string[]): Promise<SilentPage> {
    const admin = Admin.anonymous(nodeRed);
    await admin.connect();
    const { status, body } = await admin.call('POST', 'statestore/watches', { store });
    assert.equal(status, 200, JSON.stringify(body));
    const page = new SilentPage(admin, body.watch as string);
    admin.send(TOPIC, { watch: page.#watch, seq: 0 });
    const seen = { keys: keys.map((key) => Buffer.from(key).toString('base64')) };
    await admin.call('PUT', `statestore/watches/${page.#watch}`, seen);
    return page;
  }

  async close(): Promise<void> {
    await this.#admin.call('DELETE', `statestore/watches/${this.#watch}`);
    this.#admin.disconnect();
  }

  #onTold({ topic, data }: Told): void {
    const { watch, seq, keys = [] } = data as { watch?: string; seq?: number; keys?: unknown[] };
    if (topic !== TOPIC || watch !== this.#watch) return;
    this.values += keys.length;
    this.#admin.send(TOPIC, { watch, seq });
  }
}
