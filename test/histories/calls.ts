/** What the clients of a history ask of the store: which keys, which operations, and what became of them. */
import { type StateStoreClient, StateStoreError } from '../../src/index';
import type { KeyOperation, Told } from '../support/key-history';
import type { Random } from '../support/random';

/**
 * `plain`: values that differ from call to call, so that a write which is applied twice shows. `compared`: few values, for NEX and VDEL.
 * `fenced`: protected by fencing tokens.
 */
type Kind = 'plain' | 'compared' | 'fenced';

/** What a client may ask. */
export type Operation = Exclude<KeyOperation, { do: 'restart' }>;

const KINDS: readonly Kind[] = ['plain', 'plain', 'plain', 'compared', 'compared', 'fenced', 'fenced'];
const FEW_VALUES = ['x', 'y', 'z'];
const REMEMBERED = 8;

/** Keys for {@link BURST} calls at once: many, so that the calls without an outcome on each stay few. */
const BURST_KEYS = 50;
/** How many calls a client makes at once now and then: what it resends must not fit into one packet of the network. */
const BURST = 120;

/** The keys of one window of time, so that the history of each stays short. */
export function keysOf(window: number): string[] {
  return KINDS.map((kind, i) => `${window}/${kind}${i}`);
}

/** Keys of the window for many calls at once. */
export function burstKeysOf(window: number): string[] {
  return Array.from({ length: BURST_KEYS }, (_, i) => `${window}/plain-burst${i}`);
}

/** The keys of one burst; some come more than once. */
export function burst(window: number, random: Random): string[] {
  const keys = burstKeysOf(window);
  return Array.from({ length: BURST }, () => random.pick(keys));
}

/** Chooses operations. Earlier results are used again: versions as fencing tokens, values to compare with. */
export class Calls {
  readonly #versions: string[] = [];
  readonly #values = new Map<string, string[]>();
  #count = 0;

  next(key: string, random: Random): Operation {
    const dice = random.next();
    const value = `v${++this.#count}`;
    switch (kindOf(key)) {
      case 'plain':
        if (dice < 0.4) return this.#set(key, value);
        if (dice < 0.55) return { do: 'set', value, condition: 'NX' };
        if (dice < 0.75) return { do: 'get' };
        if (dice < 0.9) return { do: 'delete' };
        return { do: 'delete', value: random.pick(this.#values.get(key) ?? [value]) };
      case 'compared':
        if (dice < 0.45) return { do: 'set', value: random.pick(FEW_VALUES), condition: 'NEX' };
        if (dice < 0.75) return { do: 'delete', value: random.pick(FEW_VALUES) };
        return dice < 0.95 ? { do: 'get' } : { do: 'delete' };
      case 'fenced': {
        const token = this.#versions.length > 0 ? random.pick(this.#versions) : undefined;
        if (dice < 0.5) return { do: 'set', value, token };
        if (dice < 0.6) return { do: 'set', value };
        return dice < 0.7 ? { do: 'delete', token } : { do: 'get' };
      }
    }
  }

  /** Remembers the result. */
  learn(told: Told): void {
    if (!('version' in told) || told.version === undefined) return;
    this.#versions.push(told.version);
    if (this.#versions.length > REMEMBERED) this.#versions.shift();
  }

  forget(keys: readonly string[]): void {
    for (const key of keys) this.#values.delete(key);
  }

  #set(key: string, value: string): Operation {
    const values = this.#values.get(key) ?? [];
    this.#values.set(key, [...values, value].slice(-REMEMBERED / 2));
    return { do: 'set', value };
  }
}

function kindOf(key: string): Kind {
  return /[a-z]+/.exec(key)?.[0] as Kind;
}

/** Makes the call. `unsent`: by its error it had no effect, and says nothing about the key. */
export async function perform(
  store: StateStoreClient,
  key: string,
  operation: Operation,
  timeout: number,
): Promise<Told | { unsent: string }> {
  try {
    switch (operation.do) {
      case 'get': {
        const got = await store.get(key, { timeout });
        return got.found
          ? { found: true, value: got.value.toString(), version: got.version }
          : { found: false };
      }
      case 'set': {
        const { value, condition, token } = operation;
        const options = {
          ...(condition && { condition }),
          ...(token !== undefined && { fencingToken: token }),
        };
        return await store.set(key, value, { timeout, ...options });
      }
      case 'delete': {
        const { value, token } = operation;
        const options = { timeout, ...(token !== undefined && { fencingToken: token }) };
        return await (value === undefined
          ? store.delete(key, options)
          : store.deleteIfValue(key, value, options));
      }
    }
  } catch (error) {
    if (error instanceof StateStoreError) return outcomeOf(error);
    throw error;
  }
}

const REFUSALS = ['FENCING_TOKEN_REQUIRED', 'FENCING_TOKEN_LOWER_VERSION'];

/** What an error says about the write: docs/dev/architecture.md, "Request outcomes". */
function outcomeOf({ code, applied }: StateStoreError): Told | { unsent: string } {
  if (REFUSALS.includes(code)) return { refused: code };
  return applied === 'no' ? { unsent: code } : { unknown: code };
}
