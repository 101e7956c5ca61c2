import { setTimeout as pause } from 'node:timers/promises';
import type { Observation } from '../client/observation';
import type { RequestOptions } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { timeLeft } from '../client/time-left';
import { update } from '../coordination/update';
import { StateStoreError } from '../errors';
import { NameWaiter } from './name-waiter';
import { addFitting, listFull, maxBytes, parseNames } from './names';
import { notInTime } from './not-in-time';

/** Where a list is, and what belongs to it. */
export interface NameListPlace {
  key: string;
  lock: string;
  /** The key whose absence says that a name is in use no more. */
  keyOf(name: string): string;
}

export interface NameListEvents {
  /** Called with the content of the list whenever it changed, once {@link NameList.open} was called. */
  onNames(names: ReadonlySet<string>): void;
  /** The last name was taken away here. */
  onEmptied?(): void;
}

/** Duration of the lock, in milliseconds: for so long a process that was killed in the middle keeps others from adding names. */
const LOCK_MS = 3000;
/** Most names that one update takes away: each has to be looked at in half of that time. */
const MOST_REMOVALS = 1000;

/** Pause after an attempt that may succeed later, in milliseconds. */
const RETRY_PAUSE_MS = 100;
/** Attempts to remove names before they are left in the list. */
const MAX_ATTEMPTS = 3;

/**
 * A list of names that several Node-RED instances add to and remove from at the same time without losing one: a JSON array in one key,
 * changed by {@link update} only. Requests that arrive meanwhile are joined into the next update.
 *
 * A name is removed only if its key does not exist, checked under the lock. So a process that sets that key checks {@link has} once more
 * *after* the answer: either the other process sees the key, or this process sees that the name is missing, and adds it again.
 */
export class NameList {
  readonly #store: StateStoreClient;
  readonly #place: NameListPlace;
  readonly #persist: boolean;
  readonly #events: NameListEvents;
  /** Names that are certain to be in the list, unless the store was emptied. */
  #certain = new Set<string>();
  #known = false;
  /** Of these, names that another process may be about to remove, until a later update of this process has put them there. */
  #doubted = new Set<string>();
  #adding = new Set<NameWaiter>();
  readonly #removing = new Set<string>();
  #running: Promise<void> | undefined;
  /** Failed attempts to remove names, one after the other. */
  #attempts = 0;
  #observation: Promise<Observation> | undefined;

  constructor(store: StateStoreClient, place: NameListPlace, persist: boolean, events: NameListEvents) {
    this.#store = store;
    this.#place = place;
    this.#persist = persist;
    this.#events = events;
  }

  /** Observes the list; resolves when `onNames` was called with its content. */
  async open(): Promise<void> {
    if (this.#observation) {
      await this.#observation;
      return;
    }
    const observation = this.#store.observe(
      this.#place.key,
      (change) => {
        const names = new Set(change.operation === 'set' ? parseNames(change.value) : []);
        this.#learn(names);
        for (const name of this.#doubted) if (!names.has(name)) this.#doubted.delete(name);
        this.#events.onNames(names);
      },
      { current: true },
    );
    this.#observation = observation;
    try {
      await observation;
    } catch (error) {
      this.#observation = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const observation = this.#observation;
    this.#observation = undefined;
    await (await observation?.catch(() => undefined))?.close().catch(() => undefined);
  }

  /** The store refuses to let it be observed any longer: it is opened again with the next connection. */
  lose(): void {
    this.doubtAll();
    void this.close();
  }

  /** Resolves when no update is under way or wanted. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** The content of the list now. */
  async read(options: RequestOptions = {}): Promise<string[]> {
    const reading = await this.#store.get(this.#place.key, options);
    return reading.found ? parseNames(reading.value) : [];
  }

  /** The content of the list as it is known. */
  get names(): ReadonlySet<string> {
    return this.#certain;
  }

  /** Whether a name is certain to be in the list. */
  has(name: string): boolean {
    return this.#certain.has(name) && !this.#doubted.has(name);
  }

  /** Whether a name may be in the list: it is there as far as is known, or the list is unknown. */
  mayHave(name: string): boolean {
    return !this.#known || this.#certain.has(name);
  }

  /** Another process may be about to remove this name. */
  doubt(name: string): void {
    this.#doubted.add(name);
  }

  /** The list may have changed unseen. */
  doubtAll(): void {
    this.#certain = new Set();
    this.#known = false;
  }

  #learn(names: Set<string>): void {
    this.#certain = names;
    this.#known = true;
  }

  /**
   * Resolves when the names are in the list. Rejects when that did not succeed until `deadline`, on the monotonic clock: at that time,
   * however long others wait for the same update.
   */
  add(names: readonly string[], deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const onLate = (late: NameWaiter) => {
        this.#adding.delete(late);
        late.reject(this.#tooLate());
      };
      this.#adding.add(new NameWaiter(names, deadline, { resolve, reject, onLate }));
      this.#run();
    });
  }

  /** Takes names away, if their keys are not there, in its own time. */
  remove(name: string): void {
    this.#doubted.add(name);
    this.#removing.add(name);
    this.#run();
  }

  #run(): void {
    if (this.#running) return;
    // In the next turn, so that what is asked for in this one is joined.
    this.#running = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#update())
      .finally(() => {
        this.#running = undefined;
        if (this.#adding.size > 0 || this.#removing.size > 0) this.#run();
      });
  }

  #left({ deadline }: NameWaiter): number | undefined {
    return timeLeft(deadline, this.#store.timeout);
  }

  #tooLate(): StateStoreError {
    return notInTime(`the list ${this.#place.key} was not changed in time`, this.#store);
  }

  /** Never rejects. */
  async #update(): Promise<void> {
    const waiters: NameWaiter[] = [];
    let longest = 0;
    for (const waiter of this.#adding) {
      const left = this.#left(waiter);
      if (left === undefined) waiter.reject(this.#tooLate());
      else waiters.push(waiter);
      longest = Math.max(longest, left ?? 0);
    }
    this.#adding = new Set();
    if (waiters.length === 0 && this.#removing.size === 0) return;
    const unused = [...this.#removing].slice(0, MOST_REMOVALS);
    for (const name of unused) this.#removing.delete(name);
    const doubted = this.#doubted;
    this.#doubted = new Set();
    const timeout = waiters.length > 0 ? longest : this.#store.timeout;
    let added: NameWaiter[] = [];
    try {
      const { value, updated } = await update(
        this.#store,
        this.#place.key,
        async (bytes) => {
          const names = new Set(bytes ? parseNames(bytes) : []);
          if (unused.length > 0) for (const name of await this.#gone(unused)) names.delete(name);
          added = addFitting(names, waiters, maxBytes(this.#place.key, this.#store.maximumPacketSize));
          return names.size === 0 ? undefined : JSON.stringify([...names]);
        },
        { lock: this.#place.lock, duration: LOCK_MS, timeout, persist: this.#persist },
      );
      this.#attempts = 0;
      this.#learn(new Set(value ? parseNames(value) : []));
      if (unused.length > 0) this.#events.onNames(this.#certain);
      for (const waiter of waiters) {
        if (added.includes(waiter)) waiter.resolve();
        else waiter.reject(listFull(this.#place.key, this.#store.maximumPacketSize));
      }
      if (updated && !value) this.#events.onEmptied?.();
    } catch (error) {
      for (const name of doubted) this.#doubted.add(name);
      await this.#failed(error, waiters, unused);
    }
  }

  /** Adding twice does no harm, so an attempt that may succeed later is repeated while there is time. */
  async #failed(error: unknown, waiters: NameWaiter[], unused: string[]): Promise<void> {
    const again = error instanceof StateStoreError && error.retryable;
    let repeated = false;
    for (const waiter of waiters) {
      if (again && this.#left(waiter) !== undefined) {
        this.#adding.add(waiter);
        repeated = true;
      } else {
        waiter.reject(error);
      }
    }
    // A name too many does no harm. The look at its key may take time that waiters need.
    if (again && waiters.length === 0 && ++this.#attempts < MAX_ATTEMPTS) {
      for (const name of unused) this.#removing.add(name);
      repeated = true;
    }
    if (repeated) await pause(RETRY_PAUSE_MS);
  }

  async #gone(names: readonly string[]): Promise<string[]> {
    const readings = await this.#store.getMany(names.map((name) => this.#place.keyOf(name)));
    return names.filter((_name, index) => {
      const reading = readings[index];
      return reading && 'found' in reading && !reading.found;
    });
  }
}
