import { randomUUID } from 'node:crypto';
import type { StateStoreClient } from '../client/state-store-client';
import { update } from '../coordination/update';
import { StateStoreError } from '../errors';
import { addClaims, type Claim, isDeleted, parseEntries, type Verdict } from './restored';
import type { StoreKeys } from './store-keys';

/** Duration of the lock, in milliseconds. */
const LOCK_MS = 3000;
/** The verdict on a claim that cannot be made: a missing key is restored. */
const UNCONTESTED: Verdict = { wins: true, over: [] };

interface Waiter {
  claim: Claim;
  resolve(verdict: Verdict): void;
  reject(error: unknown): void;
}

/**
 * The claims of this process for keys that the store lost: one JSON object per scope, changed by {@link update} only. All claims of one
 * scope that are made at once are one update.
 */
export class RestoreClaims {
  readonly #store: StateStoreClient;
  readonly #keys: StoreKeys;
  readonly #persist: boolean;
  readonly #onTrouble: (error: unknown) => void;
  readonly #id = randomUUID();
  readonly #waiting = new Map<string, Waiter[]>();

  /** `onTrouble` is called with the error of a claim that can never be made. */
  constructor(
    store: StateStoreClient,
    keys: StoreKeys,
    persist: boolean,
    onTrouble: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#keys = keys;
    this.#persist = persist;
    this.#onTrouble = onTrouble;
  }

  /** Rejects if the store cannot be asked in time; the claim can be made again. */
  claim(scope: string, claim: Claim): Promise<Verdict> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { claim, resolve, reject };
      const waiting = this.#waiting.get(scope);
      if (waiting) {
        waiting.push(waiter);
        return;
      }
      this.#waiting.set(scope, [waiter]);
      setImmediate(() => void this.#send(scope));
    });
  }

  /** Whether another process claimed a delete that is newer than this version. */
  async isDeleted(scope: string, name: string, version: string): Promise<boolean> {
    const reading = await this.#store.get(this.#keys.restored(scope));
    return reading.found && isDeleted(parseEntries(reading.value), name, version);
  }

  async #send(scope: string): Promise<void> {
    const waiters = this.#waiting.get(scope) ?? [];
    this.#waiting.delete(scope);
    const claims = waiters.map(({ claim }) => claim);
    let verdicts: Verdict[] = [];
    try {
      await update(
        this.#store,
        this.#keys.restored(scope),
        (bytes) => {
          const entries = parseEntries(bytes);
          verdicts = addClaims(entries, claims, this.#id);
          return JSON.stringify(entries);
        },
        { lock: this.#keys.restoredLock(scope), duration: LOCK_MS, persist: this.#persist },
      );
      for (const [index, { resolve }] of waiters.entries()) resolve(verdicts[index] ?? UNCONTESTED);
    } catch (error) {
      const passing = error instanceof StateStoreError && error.retryable;
      if (!passing) this.#onTrouble(error);
      for (const { resolve, reject } of waiters) {
        if (passing) reject(error);
        else resolve(UNCONTESTED);
      }
    }
  }
}
