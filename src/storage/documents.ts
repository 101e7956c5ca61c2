/** Settings of the editor, login sessions and the library of flows and functions: small values that all instances share. */
import type { StateStoreClient } from '../client/state-store-client';
import { update } from '../coordination/update';
import { messageOf, StateStoreError } from '../errors';
import type { Secret } from './secret';

export type Names = Record<string, unknown>;

/** Settings that belong to one installation, and stay on its disk. */
const LOCAL_SETTINGS = new Set([
  '_credentialSecret',
  'instanceId',
  'modules',
  'nodes',
  'projects',
  'runtimeFlowState',
  'telemetryEnabled',
  'telemetryLastSent',
]);

/** The settings that all instances share, such as those of the users of the editor. */
export function sharedPartOf(settings: Names): Names {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !LOCAL_SETTINGS.has(name)));
}

/** Names that were added, changed (`put`) or removed between two states. */
export function differenceOf(before: Names, after: Names): { put: Names; removed: string[] } {
  const put = Object.entries(after).filter(
    ([name, value]) => JSON.stringify(before[name]) !== JSON.stringify(value),
  );
  return {
    put: Object.fromEntries(put),
    removed: Object.keys(before).filter((name) => !Object.hasOwn(after, name)),
  };
}

export interface SharedNamesOptions {
  key: string;
  /** Name of the value for messages: "The login sessions". */
  title: string;
  persist: boolean;
  /** The value is encrypted if there is a secret. */
  secret?: Secret;
  warn(text: string): void;
}

/**
 * One object of names and values in one key. Two instances that change different names both keep their changes. Without a connection
 * changes wait for the next one, and Node-RED goes on with its own state.
 */
export class SharedNames {
  readonly #client: StateStoreClient;
  readonly #options: SharedNamesOptions;
  /** The last state that this instance read or wrote. */
  #known: Names = {};
  #wanted: Names | undefined;

  constructor(client: StateStoreClient, options: SharedNamesOptions) {
    this.#client = client;
    this.#options = options;
    client.on('state', ({ kind }) => {
      if (kind === 'connected' && this.#wanted) void this.#flush();
    });
  }

  /** Returns an empty object, with a warning, if the value cannot be read, is damaged or was encrypted with another secret. */
  async read(): Promise<Names> {
    if (this.#client.state.kind !== 'connected') return {};
    const { key, title, warn } = this.#options;
    try {
      const got = await this.#client.get(key);
      this.#known = got.found ? this.#decode(got.value) : {};
    } catch (error) {
      warn(`${title} were not read from the state store: ${messageOf(error)}`);
    }
    return { ...this.#known };
  }

  /** Writes the difference to the last known state, now or with the next connection. */
  async write(names: Names): Promise<void> {
    this.#wanted = names;
    if (this.#client.state.kind === 'connected') await this.#flush();
  }

  async #flush(): Promise<void> {
    const wanted = this.#wanted as Names;
    const { put, removed } = differenceOf(this.#known, wanted);
    if (Object.keys(put).length > 0 || removed.length > 0) {
      try {
        await this.#change(put, removed);
      } catch (error) {
        const { title, warn } = this.#options;
        warn(`${title} were not written to the state store: ${messageOf(error)}`);
        return;
      }
    }
    this.#known = { ...wanted };
    if (this.#wanted === wanted) this.#wanted = undefined;
  }

  async #change(put: Names, removed: string[]): Promise<void> {
    const { key, persist } = this.#options;
    await update(
      this.#client,
      key,
      (bytes) => {
        const others = bytes === undefined ? {} : this.#decode(bytes);
        for (const name of removed) delete others[name];
        return this.#encode({ ...others, ...put });
      },
      { persist },
    );
  }

  #decode(bytes: Buffer): Names {
    const { secret, key } = this.#options;
    const value = secret ? secret.decrypt(bytes) : parseNames(bytes);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    throw new StateStoreError('BAD_RESPONSE', {
      problem: `The value of key ${key} is damaged`,
      advice: 'Delete the key. The next change writes it again.',
    });
  }

  #encode(names: Names): Buffer {
    const { secret } = this.#options;
    return secret ? secret.encrypt(names) : Buffer.from(JSON.stringify(names));
  }
}

/** Returns `undefined` if the bytes are not JSON. */
function parseNames(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Details of an entry of the library, such as its name. */
export type Meta = Record<string, string>;

/** Entries of one type, such as `functions`, under paths with slashes. */
export class Library {
  readonly #client: StateStoreClient;
  readonly #prefix: string;
  readonly #persist: boolean;

  constructor(client: StateStoreClient, prefix: string, persist: boolean) {
    this.#client = client;
    this.#prefix = prefix;
    this.#persist = persist;
  }

  /** The text of an entry, or the content of a folder: names of folders, then entries with their details and `fn`. */
  async read(type: string, path: string): Promise<string | (string | (Meta & { fn: string }))[]> {
    const entries = await this.#entries(type);
    const name = clean(path);
    const found = [name, `${name}.json`].find((one) => Object.hasOwn(entries, one));
    if (found !== undefined && !path.endsWith('/')) {
      const got = await this.#client.get(this.#bodyKey(type, found));
      if (got.found) return got.value.toString('utf8');
    }
    const folder = listFolder(entries, name);
    if (folder.length > 0 || name === '' || path.endsWith('/')) return folder;
    throw Object.assign(new Error(`Library Entry not found ${path}`), { code: 'not_found' });
  }

  async write(type: string, path: string, meta: Meta, body: string): Promise<void> {
    const name = type === 'flows' && !path.endsWith('.json') ? `${clean(path)}.json` : clean(path);
    await this.#client.set(this.#bodyKey(type, name), body, { persist: this.#persist });
    await update(
      this.#client,
      this.#listKey(type),
      (bytes) => JSON.stringify({ ...parseEntries(bytes), [name]: meta }),
      { persist: this.#persist },
    );
  }

  async #entries(type: string): Promise<Record<string, Meta>> {
    const got = await this.#client.get(this.#listKey(type));
    return parseEntries(got.found ? got.value : undefined);
  }

  #listKey(type: string): string {
    return `${this.#prefix}/library/${type}`;
  }

  #bodyKey(type: string, name: string): string {
    return `${this.#listKey(type)}/${name}`;
  }
}

function parseEntries(bytes: Buffer | undefined): Record<string, Meta> {
  return bytes === undefined ? {} : (JSON.parse(bytes.toString('utf8')) as Record<string, Meta>);
}

/** Folder names first, then entries, both in the order of their names. */
function listFolder(entries: Record<string, Meta>, folder: string): (string | (Meta & { fn: string }))[] {
  const begin = folder === '' ? '' : `${folder}/`;
  const inside = Object.keys(entries)
    .filter((name) => name.startsWith(begin))
    .map((name) => ({ name, rest: name.slice(begin.length) }));
  const folders = inside
    .filter(({ rest }) => rest.includes('/'))
    .map(({ rest }) => rest.split('/')[0] as string);
  const files = inside.filter(({ rest }) => !rest.includes('/'));
  return [
    ...[...new Set(folders)].sort(),
    ...files
      .sort((a, b) => (a.rest < b.rest ? -1 : 1))
      .map(({ name, rest }) => ({ ...entries[name], fn: rest })),
  ];
}

function clean(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
