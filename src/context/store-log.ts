import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { type LivePart, shownPath } from './live-value';
import type { NodeRed } from './node-red';
import type { Values, Words } from './words';

const MOST_NAMED = 10;

/** Writes to the log of Node-RED: once that the store is lost, once that it is back, and which keys could not be written. */
export class StoreLog {
  readonly words: Words;
  readonly #log: NodeRed['log'];
  #lostAt: number | undefined;
  /** Keys that could not be written and were not written since. */
  readonly #failed = new Set<string>();
  /** Of these, keys that the log does not have yet. */
  #unlogged = new Set<string>();
  readonly #troubles = new Set<string>();
  readonly #circular = new Set<string>();
  readonly #local = new Set<string>();

  constructor(log: NodeRed['log'], words: Words) {
    this.#log = log;
    this.words = words;
  }

  info(key: string, values: Values = {}): void {
    this.#log.info(this.#line(key, values));
  }

  onState(state: StateStoreClient['state']): void {
    if (state.kind === 'connected') this.#back();
    if (state.kind === 'disconnected') this.#lost(state.reason);
    if (state.kind === 'stopped')
      this.#log.error(this.#line('lostForGood', { reason: this.words.explain(state.reason) }));
  }

  #lost(reason: Error): void {
    if (this.#lostAt !== undefined) return;
    this.#lostAt = performance.now();
    this.#troubles.clear();
    this.#log.warn(this.#line('lost', { reason: this.words.explain(reason) }));
  }

  #back(): void {
    if (this.#lostAt === undefined) return;
    const seconds = ((performance.now() - this.#lostAt) / 1000).toFixed(1);
    this.#lostAt = undefined;
    this.info('back', { seconds });
    this.#logFailed('notWrittenBack');
  }

  /** Logs the keys that could not be written and are not logged yet. */
  #logFailed(key: string): void {
    if (this.#unlogged.size === 0) return;
    this.#log.error(this.#line(key, { keys: this.#named([...this.#unlogged]) }));
    this.#unlogged = new Set();
  }

  /** A write without a callback failed. While the store is lost, the log has it when the store is back. */
  notWritten(key: string, error: unknown): void {
    if (this.#failed.has(key)) return;
    this.#failed.add(key);
    if (this.#lostAt !== undefined) this.#unlogged.add(key);
    else this.#log.error(this.#line('notWritten', { key, reason: this.words.explain(error) }));
  }

  /** Node-RED ends before these keys were written. */
  notWrittenAtEnd(late: readonly string[]): void {
    const news = late.filter((key) => !this.#unlogged.has(key));
    for (const key of late) this.#failed.add(key);
    if (news.length > 0) this.#log.error(this.#line('notWrittenEnd', { keys: this.#named(news) }));
    this.#logFailed('notWrittenBefore');
  }

  written(key: { toString(): string }): void {
    // Which key it is matters only then.
    if (this.#failed.size === 0 && this.#unlogged.size === 0) return;
    this.#failed.delete(`${key}`);
    this.#unlogged.delete(`${key}`);
  }

  /** Once for each kind of error and connection: there may be as many as keys. */
  trouble(key: string, error: unknown, values: Values = {}): void {
    const kind = error instanceof StateStoreError ? error.code : String(error);
    if (this.#lostAt !== undefined || this.#troubles.has(kind)) return;
    this.#troubles.add(kind);
    this.#log.warn(this.#line(key, { ...values, reason: this.words.explain(error) }));
  }

  error(key: string, error: unknown, values: Values = {}): void {
    this.#log.error(this.#line(key, { ...values, reason: this.words.explain(error) }));
  }

  /** A value with a live part stays in this process: once per key. */
  keptLocal(scope: string, name: string, { kind, path }: LivePart): void {
    const key = `${scope} ${name}`;
    if (this.#local.has(key)) return;
    this.#local.add(key);
    const className = kind.name === 'object' ? kind.className : '';
    const what = this.words.text(`live.${kind.name}`, { class: className });
    const why =
      path.length === 0
        ? this.words.text('isLive', { what })
        : this.words.text('hasLive', { what, path: shownPath(path) });
    this.#log.warn(this.#line('keptLocal', { key, name, why }));
  }

  /** Once per key, until it is written without. */
  circular(scope: string, name: string, circular: boolean): void {
    if (!circular && this.#circular.size === 0) return;
    const key = `${scope} ${name}`;
    if (!circular) {
      this.#circular.delete(key);
    } else if (!this.#circular.has(key)) {
      this.#circular.add(key);
      this.#log.warn(this.#line('circular', { key }));
    }
  }

  /** Some of many keys by their names, and how many more there are. */
  #named(keys: readonly string[]): string {
    const some = keys.slice(0, MOST_NAMED).join(', ');
    const more = keys.length - MOST_NAMED;
    return more > 0 ? this.words.text('andMore', { keys: some, more }) : some;
  }

  #line(key: string, values: Values): string {
    return `[statestore context] ${this.words.text(key, values)}`;
  }
}
