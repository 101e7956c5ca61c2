/** When flows have started. */
import type { NodeAPI } from 'node-red';

export class FlowsStart {
  #resolve: () => void = () => undefined;
  #next = this.#promise();

  constructor(RED: NodeAPI) {
    RED.events.on('flows:started', () => {
      this.#resolve();
      this.#next = this.#promise();
    });
  }

  /** Resolves when flows have started the next time: for a node that is being made, those it belongs to. */
  get next(): Promise<void> {
    return this.#next;
  }

  #promise(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}
