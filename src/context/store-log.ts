import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import type { NodeRed } from './node-red';

const MOST_NAMED = 10;

/** Writes to the log of Node-RED: once that the store is lost, once that it is back, and which keys could not be written. */
export class StoreLog {
  readonly #log: NodeRed['log'];
  #lostAt: number | undefined;
  /** Keys that could not be written and were not written since. */
  readonly #failed = new Set<string>();
  /** Of these, keys that the log does not have yet. */
  #unlogged = new Set<string>();
  readonly #troubles = new Set<string>();
  readonly #circular = new Set<string>();
  readonly #local = new Set<string>();

  constructor(log: NodeRed['log']) {
    this.#log = log;
  }

  opened(what: string): void {
    this.#log.info(line(what));
  }

  onState(state: StateStoreClient['state']): void {
    if (state.kind === 'connected') this.#back();
    if (state.kind === 'disconnected') this.#lost(state.reason.message);
    if (state.kind === 'stopped')
      this.#log.error(line(`the store is lost for good: ${state.reason.message} Restart Node-RED.`));
  }

  #lost(reason: string): void {
    if (this.#lostAt !== undefined) return;
    this.#lostAt = performance.now();
    this.#troubles.clear();
    this.#log.warn(line(`the store is lost: ${reason} What was read before can still be read; writes wait.`));
  }

  #back(): void {
    if (this.#lostAt === undefined) return;
    const seconds = ((performance.now() - this.#lostAt) / 1000).toFixed(1);
    this.#lostAt = undefined;
    this.#log.info(line(`the store is back after ${seconds} s.`));
    this.logFailed('what the store has counts again');
  }

  /** Logs the keys that could not be written and are not logged yet. */
  logFailed(what: string): void {
    if (this.#unlogged.size === 0) return;
    this.#log.error(line(`not written, ${what}: ${named([...this.#unlogged])}.`));
    this.#unlogged = new Set();
  }

  /** A write failed that nobody waits for. While the store is lost that is said when it is back. */
  notWritten(key: string, error: unknown): void {
    if (this.#failed.has(key)) return;
    this.#failed.add(key);
    if (this.#lostAt !== undefined) this.#unlogged.add(key);
    else this.#log.error(line(`${key} was not written: ${messageOf(error)}`));
  }

  /** Writes failed that are not worth a line each. */
  allNotWritten(what: string, keys: readonly string[]): void {
    const news = keys.filter((key) => !this.#unlogged.has(key));
    for (const key of keys) this.#failed.add(key);
    if (news.length > 0) this.#log.error(line(`not written, ${what}: ${named(news)}.`));
  }

  written(key: { toString(): string }): void {
    // Which key it is matters only then.
    if (this.#failed.size === 0 && this.#unlogged.size === 0) return;
    this.#failed.delete(`${key}`);
    this.#unlogged.delete(`${key}`);
  }

  /** Once for each kind of error and connection: there may be as many as keys. */
  trouble(what: string, error: unknown): void {
    const kind = error instanceof StateStoreError ? error.code : messageOf(error);
    if (this.#lostAt !== undefined || this.#troubles.has(kind)) return;
    this.#troubles.add(kind);
    this.#log.warn(line(`${what}: ${messageOf(error)}`));
  }

  error(what: string, error?: unknown): void {
    this.#log.error(line(error === undefined ? what : `${what}: ${messageOf(error)}`));
  }

  warn(what: string): void {
    this.#log.warn(line(what));
  }

  /** A value with a live part stays in this process: once per key. */
  keptLocal(scope: string, name: string, why: string): void {
    const key = `${scope} ${name}`;
    if (this.#local.has(key)) return;
    this.#local.add(key);
    this.#log.warn(
      line(
        `${key} stays in this process, and other Node-RED instances do not have it, because ${why}. Add ${name} to the option "local", or keep it in a context store in memory.`,
      ),
    );
  }

  /** Once per key, until it is written without. */
  circular(scope: string, name: string, circular: boolean): void {
    if (!circular && this.#circular.size === 0) return;
    const key = `${scope} ${name}`;
    if (!circular) {
      this.#circular.delete(key);
    } else if (!this.#circular.has(key)) {
      this.#circular.add(key);
      this.#log.warn(line(`${key} contains itself: such a part is stored as a text, [Circular ~...].`));
    }
  }
}

/** Some of many keys by their names, and how many more there are. */
function named(keys: readonly string[]): string {
  const more = keys.length - MOST_NAMED;
  return `${keys.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function line(text: string): string {
  return `[statestore context] ${text}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
