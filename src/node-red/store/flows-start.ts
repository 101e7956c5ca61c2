/** When flows have started. */
import type { NodeAPI } from 'node-red';

export class FlowsStart {
  /** By the events of a Node-RED, which loads a node again when the palette has disabled and enabled it. */
  static readonly #all = new WeakMap<object, FlowsStart>();
  #resolve: () => void = () => undefined;
  #next = this.#promise();

  private constructor({ events }: NodeAPI) {
    events.on('flows:started', () => {
      this.#resolve();
      this.#next = this.#promise();
    });
  }

  /** The same one for each call with the same Node-RED. */
  static of(RED: NodeAPI): FlowsStart {
    const known = FlowsStart.#all.get(RED.events);
    if (known) return known;
    const made = new FlowsStart(RED);
    FlowsStart.#all.set(RED.events, made);
    return made;
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
