/** Writes that hold the lock of their key (`<key>/lock`), as update nodes do: the store refuses others for such a key. */
import type { SetOptions } from '../../client/options';
import type { StateStoreClient } from '../../client/state-store-client';
import { Lock } from '../../coordination/lock';
import { printableKey, StateStoreError } from '../../errors';
import type { DeleteResponse, SetResponse } from './protocol';

const LOCK_END = Buffer.from('/lock');
/** How long the lock may be held by others, in milliseconds. */
const WAIT_MS = 5000;

export function setWithLock(
  client: StateStoreClient,
  key: Buffer,
  value: Buffer,
  options: SetOptions,
): Promise<SetResponse> {
  return holding(client, key, 'set', (fencingToken) => client.set(key, value, { ...options, fencingToken }));
}

export function deleteWithLock(client: StateStoreClient, key: Buffer): Promise<DeleteResponse> {
  return holding(client, key, 'delete', (fencingToken) => client.delete(key, { fencingToken }));
}

async function holding<T>(
  client: StateStoreClient,
  key: Buffer,
  operation: 'set' | 'delete',
  write: (fencingToken: string) => Promise<T>,
): Promise<T> {
  const hold = await new Lock(client, Buffer.concat([key, LOCK_END])).acquire({ timeout: WAIT_MS });
  try {
    if (hold?.fencingToken === undefined) {
      const shown = printableKey(key);
      throw new StateStoreError(
        'NOT_FREE',
        `The lock of key ${shown} was not free within ${WAIT_MS / 1000} s: nothing was changed.`,
        { operation, key: shown },
      );
    }
    return await write(hold.fencingToken);
  } finally {
    await hold?.release();
  }
}
