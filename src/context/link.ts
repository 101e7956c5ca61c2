import { setTimeout as pause } from 'node:timers/promises';
import { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { addHealthPart } from '../health/parts';
import { ContextIndex } from './context-index';
import { endWithFailure } from './node-red';
import { notInTime } from './not-in-time';
import type { ResolvedContextOptions } from './options';
import { RestoreClaims } from './restore-claims';
import { StoreKeys } from './store-keys';
import { StoreLife } from './store-life';
import type { StoreLog } from './store-log';
import type { Words } from './words';
import { WriteCounter } from './write-counter';

export interface LinkEvents {
  /** All keys of one scope, whenever they changed. */
  onNames(scope: string, names: ReadonlySet<string>): void;
  /** The store does not let the key of a value be observed on. */
  onObservationLost(scope: string, name: string): void;
  /** There is a connection again. */
  onBack(): void;
}

/** Pause before loading is tried again, in milliseconds. */
const RETRY_PAUSE_MS = 250;
/** A request that ends at that moment may have the reason, in milliseconds. */
const LAST_REASON_MS = 50;
/** Pause before a list that could not be observed is tried again, in milliseconds. */
const INDEX_RETRY_MS = 1000;
/** Pauses before the broker is asked for keys that no list has: after a reconnect, and from then on, in milliseconds. */
const FIRST_ADOPTION_MS = 1000;
const ADOPTION_MS = 60_000;
/** How long pending writes have when Node-RED ends, in milliseconds. */
const CLOSE_MS = 5000;

/** The connection of a context store, with all that is needed to find its keys: opened within bounds, lost, back, closed within bounds. */
export class Link {
  readonly client: StateStoreClient;
  readonly keys: StoreKeys;
  readonly index: ContextIndex;
  readonly life: StoreLife;
  readonly restores: RestoreClaims;
  readonly writes = new WriteCounter();
  readonly #options: ResolvedContextOptions;
  readonly #log: StoreLog;
  readonly #events: LinkEvents;
  #connections = 0;
  #opened = false;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;
  #adoption: NodeJS.Timeout | undefined;
  readonly #removeHealthPart: () => void;

  /** Throws `BAD_ARGUMENT` that names the option. */
  constructor(options: ResolvedContextOptions, log: StoreLog, events: LinkEvents) {
    this.#options = options;
    this.#log = log;
    this.#events = events;
    this.client = new StateStoreClient(options.client);
    this.keys = new StoreKeys(options.prefix);
    this.life = new StoreLife(this.client, this.keys.life, options.persist);
    this.restores = new RestoreClaims(this.client, this.keys, options.persist, (error) =>
      log.trouble('versionsNotWritten', error),
    );
    this.index = new ContextIndex(this.client, this.keys, options.persist, {
      onNames: events.onNames,
      onTrouble: (error) => this.#onTrouble(error),
    });
    this.client.on('state', this.#onState);
    this.client.on('observationLost', this.#onObservationLost);
    this.#removeHealthPart = addHealthPart({
      ...{ name: 'shared context', problem: () => this.#problem() },
      client: this.client,
      writes: () => this.writes.counts,
    });
  }

  /** Counts connections. */
  get connections(): number {
    return this.#connections;
  }

  /** Whether to ask that keys survive a restart of the broker. */
  get persist(): boolean {
    return this.#options.persist;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Until when a request that begins now must be answered, on the monotonic clock in milliseconds. */
  get deadline(): number {
    return performance.now() + this.client.timeout;
  }

  /** Connects and has `load` done, again if need be, for `startTimeout` at most; then rejects with the last error. */
  async open(load: () => Promise<void>): Promise<void> {
    const { startTimeout } = this.#options;
    const deadline = performance.now() + startTimeout;
    let last: unknown;
    const attempts = async () => {
      for (;;) {
        const left = Math.max(1, Math.ceil(deadline - performance.now()));
        await this.client.connect({ timeout: left });
        try {
          await this.life.present();
          await this.index.open();
          await this.#adopt();
          await load();
          return;
        } catch (error) {
          if (!(error instanceof StateStoreError) || !error.retryable) throw error;
          if (performance.now() > deadline) throw error;
          last = error;
          await pause(RETRY_PAUSE_MS);
        }
      }
    };
    let timer: NodeJS.Timeout | undefined;
    // An attempt that has begun takes as long as its requests, which may be longer.
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(last ?? notInTime('it was not loaded in time', this.client)),
        startTimeout + LAST_REASON_MS,
      );
    });
    try {
      await Promise.race([attempts(), late]);
      this.#opened = true;
      this.#adoptLater(ADOPTION_MS);
    } catch (error) {
      await this.#end();
      endWithFailure();
      throw cannotOpen(error, this.#options, this.#log.words);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for pending writes, 5 seconds at most, then calls `giveUp`, and ends the connection. */
  async close(giveUp: () => void): Promise<void> {
    if (this.#closed) return;
    const end = new AbortController();
    const late = pause(CLOSE_MS, 'late', { signal: end.signal }).catch(() => undefined);
    const flushed = this.writes.settled().then(() => this.index.idle());
    await Promise.race([flushed, late]);
    end.abort();
    giveUp();
    await this.#end();
  }

  #problem(): string | undefined {
    const { state } = this.client;
    if (state.kind !== 'connected')
      return 'reason' in state && state.reason
        ? state.reason.message
        : 'The state store does not respond yet.';
    return this.#opened ? undefined : 'The context is not loaded yet.';
  }

  async #end(): Promise<void> {
    this.#closed = true;
    this.#removeHealthPart();
    clearTimeout(this.#retry);
    clearTimeout(this.#adoption);
    this.client.off('state', this.#onState);
    await this.client.close();
  }

  /** Never rejects: a key that no list has is not a reason to stop. */
  async #adopt(): Promise<void> {
    try {
      await this.index.adopt();
    } catch (error) {
      if (!this.#closed) this.#log.trouble('keys that no list has could not be looked for', error);
    }
  }

  #adoptLater(pauseMs: number): void {
    clearTimeout(this.#adoption);
    if (this.#closed) return;
    this.#adoption = setTimeout(async () => {
      if (this.client.state.kind === 'connected') await this.#adopt();
      this.#adoptLater(ADOPTION_MS);
    }, pauseMs).unref();
  }

  /** A list could not be observed: again in a moment, while there is a connection; with the next one otherwise. */
  #onTrouble(error: unknown): void {
    if (this.#closed) return;
    this.#log.trouble('indexNotObserved', error);
    clearTimeout(this.#retry);
    if (this.client.state.kind === 'connected')
      this.#retry = setTimeout(() => this.index.renew(), INDEX_RETRY_MS).unref();
  }

  /** Writes of this process go on; changes of other processes arrive again with the next connection. */
  readonly #onObservationLost = (key: Buffer, error: StateStoreError): void => {
    const place = this.keys.placeOf(key.toString());
    if (this.#closed || !place) return;
    this.#log.error('observedNoMore', error, { key: `${key}` });
    if (place.kind === 'value') this.#events.onObservationLost(place.scope, place.name);
    else this.index.lose(place.kind === 'index' ? place.scope : undefined);
  };

  readonly #onState = (state: StateStoreClient['state']): void => {
    if (state.kind === 'connected') this.#connections++;
    if (state.kind === 'disconnected') {
      this.index.doubtAll();
      this.life.doubt();
    }
    if (!this.#opened) return;
    this.#log.onState(state);
    if (state.kind !== 'connected') return;
    // If that fails, it is asked for again when it is needed.
    this.life.present().catch(() => undefined);
    this.index.renew();
    this.#adoptLater(FIRST_ADOPTION_MS);
    this.#events.onBack();
  };
}

function cannotOpen(
  error: unknown,
  { client, startTimeout }: ResolvedContextOptions,
  words: Words,
): StateStoreError {
  const where = `${client.host ?? 'localhost'}:${client.port ?? (client.tls ? 8883 : 1883)}`;
  const code = error instanceof StateStoreError ? error.code : 'NOT_CONNECTED';
  const message = words.text('cannotOpen', { where, ms: startTimeout, reason: words.explain(error) });
  return new StateStoreError(code, message, { cause: error, applied: 'no' });
}
