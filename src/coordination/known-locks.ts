/** The locks of each client, and how many of them it holds and waits for. */
import type { StateStoreClient } from '../client/state-store-client';
import type { KeyLock } from './key-lock';

/** Counted when it is read. */
export interface LockCounts {
  /** Locks that this client holds. */
  held: number;
  /** Calls that wait for a lock. */
  waiting: number;
}

const known = new WeakMap<StateStoreClient, Map<string, KeyLock>>();

/** By their keys. */
export function locksOf(store: StateStoreClient): Map<string, KeyLock> {
  const existing = known.get(store);
  if (existing) return existing;
  const locks = new Map<string, KeyLock>();
  known.set(store, locks);
  return locks;
}

export function lockCountsOf(store: StateStoreClient): LockCounts {
  const counts = { held: 0, waiting: 0 };
  for (const lock of known.get(store)?.values() ?? []) {
    if (lock.held) counts.held++;
    counts.waiting += lock.waiting;
  }
  return counts;
}
