/** The keys of the store that hold the context: docs/context.md, "What is in the store". */
import { StateStoreError } from '../errors';
import { escapePattern } from '../protocol/glob';
import { MAX_OBSERVED_KEY_BYTES } from '../protocol/topics';

/** The content of a key: the names of all scopes, the names of the keys of one scope, or a value. */
export type StorePlace =
  | { kind: 'scopes' }
  | { kind: 'index'; scope: string }
  | { kind: 'value'; scope: string; name: string };

/** The end of the key of a lock of {@link update}. */
const LOCK_END = '/lock';

export class StoreKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Distinguishes one life of the store from the next: a store that lost everything has lost this key as well. */
  get life(): string {
    return `${this.#prefix}/$life`;
  }

  /** The names of all scopes. */
  get scopes(): string {
    return `${this.#prefix}/$scopes`;
  }

  get scopesLock(): string {
    return `${this.#prefix}/$lock`;
  }

  /** The content of a key that may be observed, `undefined` for any other key. */
  placeOf(key: string): StorePlace | undefined {
    if (key === this.scopes) return { kind: 'scopes' };
    if (!key.startsWith(`${this.#prefix}/`)) return undefined;
    const [first = '', ...rest] = key.slice(this.#prefix.length + 1).split('/');
    if (first === '$index') return { kind: 'index', scope: unescaped(rest.join('/')) };
    return first.startsWith('$')
      ? undefined
      : { kind: 'value', scope: unescaped(first), name: rest.join('/') };
  }

  /** The pattern of the keys of all values, or of the values of one scope. */
  pattern(scope?: string): string {
    const begin = scope === undefined ? this.#prefix : `${this.#prefix}/${escaped(scope)}`;
    return `${escapePattern(begin)}/*`;
  }

  /** The context key whose value is at this key. `undefined` for a key that this context does not use, and for a lock of an update. */
  valueAt(key: Buffer): { scope: string; name: string } | undefined {
    const text = key.toString();
    const place = key.length <= MAX_OBSERVED_KEY_BYTES ? this.placeOf(text) : undefined;
    if (place?.kind !== 'value' || place.name === '' || place.name.endsWith(LOCK_END)) return undefined;
    const { scope, name } = place;
    // Bytes that are not UTF-8, or a scope that is not escaped as here, make another key.
    const isSame = !text.includes('\ufffd') && this.value(scope, name) === text;
    return isSame ? { scope, name } : undefined;
  }

  /** The names of all keys of one scope. */
  index(scope: string): string {
    return `${this.#prefix}/$index/${escaped(scope)}`;
  }

  indexLock(scope: string): string {
    return `${this.#prefix}/$lock/${escaped(scope)}`;
  }

  /** Which process restored which key of a scope after the store lost everything. */
  restored(scope: string): string {
    return `${this.#prefix}/$restored/${escaped(scope)}`;
  }

  restoredLock(scope: string): string {
    return `${this.#prefix}/$lock/$restored/${escaped(scope)}`;
  }

  /**
   * Where the value of one context key is. `name` is its first part, of any characters; scopes have no `/` in here, so that no two
   * of them meet. Throws `BAD_ARGUMENT` when it is too long, or no text that UTF-8 can hold.
   */
  value(scope: string, name: string): string {
    const key = `${this.#prefix}/${escaped(scope)}/${name}`;
    // Half a pair of UTF-16 has no UTF-8: two such names would be one key.
    if (/\p{Surrogate}/u.test(key)) throw wrongName(name, 'contains an incomplete Unicode character');
    const bytes = Buffer.byteLength(key);
    if (bytes <= MAX_OBSERVED_KEY_BYTES) return key;
    throw wrongName(name, `makes a key of ${bytes} bytes, but the limit is ${MAX_OBSERVED_KEY_BYTES}`);
  }
}

/** Characters that generated IDs of nodes and flows do not have. */
function escaped(scope: string): string {
  return scope.replace(/[%/$]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
}

function unescaped(scope: string): string {
  return scope.replace(/%([0-9a-f]{2})/g, (_all, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function wrongName(name: string, why: string): StateStoreError {
  const shown = name.length > 60 ? `${name.slice(0, 60)}...` : name;
  return new StateStoreError('BAD_ARGUMENT', `The context key ${JSON.stringify(shown)} ${why}.`);
}
