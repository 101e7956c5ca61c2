import type { StateStoreClient } from '../client/state-store-client';
import { KeyLock } from './key-lock';
import { locksOf } from './known-locks';

/** How long a lock is kept after its last use, in milliseconds. */
const KEPT_MS = 5000;

/** The lock of this client and key. There is one while it is held or waited for, and for 5 seconds after that. */
export function keyLockOf(store: StateStoreClient, key: Uint8Array): KeyLock {
  const locks = locksOf(store);
  const id = Buffer.from(key).toString('latin1');
  const existing = locks.get(id);
  if (existing) return existing;
  let usedAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const forgetIn = (ms: number) => {
    timer = setTimeout(() => {
      timer = undefined;
      if (lock.busy) return;
      const left = usedAt + KEPT_MS - performance.now();
      if (left > 0) {
        forgetIn(left);
        return;
      }
      locks.delete(id);
      lock.forget();
    }, ms).unref();
  };
  const forgetLater = () => {
    usedAt = performance.now();
    if (!timer) forgetIn(KEPT_MS);
  };
  const lock = new KeyLock(store, key, forgetLater);
  locks.set(id, lock);
  // A caller that only reads the holder never waits for the lock.
  forgetLater();
  return lock;
}
