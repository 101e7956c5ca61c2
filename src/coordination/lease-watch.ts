import type { Observation } from '../client/observation';
import { type Bytes, toBytes } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import type { StateStoreError } from '../errors';
import { parseHolder } from './holder';

/** `unknown`: the key is not observed. */
export type LeaseState =
  | { kind: 'unknown' }
  /** `since`: on the monotonic clock, in milliseconds. `isGuess`: neither a notification nor a reading said so. */
  | { kind: 'free'; since: number; isGuess: boolean }
  /** `holder`: the text of the holder, which may be our own; `undefined` if no notification has named it yet. */
  | { kind: 'held'; holder: string | undefined };

export interface LeaseWatchEvents {
  onChange(state: LeaseState): void;
  /** The store does not let the key be observed any more. */
  onLost(error: StateStoreError): void;
}

/** Observes the key of a lease: free, or held by whom. */
export class LeaseWatch {
  readonly #store: StateStoreClient;
  readonly #key: Bytes;
  readonly #events: LeaseWatchEvents;
  #state: LeaseState = { kind: 'unknown' };
  #opening: Promise<void> | undefined;
  /** Replaced by each opening, so that an earlier one changes nothing. */
  #session: object | undefined;
  #observation: Observation | undefined;
  #longest = 0;

  constructor(store: StateStoreClient, key: Bytes, events: LeaseWatchEvents) {
    this.#store = store;
    this.#key = key;
    this.#events = events;
  }

  get state(): LeaseState {
    return this.#state;
  }

  /** The longest duration that any holder was seen with, in milliseconds. */
  get longest(): number {
    return this.#longest;
  }

  /** Resolves when the state is known. Rejects if the key cannot be observed. */
  open(): Promise<void> {
    if (this.#opening) return this.#opening;
    const opening = this.#open();
    this.#opening = opening;
    opening.catch(() => {
      if (this.#opening === opening) this.#stop();
    });
    return opening;
  }

  async close(): Promise<void> {
    const observation = this.#observation;
    this.#stop();
    await observation?.close().catch(() => undefined);
  }

  /** The store answered that another client holds the lease; no notification said so. */
  missed(): void {
    if (this.#state.kind !== 'unknown') this.#state = { kind: 'held', holder: undefined };
  }

  /** A holder that does not renew, or whose end was not reported, may be gone: the state counts as free. */
  doubt(): void {
    if (this.#state.kind === 'held') this.#becomeFree(true);
  }

  async #open(): Promise<void> {
    const session = {};
    this.#session = session;
    const mine = () => this.#session === session;
    this.#store.on('observationLost', this.#onLost);
    const observation = await this.#store.observe(
      this.#key,
      (change) => {
        if (!mine()) return;
        if (change.operation === 'delete') this.#becomeFree(false);
        else this.#seen(change.value.toString());
      },
      { current: true },
    );
    if (!mine()) {
      await observation.close().catch(() => undefined);
      return;
    }
    this.#observation = observation;
    if (this.#state.kind === 'unknown') this.#becomeFree(false);
  }

  #seen(holder: string): void {
    this.#longest = Math.max(this.#longest, parseHolder(holder).duration ?? 0);
    this.#become({ kind: 'held', holder });
  }

  #becomeFree(isGuess: boolean): void {
    this.#become({ kind: 'free', since: performance.now(), isGuess });
  }

  #become(state: LeaseState): void {
    this.#state = state;
    this.#events.onChange(state);
  }

  #stop(): void {
    this.#opening = undefined;
    this.#session = undefined;
    this.#observation = undefined;
    this.#state = { kind: 'unknown' };
    this.#store.off('observationLost', this.#onLost);
  }

  readonly #onLost = (key: Buffer, error: StateStoreError): void => {
    if (!key.equals(toBytes('key', this.#key))) return;
    void this.close();
    this.#events.onLost(error);
  };
}
