import { StateStoreError } from '../../errors';

/** The same error, or what a person who builds flows can do about a key that takes no plain writes. */
export function forFlows(error: StateStoreError): StateStoreError {
  const { code, key, operation } = error;
  // An error of many keys has more than this one to report.
  if (code !== 'FENCING_TOKEN_REQUIRED' || key === undefined || error.name !== 'ServiceError') return error;
  const how = operation === 'delete' ? 'the expression $delete' : 'the action "set to a value (reset)"';
  return new StateStoreError(
    code,
    {
      problem: `Use an update node with ${how} for key ${key}`,
      advice:
        'The key is protected, because update nodes or a lock change it, and a fencing token is required. In a flow with a lock node, keep msg.fencingToken.',
    },
    { operation, key, cause: error },
  );
}
