/** The texts of the context store in the language of Node-RED. They are in the catalogue that the nodes share. */
import { join } from 'node:path';
import { messageOf, StateStoreError } from '../errors';
import type { NodeRed } from './node-red';

const CATALOGUE = '@edgestate/node-red-statestore/statestore-config';
const FILE = 'statestore-config.json';

export type Values = Record<string, string | number>;

export class Words {
  readonly #i18n: NodeRed['i18n'];

  constructor(i18n: NodeRed['i18n']) {
    this.#i18n = i18n;
  }

  /** Loads the texts, unless Node-RED has done so for the nodes. Node-RED loads nodes before it opens context stores. */
  async load(): Promise<void> {
    // Without a running Node-RED no language is selected. With one this does nothing.
    this.#i18n.init({ lang: 'en-US' });
    if (this.#i18n.availableLanguages(CATALOGUE)) return;
    const folder = join(__dirname, '..', '..', 'nodes', 'locales');
    await this.#i18n.registerMessageCatalog(CATALOGUE, folder, FILE);
  }

  /** A text, with values in place of its placeholders. */
  text(key: string, values: Values = {}): string {
    return this.#translate(`context.${key}`, values);
  }

  /** What an error says: a sentence for its kind, around what is known of this very case in English. */
  explain(error: unknown): string {
    const detail = messageOf(error);
    const kind = kindOf(error);
    if (kind === undefined) return detail;
    const key = `error.${kind}`;
    const text = this.#translate(key, { detail });
    return text.endsWith(key) ? detail : text;
  }

  #translate(key: string, values: Values): string {
    return this.#i18n._(`${CATALOGUE}:statestore.${key}`, values);
  }
}

/** Why there is no connection, or else the code of the error; `undefined` for an error of others. */
function kindOf(error: unknown): string | undefined {
  return error instanceof StateStoreError ? (error.reason ?? error.code) : undefined;
}
