import type { NodeAPI, NodeMessageInFlow } from 'node-red';
import { StateStoreError } from '../../errors';

/** A property of the message itself: `payload`. */
const PLAIN = /^[A-Za-z_$][\w$]*$/;

/** The property of a message that receives a value, as Node-RED's `setMessageProperty` writes it. */
export class TargetProperty {
  readonly #RED: NodeAPI;
  readonly #name: string;
  readonly #isPlain: boolean;
  readonly #operation: 'get' | 'update';

  /** `operation`: of the node, whose result is the value. */
  constructor(RED: NodeAPI, name: string, operation: 'get' | 'update') {
    this.#RED = RED;
    this.#operation = operation;
    this.#name = name;
    this.#isPlain = PLAIN.test(name);
  }

  /** Nothing (`undefined`) takes the property away. Throws for a name that is none, and `BAD_ARGUMENT` where the message has no room for it. */
  write(msg: NodeMessageInFlow, value: unknown): void {
    if (this.#isPlain && value !== undefined) {
      Reflect.set(msg, this.#name, value);
      return;
    }
    // Core's change node warns as well. Without the warning the loss would be silent.
    if (this.#RED.util.setMessageProperty(msg, this.#name, value, value !== undefined) || value === undefined)
      return;
    const operation = this.#operation;
    const done = operation === 'update' ? 'The update is complete' : 'The store responded';
    throw new StateStoreError(
      'BAD_ARGUMENT',
      `${done}, but the result cannot be written to msg.${this.#name}: a part of the path is neither an object nor a list in this message. Select another property in the node.`,
      { operation, ...(operation === 'update' && { applied: 'unknown' }) },
    );
  }
}
