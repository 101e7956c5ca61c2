/**
 * What the editor's pages and the runtime exchange: the one description of it for both. Only types, with no imports, so that a page
 * in a browser can use it. Keys are base64 unless said otherwise. Times are milliseconds since 1970.
 */

/** Topic of Node-RED's comms, in both directions. */
export type WatchTopic = 'statestore/watch';

/**
 * Body of every response of these endpoints that is not a success. `code` has a sentence in the catalogue (`statestore.error.<code>`)
 * around `error`, the details in English.
 */
export interface RefusedResponse {
  error: string;
  /** Missing after a fault of the runtime. */
  code?: string;
}

/** `GET statestore/stores`: the stores that can run. A store in a subflow runs once for each instance. */
export interface ListedStore {
  id: string;
  name: string;
  /** `host:port`; empty if the store takes it from the environment. */
  address: string;
  /** The port of its emulator, if another program has the port in the settings. */
  movedTo?: number;
}

/** What a key is used for, as far as the nodes that name it show. */
export type KeyKind = 'key' | 'lock' | 'role';

export interface NamingNode {
  id: string;
  type: string;
  name: string;
}

/** `GET statestore/stores/:id/named-keys`: keys that nodes of this store name as fixed text. */
export interface NamedKey {
  /** Without the prefix of the store. */
  key: string;
  kind: KeyKind;
  /** Of a lock or role: the lease in the node's settings, in milliseconds. */
  lease?: number;
  /** In the order of the flow, at most 50. */
  nodes: NamingNode[];
}

/** `POST statestore/watches` with {@link OpenWatch}. */
export interface OpenWatch {
  store: string;
}

export interface OpenedWatch {
  watch: string;
}

/** `PUT statestore/watches/:id`: renews the watch; `keys` replaces the list of keys that are visible, at most 200. */
export interface RenewWatch {
  keys?: string[];
}

/**
 * `GET statestore/watches/:id/keys?prefix=text`: the first keys of an emulator of this Node-RED, or the first keys with this prefix of a
 * store that lists them on request. `GET statestore/watches/:id/keys?after=place`: the keys that follow in the same list.
 */
export interface KeyPage {
  keys: string[];
  /**
   * The place to continue. Missing at the end of the list. It is valid once, and until the watch begins another list or the store
   * reconnects. Any other place is refused with the code `noSuchPlace`.
   */
  next?: string;
}

/** `POST statestore/value` */
export interface ReadKey {
  store: string;
  key: string;
}

export type ValueType = 'text' | 'json' | 'base64';

/** `POST statestore/set`. The response is {@link SetResponse}. */
export interface SetKey {
  store: string;
  key: string;
  value: string;
  type: ValueType;
  /** Milliseconds; without it the key does not expire. */
  expiry?: number;
  onlyIfNew?: boolean;
  /**
   * Acquires the lock of the key (`<key>/lock`) for this write, as update nodes do. For keys whose plain write is refused with the code
   * `FENCING_TOKEN_REQUIRED`.
   */
  withLock?: boolean;
}

export interface SetResponse {
  stored: boolean;
  version?: string;
}

/** `POST statestore/delete`. The response is {@link DeleteResponse}. */
export interface DeleteKey {
  store: string;
  key: string;
  /** Deletes only if the key has this value. */
  holder?: string;
  /** As in {@link SetKey}. */
  withLock?: boolean;
}

export interface DeleteResponse {
  deleted: boolean;
  version?: string;
}

/** Response of `POST statestore/test`, whose body has the values of a dialog, saved or not, and of `POST statestore/stores/:id/test` (body `{}`) for a deployed store. */
export interface TestedConnection {
  results: TestedStep[];
  /** Milliseconds from request to response, if every step succeeded. */
  roundTrip?: number;
  /** The port of the emulator, if another program has the port in the settings. */
  movedTo?: number;
}

export interface TestedStep {
  step: 'settings' | 'network' | 'tls' | 'login' | 'subscription' | 'store';
  ok: boolean;
  /** What went wrong and what to do, in English; the catalogue has a sentence for `reason` around it. */
  message?: string;
  /** Code of the error, or the short reason why there is no connection. */
  reason?: string;
}

/** What is shown of a key. Of a value that is not text the bytes are in `base64`. */
export type Shown = { found: false } | { error: { code: string; message: string } } | ShownValue;

export interface ShownValue {
  found: true;
  /** Bytes of the whole value. */
  size: number;
  /** Only the beginning of the value is here. */
  cut?: true;
  text?: string;
  base64?: string;
  version?: string;
  /** Of a lock or role: the name of its holder. */
  holder?: string;
  /** When the store deletes the key, if that is known. */
  expires?: number;
}

/** The connection of a store. */
export interface StoreState {
  /** `gone`: the store is not deployed any more. `unusable`: its settings are wrong. */
  kind: 'connecting' | 'connected' | 'disconnected' | 'stopped' | 'closed' | 'gone' | 'unusable';
  /** Why there is no connection: a code of the catalogue, and the details of this case. */
  reason?: string;
  detail?: string;
  /** It is an emulator of this Node-RED, which has a list of all keys. */
  lists: boolean;
  /** It lists its keys on request, but does not report which keys come and go. */
  scans: boolean;
  /** Bytes of the largest packet that the broker takes, while there is a connection. */
  largest?: number;
  /** What is put before every key of the page. */
  prefix: string;
}

/** From the page, by comms. `seq` 0: begin to send; otherwise: the message with this number is shown. */
export interface WatchAcknowledgement {
  watch: string;
  seq: number;
}

/** To the page, by comms. Only the newest of each key is sent, and nothing before the page has shown the message before. */
export interface WatchMessage {
  watch: string;
  /** Counts messages. The page sends it back when it has shown this one. */
  seq: number;
  /** The time of this machine. */
  now: number;
  state?: StoreState;
  keys?: [key: string, shown: Shown][];
  /** Keys that came or went, if the store lists them. */
  listed?: [key: string, exists: boolean][];
  /** List all keys again. */
  relist?: true;
  /** The flows are others now: ask again which keys they name. */
  deployed?: true;
}
