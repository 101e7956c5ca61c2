/** The type `StateStore` in the editor of function nodes, for the object of docs/function-nodes.md. */

interface Monaco {
  languages: { typescript: { javascriptDefaults: { addExtraLib(source: string, file: string): void } } };
}

/**
 * The methods of FunctionStore in src/node-red/function. A test compares the names. The editor checks the code of a flow as JavaScript, so a
 * value is `any`: its properties could not be used otherwise.
 */
const TYPES = `
type StateStoreKey = string | number | Uint8Array;
/** JSON, text or a buffer. */
type StateStoreValue = any;
/** Times are in seconds. */
interface StateStoreWrite { expiry?: number; fencingToken?: string }
interface StateStoreChange { operation: 'set' | 'delete'; key: string; value: StateStoreValue; version?: string }
/** A deployed state store: global.get('statestore')('Name of the store', node) */
interface StateStore {
  /** The value, or undefined if the key does not exist. */
  get(key: StateStoreKey, options?: { format?: 'auto-detect' | 'json' | 'utf8' | 'buffer' | 'base64' | 'ndjson' }): Promise<StateStoreValue>;
  /** True if the value was stored. */
  set(key: StateStoreKey, value: StateStoreValue, options?: StateStoreWrite & { onlyIfNew?: boolean }): Promise<boolean>;
  /** True if the key existed. */
  delete(key: StateStoreKey, options?: { fencingToken?: string }): Promise<boolean>;
  /** Changes the value in one step. Returns the new value. */
  update(key: StateStoreKey, change: (present: StateStoreValue) => StateStoreValue, options?: StateStoreWrite): Promise<StateStoreValue>;
  /** Adds a number. Returns the sum. */
  increment(key: StateStoreKey, by?: number, options?: StateStoreWrite): Promise<number>;
  /** Appends an entry to a list. Returns the list. */
  append(key: StateStoreKey, entry: StateStoreValue, options?: StateStoreWrite & { keep?: number }): Promise<StateStoreValue[]>;
  /** The keys that match a pattern. */
  keys(pattern: string): Promise<string[]>;
  /** Calls the handler with the current value and with each change, until the next deploy. */
  observe(key: StateStoreKey, handler: (change: StateStoreChange) => void): Promise<{ close(): Promise<void> }>;
}
`;

/** Adds the type when an editor opens for the first time: then Monaco is there, if it is used at all. */
export function addFunctionTypes(): void {
  let added = false;
  RED.events.on('editor:open', () => {
    const { monaco } = window as { monaco?: Monaco };
    if (added || !monaco) return;
    added = true;
    monaco.languages.typescript.javascriptDefaults.addExtraLib(TYPES, 'file://types/statestore/index.d.ts');
  });
}
