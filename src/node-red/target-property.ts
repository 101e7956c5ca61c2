import type { NodeAPI, NodeMessageInFlow } from 'node-red';

/** A property of the message itself: `payload`. */
const PLAIN = /^[A-Za-z_$][\w$]*$/;

/** The property of a message that receives a value, as Node-RED's `setMessageProperty` writes it. */
export class TargetProperty {
  readonly #RED: NodeAPI;
  readonly #name: string;
  readonly #isPlain: boolean;

  constructor(RED: NodeAPI, name: string) {
    this.#RED = RED;
    this.#name = name;
    this.#isPlain = PLAIN.test(name);
  }

  /** Nothing (`undefined`) takes the property away. Throws for a name that is none. */
  write(msg: NodeMessageInFlow, value: unknown): void {
    if (this.#isPlain && value !== undefined) {
      Reflect.set(msg, this.#name, value);
      return;
    }
    this.#RED.util.setMessageProperty(msg, this.#name, value, value !== undefined);
  }
}
