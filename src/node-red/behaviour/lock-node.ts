/** The lock node passes a message when it has the lock, and ends the lock for every outcome of the message. */
import { setMaxListeners } from 'node:events';
import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import type { Hold } from '../../coordination/hold';
import { Lock } from '../../coordination/lock';
import { StateStoreError } from '../../errors';
import { type Key, toKey } from '../message/key';
import { mark, markFailed } from '../message/mark';
import { NodeSettings, type Setting } from '../message/node-settings';
import { OrderedReader } from '../message/ordered-reader';
import { TypedProperty } from '../message/typed-property';
import type { Look } from '../store/status';
import { StoreUser } from '../store/store-user';
import { asError } from '../words/as-error';
import { localize } from '../words/localize';
import { translate } from '../words/translate';
import { putLoan } from './borrower';
import type { Loan } from './loan';
import { loans } from './loans';
import { closed, heldTooLong, notAcquired, notFree, takenBack } from './lock-errors';
import { within } from './patience';

export interface LockNodeDef extends NodeDef {
  /** ID of the `statestore-config`. */
  store: string;
  /** The name of the lock: its key. */
  key: string;
  keyType: string;
  /** Seconds a message waits for the lock. */
  wait: Setting;
  /** Seconds a message may hold it. */
  limit: Setting;
  /** Seconds after which the lock is free if this Node-RED instance fails. */
  lease: Setting;
}

const OPERATION = 'lock';
const WAIT_SECONDS = { blank: 10, least: 0.1, most: 86_400 };
const LIMIT_SECONDS = { blank: 60, least: 0.1, most: 86_400 };
const LEASE_SECONDS = { blank: 10, least: 1, most: 300 };
/** How long a closing node waits until the store has the locks back. */
const PATIENCE_MS = 2000;
/** Most messages get their lock in a moment, which need not be shown. */
const SHOWN_AFTER_MS = 100;
const HELD: Look = { fill: 'blue', shape: 'dot' };
const WAITING: Look = { fill: 'yellow', shape: 'ring' };

type Send = (msg: NodeMessageInFlow | (NodeMessageInFlow | null)[]) => void;
type Done = (error?: Error) => void;

/** `hold` is undefined if another client held the lock for too long. Then `holder` is its name, if known. */
interface Acquired {
  key: Key;
  hold: Hold | undefined;
  holder: string | undefined;
  limits: Limits;
}

interface Limits {
  wait: number;
  limit: number;
  lease: number;
}

/** Makes a created node a lock node. */
export function makeLockNode(RED: NodeAPI, node: Node, def: LockNodeDef): void {
  new LockNode(RED, node, def).start();
}

class LockNode {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  readonly #def: LockNodeDef;
  readonly #user: StoreUser;
  readonly #key: TypedProperty;
  readonly #reader: OrderedReader<'key'>;
  readonly #abort = new AbortController();
  readonly #lent = new Set<Loan>();
  /** In milliseconds, or what is wrong with them. */
  readonly #limits: Limits | StateStoreError;
  #waiting = 0;
  #showing: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(RED: NodeAPI, node: Node, def: LockNodeDef) {
    this.#RED = RED;
    this.#node = node;
    this.#def = def;
    this.#user = new StoreUser(RED, node, def.store, { operation: OPERATION, close: () => this.#close() });
    this.#key = new TypedProperty(RED, node, 'lock', { value: def.key, type: def.keyType, template: true });
    this.#reader = new OrderedReader({ key: this.#key });
    setMaxListeners(0, this.#abort.signal); // every message that waits listens to it
    this.#limits = this.#readLimits();
  }

  start(): void {
    this.#node.on('input', (msg, send, done) => {
      // An unhandled rejection would end Node-RED.
      this.#input(msg, send, done).catch((error) => this.#node.error(error));
    });
    const client = this.#user.start();
    if (client && this.#limits instanceof StateStoreError) this.#user.status.unusable('badNode');
    this.#show();
  }

  /** Returns `BAD_ARGUMENT` for what is out of range. */
  #readLimits(): Limits | StateStoreError {
    const { wait, limit, lease } = this.#def;
    try {
      const settings = new NodeSettings(this.#RED, this.#node, OPERATION);
      return {
        wait: settings.seconds('timeout', wait, WAIT_SECONDS),
        limit: settings.seconds('max. hold time', limit, LIMIT_SECONDS),
        lease: settings.seconds('lease', lease, LEASE_SECONDS),
      };
    } catch (error) {
      return asError(error, OPERATION);
    }
  }

  async #input(msg: NodeMessageInFlow, send: Send, done: Done): Promise<void> {
    this.#wait(+1);
    let loan: Loan | undefined;
    let acquired: boolean;
    try {
      const lock = await this.#acquire(msg);
      this.#mark(msg, lock);
      acquired = lock.hold !== undefined;
      const { hold, key, limits, holder } = lock;
      if (hold) loan = this.#lend(hold, key, msg, limits.limit);
      else if (!this.#hasSecondWire) throw notFree(key, holder, limits.wait);
    } catch (reason) {
      this.#wait(-1);
      this.#fail(msg, done, reason);
      return;
    }
    this.#wait(-1);
    this.#user.status.succeeded();
    try {
      send(acquired ? msg : [null, msg]);
    } catch (reason) {
      // The message goes no further, so it does not come to an unlock node.
      void loan?.end(undefined);
      this.#fail(msg, done, reason);
      return;
    }
    done();
  }

  #fail(msg: NodeMessageInFlow, done: Done, reason: unknown): void {
    const error = localize(this.#RED, asError(reason, OPERATION));
    const { code, key } = error;
    markFailed(msg, { operation: OPERATION, ...(key !== undefined && { key }), error: code });
    this.#user.status.failed(code);
    done(error);
  }

  /** Whether messages without the lock go anywhere. A deploy may change the wires of a node that goes on. */
  get #hasSecondWire(): boolean {
    const { wires = [] } = this.#node as Node & { wires?: string[][] };
    return (wires[1] ?? []).length > 0;
  }

  /** Releases the lock and throws if the properties of the lock cannot be set in the message. */
  #mark(msg: NodeMessageInFlow, { key, hold, holder }: Acquired): void {
    const acquired = hold !== undefined;
    const isKnown = !acquired && holder !== undefined;
    try {
      mark(msg, { operation: OPERATION, key, acquired, ...(isKnown && { holder }) });
    } catch (error) {
      void hold?.release();
      throw error;
    }
  }

  async #acquire(msg: NodeMessageInFlow): Promise<Acquired> {
    const client = this.#user.client(); // throws where there is none
    const limits = this.#limits;
    if (limits instanceof StateStoreError) throw limits;
    const { wait, lease } = limits;
    const reading = this.#reader.read(msg);
    const values = reading instanceof Promise ? await reading : reading;
    const key = toKey(values.key, this.#key.label, OPERATION);
    const lock = new Lock(client, key, { duration: lease });
    const hold = await lock
      .acquire({ timeout: wait, signal: this.#abort.signal })
      .catch((error) => Promise.reject(this.#closing ? closed(key) : notAcquired(key, error)));
    return { key, hold, holder: lock.holder, limits };
  }

  /** Throws if the lock was lost. */
  #lend(hold: Hold, key: Key, msg: NodeMessageInFlow, limit: number): Loan {
    const { fencingToken: token } = hold;
    if (this.#closing || token === undefined) {
      void hold.release();
      throw this.#closing ? closed(key) : hold.signal.reason;
    }
    const { fencingToken: tokenBefore } = msg as { fencingToken?: unknown };
    const loan: Loan = loans.lend(hold, {
      ...{ key, tokenBefore, limit },
      tooLong: () => heldTooLong(key, msg, limit),
      onEnd: (reason) => {
        this.#lent.delete(loan);
        this.#showSoon();
        // A deploy is no surprise for its user, and the unlock node reports the loss for the message.
        if (reason && !this.#closing) this.#node.error(localize(this.#RED, reason), msg);
      },
    });
    this.#lent.add(loan);
    try {
      putLoan(msg, loan, token);
    } catch (error) {
      // No unlock node would know of it.
      void loan.end(undefined);
      throw error;
    }
    return loan;
  }

  #wait(change: number): void {
    this.#waiting += change;
    this.#user.status.waiting(this.#waiting);
    this.#showSoon();
  }

  #showSoon(): void {
    if (this.#closing) return;
    this.#showing ??= setTimeout(() => {
      this.#showing = undefined;
      this.#show();
    }, SHOWN_AFTER_MS);
  }

  #show(): void {
    const { status } = this.#user;
    const text = (key: string) => translate(this.#RED, `status.${key}`, { count: this.#waiting });
    if (this.#waiting > 0) status.describe(text('waiting'), WAITING);
    else if (this.#lent.size > 0) status.describe(text('held'), HELD);
    else status.describe(text('idle'));
  }

  async #close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#showing);
    this.#abort.abort();
    const back = [...this.#lent].map((loan) => loan.end(takenBack(loan.key)));
    if (this.#user.connected) await within(PATIENCE_MS, Promise.all(back));
  }
}
