/**
 * Deployed stores in function nodes: docs/function-nodes.md. In settings.js:
 *
 * ```js
 * functionGlobalContext: { statestore: require('@edgestate/node-red-statestore/function') },
 * ```
 */
import { printableValue, StateStoreError } from '../../errors';
import type { FunctionNode } from './function-observation';
import { FunctionStore } from './function-store';

/**
 * The deployed store with this name or ID, for a function node: `const store = global.get('statestore')('Plant store')`. It uses the connection of the
 * store. Each call finds the store that runs then, so the object may be kept. `node` is needed to observe. Throws `BAD_ARGUMENT` for a
 * name that is not text.
 */
function functionStore(nameOrId: string, node?: FunctionNode): FunctionStore {
  if (typeof nameOrId === 'string' && nameOrId !== '') return new FunctionStore(nameOrId, node);
  throw new StateStoreError('BAD_ARGUMENT', {
    problem: `The name of a store must be text, not ${printableValue(nameOrId)}`,
    advice: 'Enter the name of a state store that is deployed, or its ID.',
  });
}

namespace functionStore {
  /** A deployed store, for a function node. */
  export type Store = FunctionStore;
}

export = functionStore;
