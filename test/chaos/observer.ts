/** Looks at the store from beside it, without faults: writes with tokens, holders of the role, and counts. */
import { parseHolder } from '../../src/coordination/holder';
import { StateStoreClient } from '../../src/index';
import { compareHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { Counter } from './counter';
import type { Reign } from './reigns';

export interface ObservedKeys {
  role: string;
  key: string;
  counter: string;
}

export class ChaosObserver {
  /** Writes out of the order of their tokens. */
  readonly disorder: string[] = [];
  readonly counter = new Counter();
  /** The moment in which another client became the holder in the store, also if it never acted. */
  readonly holders: Reign[] = [];
  writes = 0;
  readonly #keys: ObservedKeys;
  readonly #log: (text: string) => void;
  #latest: Hlc | undefined;
  #holder: string | undefined;
  #store: StateStoreClient | undefined;

  constructor(keys: ObservedKeys, log: (text: string) => void) {
    this.#keys = keys;
    this.#log = log;
  }

  /** Resolves when the keys are observed. */
  async follow(port: number): Promise<void> {
    const store = new StateStoreClient({ host: '127.0.0.1', port });
    this.#store = store;
    const { role, key, counter } = this.#keys;
    const current = { current: true };
    await store.observe(key, (change) => {
      if (change.operation === 'set') this.#onWrite(change.value.toString());
    });
    await store.observe(
      role,
      (change) => this.#onHolder(change.operation === 'set' ? change.value.toString() : undefined),
      current,
    );
    await store.observe(
      counter,
      (change) => {
        if (change.operation === 'set') this.counter.value(change.value.toString());
      },
      current,
    );
  }

  /** The store ends, and is followed again later, with or without its memory. */
  async leave(memory: 'kept' | 'lost'): Promise<void> {
    await this.#store?.close();
    this.counter.away(memory);
    if (memory === 'lost') this.#latest = undefined;
  }

  close(): Promise<void> | undefined {
    return this.#store?.close();
  }

  #onWrite(text: string): void {
    this.writes++;
    const token = parseHlc(text.split(' ')[1] as string);
    if (!token) return;
    if (this.#latest && compareHlc(token, this.#latest) < 0) this.disorder.push(text);
    else this.#latest = token;
  }

  #onHolder(text: string | undefined): void {
    if (text === this.#holder) return;
    this.#holder = text;
    this.#log(text === undefined ? 'the role is free' : `holder ${text}`);
    if (text === undefined) return;
    const { name, duration = 0 } = parseHolder(text);
    const at = process.hrtime.bigint();
    this.holders.push({ name, lease: duration, begin: at, end: at, tokens: ['', ''] });
  }
}
