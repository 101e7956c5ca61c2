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
import type { KeyPage, Shown, StoreState, WatchMessage } from './protocol';
import { listsKeys, ScannedKeys } from './scanned-keys';
import { type Known, shownValue } from './shown-value';

/** Keys that a page may see at a time. */
export const MAX_VISIBLE = 200;
/** Bytes of a value that are sent without being asked for, and of all values in one message. */
const MAX_VALUE_BYTES = 4096;
const MAX_MESSAGE_BYTES = 262_144;
/** Keys that came or went, in one message; where there are more, the page lists all of them again. */
const MAX_LISTED = 2000;
/** Least time between two messages to a page, in milliseconds. */
const PERIOD_MS = 500;

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
  readonly #news = new Map<string, Known>();
  readonly #listed = new Map<string, boolean>();
  #relist = false;
  #deployed = false;
  #stateTold = false;
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
  #send: ((message: WatchMessage) => void) | undefined;
  #seq = 0;
  #acknowledged = 0;
  #timer: NodeJS.Timeout | undefined;

  readonly #onState = (state: StoreConnection) => {
    if (state.kind === 'connected') this.#onConnected();
    this.#stateTold = false;
    this.#schedule();
  };
  readonly #onLost = (key: Buffer, error: StateStoreError) => {
    const id = key.toString('base64');
    const watched = this.#watched.get(id);
    if (!watched) return;
    watched.observation = undefined;
    this.#tell(id, { error });
  };

  /** Uses the store from now on, if there is one. */
  constructor(storeId: string) {
    this.#storeId = storeId;
    this.#attach();
  }

  /** Where messages go. Nothing is sent before. */
  sendTo(send: (message: WatchMessage) => void): void {
    this.#send = send;
    this.#schedule();
  }

  /** The page has shown this message. */
  acknowledge(seq: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, Math.min(seq, this.#seq));
    this.#schedule();
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
    this.#deployed = true;
    if (this.#store !== runningStore(this.#storeId) || !this.#client) {
      this.#detach();
      this.#attach();
    }
    this.#schedule();
  }

  onClosing(): void {
    this.#detach();
    this.#schedule();
  }

  end(): void {
    this.#send = undefined;
    clearTimeout(this.#timer);
    this.#detach();
    this.#watched.clear();
  }

  #attach(): void {
    this.#stateTold = false;
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
    this.#stateTold = false;
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
    this.#stateTold = false;
    this.#schedule();
  }

  #findEmulator(): void {
    this.#emulatorKeys?.end();
    this.#listed.clear();
    const client = this.#client as StateStoreClient;
    this.#emulatorKeys = EmulatorKeys.of(client, this.#prefix, (key, exists) => {
      if (this.#relist) return;
      this.#listed.set(key.toString('base64'), exists);
      this.#relist = this.#listed.size > MAX_LISTED;
      if (this.#relist) this.#listed.clear();
      this.#schedule();
    });
  }

  /** Observes a key, unless it is observed already. What was closed meanwhile does not come back. */
  async #observe(id: string, watched: Watched): Promise<void> {
    const client = this.#client;
    if (client?.state.kind !== 'connected' || watched.observation || watched.starting) return;
    const { key, end } = watched;
    watched.starting = true;
    let told = false;
    const tell = (known: Known) => {
      if (end.signal.aborted) return;
      told = true;
      this.#tell(id, known);
    };
    try {
      if (key.length > MAX_OBSERVED_KEY_BYTES) {
        tell(await client.get(key, { signal: end.signal }));
        return;
      }
      const observation = await client.observe(
        key,
        (change) =>
          tell(
            change.operation === 'set'
              ? { found: true, value: change.value, version: change.version }
              : { found: false },
          ),
        { current: true, signal: end.signal },
      );
      if (end.signal.aborted) return;
      watched.observation = observation;
      if (!told) tell({ found: false });
    } catch (error) {
      tell({ error: asError(error, 'observe') });
    } finally {
      if (!end.signal.aborted) watched.starting = false;
    }
  }

  #forget(id: string, { end }: Watched): void {
    end.abort();
    this.#watched.delete(id);
    this.#news.delete(id);
  }

  #tell(id: string, known: Known): void {
    this.#news.set(id, known);
    this.#schedule();
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

  get #hasNews(): boolean {
    return !this.#stateTold || this.#deployed || this.#relist || this.#news.size > 0 || this.#listed.size > 0;
  }

  /** Sends soon what is new, unless the page is not done with what it got last. */
  #schedule(): void {
    if (this.#timer || !this.#send || !this.#hasNews || this.#acknowledged < this.#seq) return;
    this.#flush(this.#send);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#schedule();
    }, PERIOD_MS);
  }

  #flush(send: (message: WatchMessage) => void): void {
    const keys: [string, Shown][] = [];
    let bytes = 0;
    for (const [id, known] of this.#news) {
      if (bytes > MAX_MESSAGE_BYTES) break;
      const { key } = this.#watched.get(id) ?? {};
      const expires = key && this.#emulatorKeys?.expiryOf(key);
      const shown = shownValue(known, MAX_VALUE_BYTES, expires);
      bytes += id.length + ('size' in shown ? Math.min(shown.size, MAX_VALUE_BYTES) : 0);
      keys.push([id, shown]);
      this.#news.delete(id);
    }
    const listed = [...this.#listed];
    this.#listed.clear();
    send({
      ...{ watch: this.id, seq: ++this.#seq, now: Date.now() },
      ...(!this.#stateTold && { state: this.#state }),
      ...(keys.length > 0 && { keys }),
      ...(listed.length > 0 && { listed }),
      ...(this.#relist && { relist: true }),
      ...(this.#deployed && { deployed: true }),
    });
    this.#stateTold = true;
    this.#relist = false;
    this.#deployed = false;
  }
}
