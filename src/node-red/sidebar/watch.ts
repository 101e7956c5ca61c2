/** What one open page sees of one store: its connection, and the keys that are visible there, observed through the client of the store. */
import { randomUUID } from 'node:crypto';
import type { Observation } from '../../client/observation';
import type { StateStoreClient } from '../../client/state-store-client';
import type { StateStoreError } from '../../errors';
import { MAX_OBSERVED_KEY_BYTES } from '../../protocol/topics';
import { EmulatorKeys } from '../emulator/emulator-keys';
import { runningStore } from '../store/deployed-stores';
import type { Guest, Store, StoreConnection } from '../store/store';
import { asError } from '../words/as-error';
import { KeyPages, noSuchPlace } from './key-pages';
import { News } from './news';
import type { KeyPage, StoreState, WatchMessage } from './protocol';
import { listsKeys, ScannedKeys } from './scanned-keys';
import type { Known } from './shown-value';

/** Keys that a page may see at a time. */
export const MAX_VISIBLE = 200;

interface Watched {
  key: Buffer;
  end: AbortController;
  observation: Observation | undefined;
  starting: boolean;
}

export class Watch implements Guest {
  /** Known to the page alone, which has got it as an answer to a request that needs the permission to read. */
  readonly id = randomUUID();
  readonly #storeId: string;
  /** By the key in base64. */
  readonly #watched = new Map<string, Watched>();
  readonly #news: News;
  #store: Store | undefined;
  #client: StateStoreClient | undefined;
  #fault: StateStoreError | undefined;
  #emulatorKeys: EmulatorKeys | undefined;
  /** The store lists its keys on request. */
  #scans = false;
  /** The list that the page reads. */
  #list: KeyPages | undefined;
  /** Ends requests for keys when the connection or the watch ends. */
  #scanEnd = new AbortController();

  readonly #onState = (state: StoreConnection) => {
    if (state.kind === 'connected') this.#onConnected();
    this.#news.stateChanged();
    this.#news.send();
  };
  readonly #onLost = (key: Buffer, error: StateStoreError) => {
    const id = key.toString('base64');
    const watched = this.#watched.get(id);
    if (!watched) return;
    watched.observation = undefined;
    this.#changed(id, { error });
  };

  /** Uses the store from now on, if there is one. */
  constructor(storeId: string) {
    this.#storeId = storeId;
    this.#news = new News({
      id: this.id,
      state: () => this.#state,
      expiryOf: (id) => this.#expiryOf(id),
    });
    this.#attach();
  }

  /** Where messages go. Nothing is sent before. */
  sendTo(send: (message: WatchMessage) => void): void {
    this.#news.sendTo(send);
  }

  /** The page has shown this message. */
  acknowledge(seq: number): void {
    this.#news.acknowledge(seq);
  }

  /** These keys are visible now, in base64, and no others. What could not be observed is tried again. */
  show(ids: readonly string[]): void {
    const visible = new Set(ids.slice(0, MAX_VISIBLE));
    for (const [id, watched] of this.#watched) if (!visible.has(id)) this.#forget(id, watched);
    for (const id of visible) {
      const watched = this.#watched.get(id) ?? {
        key: Buffer.from(id, 'base64'),
        end: new AbortController(),
        observation: undefined,
        starting: false,
      };
      this.#watched.set(id, watched);
      void this.#observe(id, watched);
    }
  }

  /** Begins a list. Only keys that begin with `prefix`, if the store lists them on request. Undefined if it cannot list keys. */
  async list(prefix: string): Promise<KeyPage | undefined> {
    this.#list = this.#newList(prefix);
    return this.#list?.first();
  }

  /** Continues the list that was begun last. A {@link Refusal} if it has no such place, for example after a reconnect. */
  async listAfter(place: string): Promise<KeyPage> {
    if (!this.#list) throw noSuchPlace();
    return this.#list.after(place);
  }

  #newList(prefix: string): KeyPages | undefined {
    if (this.#emulatorKeys) return new KeyPages(this.#emulatorKeys.list());
    const client = this.#client;
    if (!this.#scans || !client) return undefined;
    const scanned = new ScannedKeys(client, prefix, this.#scanEnd.signal);
    return new KeyPages(() => scanned.next());
  }

  /** The flows have started: the store may be another one now, or gone. */
  onDeployed(): void {
    this.#news.deployed();
    if (this.#store !== runningStore(this.#storeId) || !this.#client) {
      this.#detach();
      this.#attach();
    }
    this.#news.send();
  }

  onClosing(): void {
    this.#detach();
    this.#news.send();
  }

  end(): void {
    this.#news.end();
    this.#detach();
    this.#watched.clear();
  }

  #attach(): void {
    this.#news.stateChanged();
    this.#fault = undefined;
    this.#store = runningStore(this.#storeId);
    if (!this.#store) return;
    try {
      this.#client = this.#store.registerGuest(this);
    } catch (error) {
      this.#fault = asError(error, 'observe');
      return;
    }
    this.#client.on('observationLost', this.#onLost);
    this.#store.on('state', this.#onState);
    this.#onState(this.#store.state);
  }

  /** Leaves the store; the keys stay wanted. */
  #detach(): void {
    const store = this.#store;
    this.#store = undefined;
    this.#news.stateChanged();
    store?.off('state', this.#onState);
    this.#client?.off('observationLost', this.#onLost);
    this.#client = undefined;
    this.#emulatorKeys?.end();
    this.#emulatorKeys = undefined;
    this.#endScan();
    for (const watched of this.#watched.values()) {
      watched.end.abort();
      watched.end = new AbortController();
      watched.observation = undefined;
      watched.starting = false;
    }
    store?.releaseGuest(this);
  }

  #onConnected(): void {
    this.#findEmulator();
    void this.#findList();
    for (const [id, watched] of this.#watched) void this.#observe(id, watched);
  }

  #endScan(): void {
    this.#scanEnd.abort();
    this.#scanEnd = new AbortController();
    this.#list = undefined;
    this.#scans = false;
  }

  /** Looks whether a store that is not an emulator of this Node-RED lists its keys. */
  async #findList(): Promise<void> {
    this.#endScan();
    const client = this.#client;
    if (!client || this.#emulatorKeys) return;
    const { signal } = this.#scanEnd;
    if (!(await listsKeys(client, signal)) || signal.aborted) return;
    this.#scans = true;
    this.#news.stateChanged();
    this.#news.send();
  }

  #findEmulator(): void {
    this.#emulatorKeys?.end();
    this.#news.forgetListed();
    const client = this.#client;
    if (!client) return;
    this.#emulatorKeys = EmulatorKeys.of(client, this.#prefix, (key, exists) => {
      this.#news.listed(key.toString('base64'), exists);
      this.#news.send();
    });
  }

  /** Observes a key, unless it is observed already. What was closed meanwhile does not come back. */
  async #observe(id: string, watched: Watched): Promise<void> {
    const client = this.#client;
    if (client?.state.kind !== 'connected' || watched.observation || watched.starting) return;
    const { key, end } = watched;
    watched.starting = true;
    let isKnown = false;
    const onKnown = (known: Known) => {
      if (end.signal.aborted) return;
      isKnown = true;
      this.#changed(id, known);
    };
    try {
      if (key.length > MAX_OBSERVED_KEY_BYTES) {
        onKnown(await client.get(key, { signal: end.signal }));
        return;
      }
      const observation = await client.observe(
        key,
        (change) =>
          onKnown(
            change.operation === 'set'
              ? { found: true, value: change.value, version: change.version }
              : { found: false },
          ),
        { current: true, signal: end.signal },
      );
      if (end.signal.aborted) return;
      watched.observation = observation;
      if (!isKnown) onKnown({ found: false });
    } catch (error) {
      onKnown({ error: asError(error, 'observe') });
    } finally {
      if (!end.signal.aborted) watched.starting = false;
    }
  }

  #forget(id: string, { end }: Watched): void {
    end.abort();
    this.#watched.delete(id);
    this.#news.forget(id);
  }

  #changed(id: string, known: Known): void {
    this.#news.changed(id, known);
    this.#news.send();
  }

  #expiryOf(id: string): number | undefined {
    const { key } = this.#watched.get(id) ?? {};
    return key && this.#emulatorKeys?.expiryOf(key);
  }

  get #prefix(): string {
    return this.#store?.options.keyPrefix ?? '';
  }

  get #state(): StoreState {
    const rest = { lists: this.#emulatorKeys !== undefined, scans: this.#scans, prefix: this.#prefix };
    if (this.#fault)
      return { kind: 'unusable', reason: this.#fault.code, detail: this.#fault.message, ...rest };
    if (!this.#store) return { kind: 'gone', ...rest };
    const { state } = this.#store;
    if (!('reason' in state) || !state.reason) {
      const largest = state.kind === 'connected' && this.#client?.maximumPacketSize;
      return { kind: state.kind, ...rest, ...(largest && { largest }) };
    }
    return { kind: state.kind, reason: state.reason.reason, detail: state.reason.message, ...rest };
  }
}
