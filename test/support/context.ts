/** Context stores as Node-RED uses them, with promises in place of callbacks where a test wants them. */
import { EventEmitter } from 'node:events';
import contextStore from '../../src/context';

export type Store = contextStore.Store;

/** Gets with a callback; rejects with what it is given as error. */
export function get(store: Store, scope: string, key: string): Promise<unknown>;
export function get(store: Store, scope: string, key: string[]): Promise<unknown[]>;
export function get(store: Store, scope: string, key: string | string[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    store.get(scope, key, (error, ...values) => {
      if (error) reject(error);
      else resolve(Array.isArray(key) ? values : values[0]);
    });
  });
}

export function set(store: Store, scope: string, key: string | string[], value: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    store.set(scope, key, value, (error) => (error ? reject(error) : resolve()));
  });
}

export function keys(store: Store, scope: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    store.keys(scope, (error, names) => (error ? reject(error) : resolve(names)));
  });
}

/** Resolves as soon as `look` returns something; the test's own time limit ends it otherwise. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Opens a store on the emulator at `port`. */
export async function openStore(port: number, options: contextStore.Options = {}): Promise<Store> {
  const store = contextStore({ host: '127.0.0.1', port, ...options });
  await store.open();
  return store;
}

/** The lines that a context store writes into the log of Node-RED, from now on until `stop`. */
export function logLines(): { all: string[]; stop: () => void } {
  const { log } = require('@node-red/util') as {
    log: { addHandler(handler: EventEmitter): void; removeHandler(handler: EventEmitter): void };
  };
  const all: string[] = [];
  const handler = new EventEmitter();
  handler.on('log', ({ msg }: { msg: unknown }) => all.push(String(msg)));
  log.addHandler(handler);
  return { all, stop: () => log.removeHandler(handler) };
}
