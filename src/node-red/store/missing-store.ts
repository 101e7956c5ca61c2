/** Why a node that names a store has none. */
import type { NodeAPI, NodeDef } from 'node-red';
import { type Operation, StateStoreError } from '../../errors';
import { fieldText } from '../words/field-text';
import type { Unusable } from './status';

export interface MissingStore {
  why: Unusable;
  error: StateStoreError;
}

/** `storeId`: the `statestore-config` that was chosen, if any. */
export function missingStore(RED: NodeAPI, storeId: unknown, operation: Operation): MissingStore {
  const missing = (why: Unusable, message: string) => ({
    why,
    error: new StateStoreError('BAD_ARGUMENT', message, { operation }),
  });
  const id = fieldText(storeId);
  if (id === '') return missing('noStore', 'This node has no store. Open the node and select or add one.');
  const store = deployed(RED, id);
  if (!store)
    return missing(
      'storeMissing',
      'The store of this node was deleted. Open the node and select or add another one.',
    );
  const name = fieldText(store.name) || store.id;
  if (!isDisabled(RED, store))
    return missing(
      'badSettings',
      `The store ${name} of this node did not start. The log of Node-RED has the reason.`,
    );
  return missing(
    'storeDisabled',
    `The store ${name} of this node is disabled. Enable the store, or its flow, and deploy; or select another store.`,
  );
}

/** Whether a node, or the flow it is in, is disabled. */
function isDisabled(RED: NodeAPI, { z, ...def }: NodeDef): boolean {
  let disabled = isTrue(def, 'd');
  RED.nodes.eachNode((one: NodeDef) => {
    if (one.id === z) disabled ||= isTrue(one, 'd') || isTrue(one, 'disabled');
  });
  return disabled;
}

function isTrue(def: object, name: string): boolean {
  return Reflect.get(def, name) === true;
}

/** The node with this ID in the flow file. A node in a subflow runs with an ID that ends with the one in the file. */
function deployed(RED: NodeAPI, id: string): NodeDef | undefined {
  let found: NodeDef | undefined;
  RED.nodes.eachNode((def: NodeDef) => {
    if (def.type === 'statestore-config' && (def.id === id || id.endsWith(`-${def.id}`))) found = def;
  });
  return found;
}
