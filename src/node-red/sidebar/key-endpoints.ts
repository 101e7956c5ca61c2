/** Reads, sets and deletes one key of a store. */
import type { NodeAPI } from 'node-red';
import type { StateStoreClient } from '../../client/state-store-client';
import { asError } from '../words/as-error';
import { handler } from './endpoint';
import { ENDPOINTS } from './endpoint-table';
import { flag, object, oneOf, optional, text, wholeNumber } from './fields';
import { deleteWithLock, setWithLock } from './key-lock';
import { key, MAX_WRITTEN_BYTES, valueIn } from './keys-and-values';
import type { DeleteResponse, SetResponse, Shown } from './protocol';
import type { Handler } from './route';
import { shownValue } from './shown-value';
import { knownStore } from './store-endpoints';
import { MAX_ID } from './watch-endpoints';
import { logged } from './write-log';

/** Bytes of a value that is read as a whole. */
const MAX_WHOLE_BYTES = 1_048_576;
/** Characters of a value in a request; JSON may be shorter when it is written. */
const MAX_VALUE_CHARACTERS = 4 * MAX_WRITTEN_BYTES;

const valueBody = object({ store: text(MAX_ID), key });

const setBody = object({
  store: text(MAX_ID),
  key,
  value: text(MAX_VALUE_CHARACTERS),
  type: oneOf('text', 'json', 'base64'),
  expiry: optional(wholeNumber(1)),
  onlyIfNew: flag(),
  withLock: flag(),
});

const deleteBody = object({
  store: text(MAX_ID),
  key,
  holder: optional(text(MAX_WRITTEN_BYTES)),
  withLock: flag(),
});

export function keyHandlers(RED: NodeAPI): Record<'value' | 'set' | 'delete', Handler> {
  const value = handler(
    RED,
    ENDPOINTS.value,
    valueBody,
    ({ body }): Promise<Shown> =>
      using(body.store, async (client) =>
        shownValue(
          await client.get(body.key).catch((reason) => ({ error: asError(reason, 'get') })),
          MAX_WHOLE_BYTES,
        ),
      ),
  );

  const set = handler(RED, ENDPOINTS.set, setBody, (call): Promise<SetResponse> => {
    const { store, key: name, expiry, onlyIfNew, withLock } = call.body;
    const written = valueIn(call.body);
    const options = {
      ...(onlyIfNew && { condition: 'NX' as const }),
      ...(expiry !== undefined && { expiry }),
    };
    return logged(RED, call, { node: knownStore(store), operation: 'set', key: name }, () =>
      using(store, (client) =>
        withLock ? setWithLock(client, name, written, options) : client.set(name, written, options),
      ),
    );
  });

  const remove = handler(RED, ENDPOINTS.delete, deleteBody, (call): Promise<DeleteResponse> => {
    const { store, key: name, holder, withLock } = call.body;
    const removed = (client: StateStoreClient) => {
      // A lock is taken from the holder that the page showed, not from a later one.
      if (holder !== undefined) return client.deleteIfValue(name, holder);
      return withLock ? deleteWithLock(client, name) : client.delete(name);
    };
    return logged(RED, call, { node: knownStore(store), operation: 'delete', key: name }, () =>
      using(store, removed),
    );
  });

  return { value, set, delete: remove };
}

/** Does something with the client of a store, which the nodes share. */
async function using<T>(id: string, work: (client: StateStoreClient) => Promise<T>): Promise<T> {
  const { store } = knownStore(id);
  // Closing waits for guests; a request takes no longer than the timeout of the store.
  const guest = { onClosing: () => store.releaseGuest(guest) };
  const client = store.registerGuest(guest);
  try {
    return await work(client);
  } finally {
    store.releaseGuest(guest);
  }
}
