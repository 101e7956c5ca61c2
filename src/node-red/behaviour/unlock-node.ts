/** The unlock node releases the lock that the message holds, from any lock node of this process. */
import type { Node, NodeAPI, NodeMessageInFlow } from 'node-red';
import type { StateStoreError } from '../../errors';
import { mark, markFailed } from '../message/mark';
import { asError } from '../words/as-error';
import { localize } from '../words/localize';
import { translate } from '../words/translate';
import { takeLoan } from './borrower';
import type { Loan } from './loan';
import { within } from './patience';

const OPERATION = 'unlock';
/** How long a closing node waits until the store has the locks back. */
const PATIENCE_MS = 2000;

type Send = (msg: NodeMessageInFlow) => void;
type Done = (error?: Error) => void;

/** Makes a created node an unlock node. */
export function makeUnlockNode(RED: NodeAPI, node: Node): void {
  new UnlockNode(RED, node).start();
}

class UnlockNode {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  /** Messages whose lock is on its way back, and what ends the wait. */
  readonly #unfinished = new Map<Promise<boolean>, () => void>();
  #failure: string | undefined;

  constructor(RED: NodeAPI, node: Node) {
    this.#RED = RED;
    this.#node = node;
  }

  start(): void {
    this.#node.on('input', (msg, send, done) => {
      // An unhandled rejection would end Node-RED.
      this.#input(msg, send, done).catch((error) => this.#node.error(error));
    });
    this.#node.on('close', (_removed: boolean, done: () => void) => void this.#close().then(done, done));
  }

  async #input(msg: NodeMessageInFlow, send: Send, done: Done): Promise<void> {
    try {
      const loan = takeLoan(msg);
      const released = await this.#giveBack(loan);
      mark(msg, { operation: OPERATION, key: loan.key, released });
      this.#show(undefined);
      send(msg);
      done();
    } catch (reason) {
      const error: StateStoreError = localize(this.#RED, asError(reason, OPERATION));
      const { code, key } = error;
      this.#show(code);
      markFailed(msg, { operation: OPERATION, ...(key !== undefined && { key }), error: code });
      done(error);
    }
  }

  /** Resolves with false when the node is closed before the answer has come. */
  async #giveBack(loan: Loan): Promise<boolean> {
    let giveUp = () => {};
    const closed = new Promise<boolean>((resolve) => {
      giveUp = () => resolve(false);
    });
    const back = Promise.race([loan.giveBack(), closed]);
    this.#unfinished.set(back, giveUp);
    try {
      return await back;
    } finally {
      this.#unfinished.delete(back);
    }
  }

  /** Has no store, so it shows nothing but the last failure. */
  #show(failure: string | undefined): void {
    if (failure === this.#failure) return;
    this.#failure = failure;
    const text = failure && translate(this.#RED, `status.error.${failure}`);
    this.#node.status(text ? { fill: 'red', shape: 'dot', text } : {});
  }

  async #close(): Promise<void> {
    await within(PATIENCE_MS, Promise.allSettled(this.#unfinished.keys()));
    for (const giveUp of this.#unfinished.values()) giveUp();
    this.#show(undefined);
  }
}
