/** Several of our nodes in one Node-RED, with what leaves them, what they show and what goes wrong in them. */
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { events, type Node, type NodeStatus } from 'node-red';
import { DEFAULTS, type Definition, helper, type Message, NODES } from './flow';

/** A message that left a node by an output; outputs count from 1. */
export interface Sent {
  from: string;
  output: number;
  /** On the monotonic clock, in milliseconds. */
  at: number;
  msg: Message;
}

/** What a Catch node received. */
export interface Caught {
  from: string;
  code: string;
  message: string;
  msg: Message;
}

export type NodeDefinition = Definition & { id: string };

/** What the helper's deploys are made of. */
interface RuntimeOfHelper {
  _redNodes: { setFlows(flows: object[], credentials: object, type: string): Promise<void> };
}

/** Outputs of a node whose messages are listened to. */
const OUTPUTS = 3;

export class Canvas extends EventEmitter<{ change: [] }> {
  readonly sent: Sent[] = [];
  readonly caught: Caught[] = [];
  readonly statuses: { from: string; status: NodeStatus }[] = [];
  /** IDs of the messages that a node was done with. */
  readonly #completed = new Set<string>();
  readonly #stores: Record<string, number>;
  /** Nodes of the runtime that are listened to. */
  readonly #listened = new WeakSet<object>();
  readonly #onStatus = ({ id, status }: { id: string; status: NodeStatus }) => {
    this.statuses.push({ from: id, status });
    this.emit('change');
  };

  private constructor(stores: Record<string, number>) {
    super();
    this.setMaxListeners(0);
    this.#stores = stores;
  }

  /** Deploys these nodes; `stores` has the ports of the stores by name, and a node has the name of its store in `store`. */
  static async start(stores: Record<string, number>, nodes: NodeDefinition[]): Promise<Canvas> {
    const canvas = new Canvas(stores);
    await helper.unload();
    events.on('node-status', canvas.#onStatus);
    await helper.load(NODES, canvas.#flow(nodes));
    canvas.#listenTo(nodes);
    return canvas;
  }

  /** Deploys only what has changed; a node that is not named any more is gone. */
  async redeploy(nodes: NodeDefinition[]): Promise<void> {
    // The helper's own setFlows waits 0.3 seconds for the start, however busy the machine is.
    const { _redNodes } = helper as unknown as RuntimeOfHelper;
    const started = once(events, 'flows:started');
    await _redNodes.setFlows(this.#flow(nodes), {}, 'nodes');
    await started;
    this.#listenTo(nodes);
  }

  node(id: string): Node {
    return helper.getNode(id) as unknown as Node;
  }

  /** Sends a message into a node; resolves when the node is done with it, with the error it failed of, if any. */
  async send(id: string, properties: Record<string, unknown> = {}): Promise<Caught | undefined> {
    const msg = { ...properties, _msgid: randomUUID() };
    const after = this.caught.length;
    this.node(id).receive(msg as never);
    return this.until(() => {
      const failed = this.caught.slice(after).find((one) => one.msg._msgid === msg._msgid);
      if (failed) return { failed };
      return this.#completed.has(msg._msgid) ? { failed: undefined } : undefined;
    }).then(({ failed }) => failed);
  }

  /** The messages that left a node by an output so far. */
  from(id: string, output: number): Message[] {
    return this.sent.filter((one) => one.from === id && one.output === output).map(({ msg }) => msg);
  }

  /** Resolves with the first true result of `is`, which is called again after every event. */
  async until<T>(is: () => T): Promise<NonNullable<T>> {
    for (;;) {
      const found = is();
      if (found) return found;
      await once(this, 'change');
    }
  }

  /** The status a node shows now, by the last part of its key, with its colour. */
  shown(id: string): string {
    const status = this.statuses.filter(({ from }) => from === id).at(-1)?.status ?? {};
    const { text = '', fill = '' } = status as { text?: string; fill?: string };
    return `${fill} ${text.replace(/^.*:statestore\.status\./, '')}`;
  }

  async stop(): Promise<void> {
    await helper.unload();
    events.off('node-status', this.#onStatus);
  }

  #flow(nodes: NodeDefinition[]): never {
    const outputs = nodes.flatMap(({ id }) =>
      Array.from({ length: OUTPUTS }, (_, index) => ({ id: `${id}/${index + 1}`, type: 'helper' })),
    );
    return [
      { id: 'tab', type: 'tab', label: 'test' },
      ...Object.entries(this.#stores).map(([name, port]) => ({
        ...{ id: `store of ${name}`, type: 'statestore-config', host: '127.0.0.1', port },
      })),
      ...[
        ...nodes.map((node) => ({
          ...DEFAULTS[node.type],
          ...{
            wires: Array.from({ length: OUTPUTS }, (_, index) => [`${node.id}/${index + 1}`]),
          },
          ...node,
          store: `store of ${node.store}`,
        })),
        ...outputs,
        { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
        { id: 'caught', type: 'helper' },
        { id: 'complete', type: 'complete', scope: nodes.map(({ id }) => id), wires: [['completed']] },
        { id: 'completed', type: 'helper' },
      ].map((node) => ({ z: 'tab', x: 0, y: 0, ...node })),
    ] as never;
  }

  #listenTo(nodes: NodeDefinition[]): void {
    for (const { id } of nodes) {
      for (let output = 1; output <= OUTPUTS; output++) {
        this.#on(`${id}/${output}`, (msg) =>
          this.sent.push({ from: id, output, at: performance.now(), msg }),
        );
      }
    }
    this.#on('completed', (msg) => this.#completed.add(msg._msgid));
    this.#on('caught', (msg) => {
      const { code, message, source } = msg.error as {
        code: string;
        message: string;
        source: { id: string };
      };
      this.caught.push({ from: source.id, code, message, msg });
    });
  }

  #on(id: string, listener: (msg: Message) => void): void {
    const node = helper.getNode(id);
    if (this.#listened.has(node)) return;
    this.#listened.add(node);
    node.on('input', ((msg: Message) => {
      listener(msg);
      this.emit('change');
    }) as never);
  }
}
