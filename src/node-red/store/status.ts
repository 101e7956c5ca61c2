import type { Node, NodeAPI, NodeStatus } from 'node-red';
import type { ErrorCode } from '../../errors';
import { Throttle } from '../words/throttle';
import { translate } from '../words/translate';
import type { StoreConnection } from './store';

/** Fill and shape of a description. */
export type Look = Pick<Exclude<NodeStatus, string>, 'fill' | 'shape'>;

/** Why no message can succeed: names of texts in the catalogue. */
export type Unusable = 'noStore' | 'storeDisabled' | 'storeMissing' | 'badSettings' | 'badNode';

const GREEN: Look = { fill: 'green', shape: 'dot' };

/**
 * The status of a node that uses a store. Only this class sets it, and only if it changes. Green: the store can be
 * used and the last message succeeded. The own text of a node is only shown in this case.
 */
export class UserStatus {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  #unusable: Unusable | undefined;
  #connection: StoreConnection = { kind: 'closed' };
  #waiting = 0;
  #failure: ErrorCode | undefined;
  #description: string | undefined;
  #look = GREEN;
  #shown = '';
  #cleared = false;
  readonly #showWaiting = new Throttle(() => this.#show());

  constructor(RED: NodeAPI, node: Node) {
    this.#RED = RED;
    this.#node = node;
  }

  /** No message of this node can succeed until the next deploy. The status is red until then. */
  unusable(why: Unusable): void {
    this.#unusable = why;
    this.#show();
  }

  connection(state: StoreConnection): void {
    this.#connection = state;
    this.#show();
  }

  /** How many messages of this node have no outcome yet. */
  waiting(count: number): void {
    this.#waiting = count;
    if (this.#connection.kind !== 'connected') this.#showWaiting.call();
  }

  succeeded(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#show();
  }

  failed(code: ErrorCode): void {
    if (this.#failure === code) return;
    this.#failure = code;
    this.#show();
  }

  /** What is shown instead of "connected", and how. */
  describe(text: string | undefined, look = GREEN): void {
    this.#description = text;
    this.#look = look;
    this.#show();
  }

  /** Ends it: the status under this node's ID belongs to the next deploy. */
  clear(): void {
    this.#showWaiting.stop();
    this.#apply({});
    this.#cleared = true;
  }

  #show(): void {
    this.#apply(this.#status());
  }

  #status(): NodeStatus {
    if (this.#unusable) return { fill: 'red', shape: 'ring', text: this.#text(`status.${this.#unusable}`) };
    const state = this.#connection;
    if (state.kind === 'closed') return {};
    if (state.kind === 'disconnected' || state.kind === 'stopped') {
      return { fill: 'red', shape: 'ring', text: this.#withWaiting(`status.reason.${state.reason.reason}`) };
    }
    if (state.kind === 'connecting')
      return { fill: 'yellow', shape: 'ring', text: this.#withWaiting('status.connecting') };
    if (this.#failure)
      return { fill: 'red', shape: 'dot', text: this.#text(`status.error.${this.#failure}`) };
    return { ...this.#look, text: this.#description ?? this.#connected(state) };
  }

  #connected({ port, isEmulator }: StoreConnection & { kind: 'connected' }): string {
    if (port !== undefined) return this.#text('status.connectedAt', { port });
    return this.#text(isEmulator ? 'status.connectedEmulator' : 'status.connected');
  }

  #apply(status: NodeStatus): void {
    const text = JSON.stringify(status);
    if (this.#cleared || text === this.#shown) return;
    this.#shown = text;
    this.#node.status(status);
  }

  /** Why there is no connection, and how many messages wait for one. */
  #withWaiting(key: string): string {
    const reason = this.#text(key);
    if (this.#waiting === 0) return reason;
    return `${reason}, ${this.#text('status.queued', { count: this.#waiting })}`;
  }

  #text(key: string, values?: Record<string, string | number>): string {
    return translate(this.#RED, key, values);
  }
}
