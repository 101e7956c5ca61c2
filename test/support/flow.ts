/** One of our nodes in Node-RED's own runtime, with every outcome of every message recorded. */
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { Node, NodeAPI, NodeStatus } from 'node-red';
import helper from 'node-red-node-test-helper';

import configNode = require('../../nodes/statestore-config');
import deleteNode = require('../../nodes/statestore-delete');
import getNode = require('../../nodes/statestore-get');
import leaderNode = require('../../nodes/statestore-leader');
import lockNode = require('../../nodes/statestore-lock');
import observeNode = require('../../nodes/statestore-observe');
import setNode = require('../../nodes/statestore-set');
import unlockNode = require('../../nodes/statestore-unlock');
import updateNode = require('../../nodes/statestore-update');

helper.init(require.resolve('node-red'));
let loaded = false;

/** The modules of our nodes, as the helper takes them. */
export const NODES = [
  configNode,
  setNode,
  getNode,
  deleteNode,
  observeNode,
  leaderNode,
  lockNode,
  unlockNode,
  updateNode,
] as ((RED: NodeAPI) => void)[] as never;

export { helper };

export type Message = Record<string, unknown> & { _msgid: string };

/** What became of a message: sent by an output, or failed with what a Catch node receives. */
export type Outcome = { /** Milliseconds since 1970. */ at: number; msg: Message } & (
  | { kind: 'sent'; output: number }
  | { kind: 'failed'; code: string; message: string }
);

/** A node's configuration; what the editor would fill in stands in {@link DEFAULTS}. */
export type Definition = { type: string; outputs?: number } & Record<string, unknown>;

/** What the editor would fill in, by type. */
export const DEFAULTS: Record<string, Record<string, unknown>> = {
  'statestore-set': {
    ...{ keyType: 'str', value: 'payload', valueType: 'msg', condition: '', outputs: 1 },
    ...{
      expiry: '',
      expiryType: 'num',
      expiryUnit: 'ms',
      fencingToken: 'fencingToken',
      fencingTokenType: 'msg',
    },
  },
  'statestore-get': {
    keyType: 'str',
    property: 'payload',
    propertyType: 'msg',
    format: 'auto-detect',
    outputs: 1,
  },
  'statestore-delete': {
    ...{ keyType: 'str', onlyIfValue: false, value: 'payload', valueType: 'msg', outputs: 1 },
    ...{ fencingToken: 'fencingToken', fencingTokenType: 'msg' },
  },
  'statestore-lock': { key: 'k', keyType: 'str', wait: '10', limit: '60', lease: '10', outputs: 2 },
  'statestore-leader': { role: 'role', lease: '10', candidate: '', outputs: 1 },
  'statestore-update': {
    ...{ keyType: 'str', change: 'add', amount: '1', amountType: 'num', value: 'payload', valueType: 'msg' },
    ...{ expression: '$value + payload', keep: '', start: '', startType: 'json', property: 'payload' },
    ...{ propertyType: 'msg', expiry: '', expiryType: 'num', expiryUnit: 's', persist: false, lock: '' },
    ...{ lockType: 'str', duration: '', timeout: '', outputs: 1 },
  },
};

/** Calls a node's own input handler, as Node-RED does. */
export function handle(
  node: Node,
  msg: Message,
  send: () => void,
  done: (error?: { code: string; message: string }) => void,
): void {
  const { _inputCallback } = node as unknown as { _inputCallback(...args: unknown[]): void };
  _inputCallback.call(node, msg, send, done);
}

export class Flow extends EventEmitter<{ outcome: [Outcome]; completed: []; status: [NodeStatus] }> {
  /** Every outcome so far; one message may not have two. */
  readonly outcomes: Outcome[] = [];
  /** IDs of the messages a Complete node heard of. */
  readonly completed: string[] = [];
  readonly statuses: NodeStatus[] = [];
  readonly #byId = new Map<string, Outcome>();
  readonly #expected = new Map<string, (outcome: Outcome) => void>();
  /** The node under test. */
  readonly node: Node;

  private constructor() {
    super();
    this.setMaxListeners(0);
    this.node = helper.getNode('n') as unknown as Node;
    for (const output of [0, 1]) {
      this.#on(`out${output}`, (msg) => this.#record({ kind: 'sent', at: Date.now(), output, msg }));
    }
    this.#on('caught', (msg) => {
      const { code, message } = msg.error as { code: string; message: string };
      this.#record({ kind: 'failed', at: Date.now(), code, message, msg });
    });
    this.#on('completed', (msg) => {
      this.completed.push(msg._msgid);
      this.emit('completed');
    });
    this.#on('status', (msg) => {
      const { text, fill, shape } = msg.status as { text?: string; fill?: string; shape?: string };
      const status = { text, fill, shape } as NodeStatus;
      this.statuses.push(status);
      this.emit('status', status);
    });
  }

  /** Deploys the node with a store at `port`; `port` 0 means that no store is chosen. */
  static async start(
    port: number,
    definition: Definition,
    storeSettings: Record<string, unknown> = {},
  ): Promise<Flow> {
    const outputs = definition.outputs ?? 1;
    if (loaded) await helper.unload(); // a test that failed has left its flow behind
    loaded = true;
    await helper.load(NODES, [
      { id: 'tab', type: 'tab', label: 'test' },
      { id: 'store', type: 'statestore-config', host: '127.0.0.1', port, ...storeSettings },
      ...[
        {
          ...DEFAULTS[definition.type],
          ...{ id: 'n', store: port ? 'store' : '', wires: [['out0'], ['out1']].slice(0, outputs) },
          ...definition,
        },
        { id: 'out0', type: 'helper' },
        { id: 'out1', type: 'helper' },
        { id: 'catch', type: 'catch', scope: ['n'], wires: [['caught']] },
        { id: 'caught', type: 'helper' },
        { id: 'complete', type: 'complete', scope: ['n'], wires: [['completed']] },
        { id: 'completed', type: 'helper' },
        { id: 'state', type: 'status', scope: ['n'], wires: [['status']] },
        { id: 'status', type: 'helper' },
      ].map((node) => ({ z: 'tab', x: 0, y: 0, ...node })), // a node without a place is taken for a config node
    ] as never);
    return new Flow();
  }

  /** Sends a message into the node and resolves with its outcome. */
  async send(properties: Record<string, unknown> = {}): Promise<Outcome> {
    const msg = { _msgid: randomUUID(), ...properties };
    this.node.receive(msg as never);
    return this.outcomeOf(msg._msgid);
  }

  outcomeOf(id: string): Promise<Outcome> {
    const outcome = this.#byId.get(id);
    if (outcome) return Promise.resolve(outcome);
    return new Promise((resolve) => this.#expected.set(id, resolve));
  }

  /** Resolves when the status has this text; texts are keys of the catalogue here. */
  async status(text: string): Promise<NodeStatus> {
    for (;;) {
      const last = this.statuses.at(-1);
      if (last && typeof last === 'object' && last.text?.endsWith(text)) return last;
      await once(this, 'status');
    }
  }

  /**
   * Hands a message to the node's own handler and resolves with what it called first. For messages whose outcome
   * comes while the flow stops, when the nodes behind are gone already.
   */
  handle(properties: Record<string, unknown>): Promise<'send' | { code: string; message: string }> {
    const { _inputCallback } = this.node as unknown as {
      _inputCallback(
        msg: unknown,
        send: () => void,
        done: (error?: { code: string; message: string }) => void,
      ): void;
    };
    return new Promise((resolve) => {
      const done = (error?: { code: string; message: string }) => error && resolve(error);
      _inputCallback.call(this.node, { _msgid: randomUUID(), ...properties }, () => resolve('send'), done);
    });
  }

  /** As {@link handle}, for a node that does not pass its input on: resolves when it is done with it. */
  settle(properties: Record<string, unknown>): Promise<'done' | { code: string; message: string }> {
    return new Promise((resolve) => {
      const done = (error?: { code: string; message: string }) => resolve(error ?? 'done');
      handle(this.node, { _msgid: randomUUID(), ...properties }, () => undefined, done);
    });
  }

  /** Resolves when the Complete node has received every sent message, which is a little later. */
  async allCompleted(): Promise<void> {
    const sent = this.outcomes.filter(({ kind }) => kind === 'sent');
    while (!sent.every(({ msg }) => this.completed.includes(msg._msgid))) await once(this, 'completed');
  }

  async stop(): Promise<void> {
    loaded = false;
    await helper.unload();
  }

  #on(id: string, listener: (msg: Message) => void): void {
    helper.getNode(id).on('input', listener as never);
  }

  #record(outcome: Outcome): void {
    this.outcomes.push(outcome);
    this.#byId.set(outcome.msg._msgid, outcome);
    this.#expected.get(outcome.msg._msgid)?.(outcome);
    this.emit('outcome', outcome);
  }
}
