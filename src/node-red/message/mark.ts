import type { NodeMessageInFlow } from 'node-red';

/** Says in a message what became of it. Throws where the message cannot be extended. */
export function mark(msg: NodeMessageInFlow, result: object): void {
  (msg as { statestore?: object }).statestore = result;
}

/** As {@link mark}, for a message that fails anyway: if the property cannot be set, the error says so. */
export function markFailed(msg: NodeMessageInFlow, result: object): void {
  try {
    mark(msg, result);
  } catch {
    // It fails of something else, or of just that.
  }
}
