/**
 * Common part of set, get, delete and update: one request for each message. The message leaves with the
 * answer or with an error, exactly once, also if the connection is lost or the flow is deployed.
 */
import { setMaxListeners } from 'node:events';
import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import type { RequestOptions } from '../../client/options';
import type { StateStoreClient } from '../../client/state-store-client';
import { isRead, type Operation, StateStoreError } from '../../errors';
import { ManyKeysError } from '../message/many-keys';
import { mark, markFailed } from '../message/mark';
import { OrderedReader } from '../message/ordered-reader';
import type { TypedProperty } from '../message/typed-property';
import { StoreUser } from '../store/store-user';
import { asError } from '../words/as-error';
import { localize } from '../words/localize';
import { forFlows } from '../words/protected-key';

/** The properties every node of this kind has. */
export interface RequestNodeDef extends NodeDef {
  /** ID of the `statestore-config`. */
  store: string;
  /** 2 when messages leave by the second output where the operation had no effect. */
  outputs: number;
}

/** What became of a request. */
export interface Answer {
  /** Goes to `msg.statestore`. */
  result: { operation: Operation } & Record<string, unknown>;
  /** False where the operation had no effect: not stored, not found, not deleted, not changed. Decides about the second output. */
  effective: boolean;
  /** Writes more than `msg.statestore` into the message. */
  write?: (msg: NodeMessageInFlow) => void;
}

export interface RequestNodeParts<Name extends string> {
  operation: Operation;
  properties: Record<Name, TypedProperty>;
  /**
   * Makes the request; throws or rejects where there is none to make. Called in the order of the messages; must reach the client
   * before it waits for anything.
   */
  perform(
    client: StateStoreClient,
    values: Record<Name, unknown>,
    options: RequestOptions,
    msg: NodeMessageInFlow,
    /** Whether the store asks to keep all keys on disk. */
    persists: boolean,
  ): Promise<Answer>;
}

/** How long a closing node waits for its messages in flight. */
const PATIENCE_MS = 2000;

type Send = (msg: NodeMessageInFlow | (NodeMessageInFlow | null)[]) => void;
type Done = (error?: Error) => void;

/** Makes a created node a request node: handles its input, status and close. */
export function makeRequestNode<Name extends string>(
  RED: NodeAPI,
  node: Node,
  def: RequestNodeDef,
  parts: RequestNodeParts<Name>,
): void {
  new RequestNode(RED, node, def, parts).start();
}

class RequestNode<Name extends string> {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  readonly #parts: RequestNodeParts<Name>;
  readonly #twoOutputs: boolean;
  readonly #reader: OrderedReader<Name>;
  readonly #user: StoreUser;
  readonly #abort = new AbortController();
  /** The same for all messages. */
  readonly #options: RequestOptions = { signal: this.#abort.signal };
  #pending = 0;
  #onIdle: (() => void) | undefined;
  #unlisten: (() => void) | undefined;

  constructor(RED: NodeAPI, node: Node, def: RequestNodeDef, parts: RequestNodeParts<Name>) {
    this.#RED = RED;
    this.#node = node;
    this.#parts = parts;
    this.#twoOutputs = def.outputs === 2;
    this.#reader = new OrderedReader(parts.properties);
    const { operation } = parts;
    this.#user = new StoreUser(RED, node, def.store, { operation, close: () => this.#close() });
    setMaxListeners(0, this.#abort.signal); // every message in flight listens to it
  }

  start(): void {
    this.#node.on('input', (msg, send, done) => this.#input(msg, send, done));
    this.#unlisten = this.#user.start()?.listenTo(this.#abort.signal);
  }

  #input(msg: NodeMessageInFlow, send: Send, done: Done): void {
    // Node-RED logs metrics if a log of its settings asks for them.
    const begin = this.#node.metric() ? performance.now() : undefined;
    const fail = (reason: unknown) => this.#end(() => this.#fail(msg, done, reason), msg, begin);
    this.#user.status.waiting(++this.#pending);
    try {
      const succeed = (answer: Answer) => this.#end(() => this.#succeed(msg, send, done, answer), msg, begin);
      this.#perform(msg).then(succeed, fail);
    } catch (reason) {
      fail(reason);
    }
  }

  #perform(msg: NodeMessageInFlow): Promise<Answer> {
    const { perform } = this.#parts;
    const client = this.#user.client();
    const { persists } = this.#user;
    const reading = this.#reader.read(msg);
    return reading instanceof Promise
      ? reading.then((values) => perform(client, values, this.#options, msg, persists))
      : perform(client, reading, this.#options, msg, persists);
  }

  #succeed(msg: NodeMessageInFlow, send: Send, done: Done, answer: Answer): void {
    try {
      answer.write?.(msg);
      mark(msg, answer.result);
    } catch (reason) {
      this.#fail(msg, done, reason);
      return;
    }
    this.#user.status.succeeded();
    try {
      send(this.#twoOutputs && !answer.effective ? [null, msg] : msg);
    } catch (reason) {
      this.#fail(msg, done, reason);
      return;
    }
    done();
  }

  #fail(msg: NodeMessageInFlow, done: Done, reason: unknown): void {
    const error = localize(this.#RED, forFlows(asError(reason, this.#parts.operation)));
    markFailed(msg, resultOf(error));
    this.#user.status.failed(error.code);
    done(error);
  }

  /** The outcome of a message. A thrown error ends here, because an unhandled rejection would end Node-RED. */
  #end(report: () => void, msg: NodeMessageInFlow, begin: number | undefined): void {
    const durationMs = begin === undefined ? undefined : performance.now() - begin;
    try {
      try {
        report();
      } finally {
        this.#user.status.waiting(--this.#pending);
        if (this.#pending === 0) this.#onIdle?.();
      }
      if (durationMs !== undefined) this.#node.metric('duration.millis', msg, durationMs);
    } catch (error) {
      this.#node.error(error);
    }
  }

  /** Up to two seconds for the requests under way; `CLOSED` for the rest. */
  async #close(): Promise<void> {
    if (this.#pending > 0 && this.#user.connected) await this.#idle(PATIENCE_MS);
    const { operation } = this.#parts;
    const doubt = `The ${operation} may or may not have been applied. Get the key to find out.`;
    const advice = isRead({ operation }) ? '' : doubt;
    const words = { problem: 'The node was closed before the store responded', advice };
    this.#abort.abort(new StateStoreError('CLOSED', words, { operation }));
    if (this.#pending > 0) await this.#idle(PATIENCE_MS);
    this.#unlisten?.();
  }

  async #idle(patience: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** What `msg.statestore` says of a failure; a Catch node receives the message with it. */
function resultOf(error: StateStoreError): Record<string, unknown> {
  const { code, operation, key } = error;
  return {
    operation,
    ...(key !== undefined && { key }),
    error: code,
    ...(error instanceof ManyKeysError && { results: error.results }),
  };
}
