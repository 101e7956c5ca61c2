/** Logs each change from a page, with any result: the user and the key, never the value. */
import type { NodeAPI } from 'node-red';
import { printableKey, StateStoreError } from '../../errors';
import type { StoreNode } from '../store/store';
import { translate } from '../words/translate';
import type { Call } from './endpoint';
import type { DeleteResponse, SetResponse } from './protocol';

interface Write {
  node: StoreNode;
  operation: 'set' | 'delete';
  key: Buffer;
}

export async function logged<T extends SetResponse | DeleteResponse>(
  RED: NodeAPI,
  { user = 'anonymous', request }: Call<unknown>,
  { node, operation, key }: Write,
  write: () => Promise<T>,
): Promise<T> {
  const shown = printableKey(key);
  const log = (outcome: string) => {
    // A username may have control characters.
    const name = printableKey(Buffer.from(user));
    node.log(translate(RED, `log.${operation}`, { user: name, key: shown, outcome }));
    const entry = { event: `statestore.${operation}`, store: node.id, key: shown, outcome };
    RED.log.audit({ level: RED.log.AUDIT, ...entry }, request);
  };
  try {
    const result = await write();
    log(hadEffect(result) ? 'done' : 'nothing changed');
    return result;
  } catch (error) {
    if (error instanceof StateStoreError) log(error.code);
    throw error;
  }
}

function hadEffect(result: SetResponse | DeleteResponse): boolean {
  return 'stored' in result ? result.stored : result.deleted;
}
