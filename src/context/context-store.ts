/** What Node-RED asks of a context store, and how its callbacks are called. */

/** Gets the error first, then a value for each key that was asked for. */
export type Callback = (error?: unknown, ...values: unknown[]) => void;

/**
 * A context store as Node-RED uses it. Scopes are `global`, the ID of a flow, or the ID of a node and that of its flow with a colon between;
 * keys are property expressions such as `a.b[0]`.
 */
export interface ContextStore {
  /** Connects, and loads everything. Rejects when that took longer than `startTimeout`: then Node-RED does not start. */
  open(): Promise<void>;
  /** Writes what is pending, for 5 seconds at most, and ends the connection. */
  close(): Promise<void>;
  /** Without a callback the value is returned, or the error thrown. */
  get(scope: string, key: string | string[], callback?: Callback): unknown;
  /** `undefined` deletes. The callback is called once, after the store answered. */
  set(scope: string, key: string | string[], value: unknown, callback?: Callback): void;
  keys(scope: string, callback?: Callback): string[] | undefined;
  /** Deletes a whole scope. */
  delete(scope: string): Promise<void>;
  /** Deletes the scopes of nodes and flows that are not among the active ones any more, if this process saw them active. */
  clean(activeNodes: string[]): Promise<void>;
}

/** Keys and values as pairs: where there are fewer values than keys, the rest is `null`, as in Core. */
export function pairsOf(key: string | string[], value: unknown): [key: string, value: unknown][] {
  if (!Array.isArray(key)) return [[key, value]];
  const values = Array.isArray(value) ? value : [value];
  return key.map((one, index) => [one, index < values.length ? values[index] : null]);
}

/** Calls back when so many outcomes are known, with the first error. */
export function afterAll(count: number, settle: (error?: unknown) => void): (error?: unknown) => void {
  let left = count;
  let failure: unknown;
  return (error) => {
    failure ??= error;
    if (--left === 0) settle(failure);
  };
}

/** Which scopes this process may clean: those of nodes that it saw active. */
export class SeenScopes {
  readonly #ids = new Set<string>();
  readonly #scopes = new Set<string>();

  /** A flow or node of this process used it. */
  used(scope: string): void {
    this.#scopes.add(scope);
  }

  /** These flows and nodes run in this process. */
  readonly started = (ids: readonly string[]): void => {
    for (const id of ids) this.#ids.add(id);
  };

  /** Of these scopes, those to be deleted, now that only these nodes are active. */
  unused(scopes: readonly string[], activeNodes: readonly string[]): string[] {
    const active = new Set(activeNodes);
    const unused = scopes.filter((scope) => {
      const id = scope.split(':')[0] as string;
      return scope !== 'global' && !active.has(id) && (this.#scopes.has(scope) || this.#ids.has(id));
    });
    this.started(activeNodes);
    return unused;
  }
}
