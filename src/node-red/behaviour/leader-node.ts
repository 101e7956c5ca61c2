/** What the active/standby node does: it is a candidate for a role, and lets messages through while it has it. */
import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import type { StateStoreClient } from '../../client/state-store-client';
import { isRetryable } from '../../coordination/coordination-errors';
import { Election, type ElectionState } from '../../coordination/election';
import { printableValue, StateStoreError } from '../../errors';
import { forgetRole, recordRole } from '../health/roles';
import { keyContext } from '../message/key';
import { NodeSettings, type Setting } from '../message/node-settings';
import type { Look } from '../store/status';
import { StoreUser } from '../store/store-user';
import { asError } from '../words/as-error';
import { localize } from '../words/localize';
import { shorten } from '../words/shorten';
import { translate } from '../words/translate';

export interface LeaderNodeDef extends NodeDef {
  /** ID of the `statestore-config`. */
  store: string;
  /** The key that stands for the role. */
  role: string;
  /** Seconds after which another node takes over from an instance that failed. */
  lease: Setting;
  /** How the others see this one. Blank: computer and port. */
  candidate: string;
  /** 1: messages while active. 2: those while standing by as well. 3: and one at each change of role. */
  outputs: number;
}

const OPERATION = 'leader';
const LEASE_SECONDS = { blank: 10, least: 1, most: 300 };
/** Characters of a status. */
const STATUS_LENGTH = 19;
const STANDBY: Look = { fill: 'blue', shape: 'ring' };
/** How long a closing node waits until the store has the role back, in milliseconds; without a connection it has none to give. */
const PATIENCE_MS = 2000;

type Send = (msg: NodeMessageInFlow | (NodeMessageInFlow | null)[]) => void;
type Done = (error?: Error) => void;

/** Makes a created node an active/standby node. */
export function makeLeaderNode(RED: NodeAPI, node: Node, def: LeaderNodeDef): void {
  new LeaderNode(RED, node, def).start();
}

class LeaderNode {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  readonly #def: LeaderNodeDef;
  readonly #user: StoreUser;
  #election: Election | undefined;
  /** What is wrong with the settings of this node. */
  #fault: StateStoreError | undefined;
  #role = '';
  /** The state that was logged and sent last. */
  #reported: ElectionState | undefined;
  #resigning = false;
  #closing = false;

  constructor(RED: NodeAPI, node: Node, def: LeaderNodeDef) {
    this.#RED = RED;
    this.#node = node;
    this.#def = def;
    this.#user = new StoreUser(RED, node, def.store, {
      operation: OPERATION,
      onFault: (error) => this.#report(error),
      close: () => this.#close(),
    });
  }

  start(): void {
    this.#node.on('input', (msg, send, done) => void this.#input(msg, send, done));
    const client = this.#user.start();
    if (!client) return;
    this.#stand(client);
    // The node works without messages, so there may be none that fails.
    if (this.#fault) this.#report(this.#fault);
  }

  #stand(client: StateStoreClient): void {
    try {
      this.#election = this.#candidateOf(client);
    } catch (error) {
      this.#fault = asError(error, OPERATION);
      this.#user.status.unusable('badNode');
      return;
    }
    this.#election.on('change', (state) => this.#onChange(state));
    this.#election.on('trouble', (error) => this.#onTrouble(error));
    this.#show();
    this.#election.start();
  }

  /** Throws `BAD_ARGUMENT` for wrong settings. */
  #candidateOf(client: StateStoreClient): Election {
    const { role, lease, candidate } = this.#def;
    const context = { operation: OPERATION } as const;
    const settings = new NodeSettings(this.#RED, this.#node, OPERATION);
    this.#role = settings.key('role', role);
    if (this.#role === '') {
      const message =
        'This node has no role. Open the node and enter a role name, the same in all instances.';
      throw new StateStoreError('BAD_ARGUMENT', message, context);
    }
    const duration = settings.seconds('lease', lease, LEASE_SECONDS);
    return new Election(client, this.#role, {
      duration,
      name: settings.text('instance name', candidate),
    });
  }

  async #input(msg: NodeMessageInFlow, send: Send, done: Done): Promise<void> {
    try {
      this.#user.client(); // throws where there is none
      if (this.#fault) throw this.#fault;
      const election = this.#election as Election;
      const { action } = msg as { action?: unknown };
      if (action === 'resign') {
        await this.#resign(election);
      } else if (action === undefined || action === null) {
        this.#pass(election, msg, send);
      } else {
        const message = `msg.action is ${printableValue(action)}, but must be "resign", or missing.`;
        throw new StateStoreError('BAD_ARGUMENT', message, { operation: OPERATION });
      }
      done();
    } catch (error) {
      done(this.#known(error));
    }
  }

  #pass(election: Election, msg: NodeMessageInFlow, send: Send): void {
    const marked = msg as NodeMessageInFlow & { fencingToken?: string; statestore?: object };
    // The role may have expired since the last event, so the election is asked.
    const { token } = election;
    const active = token !== undefined;
    marked.statestore = this.#result({ ...election.state, state: active ? 'active' : 'standby' });
    if (active) {
      marked.fencingToken = token;
      send(msg);
    } else if (this.#def.outputs > 1) {
      send([null, msg]);
    }
  }

  async #resign(election: Election): Promise<void> {
    this.#resigning = true;
    const resigned = election.resign();
    this.#resigning = false;
    await resigned;
  }

  #onChange(state: ElectionState): void {
    if (this.#closing) return;
    this.#show();
    const before = this.#reported;
    // A standby does not report a moment without an active node.
    const isNews = before?.state !== state.state || (state.holder && state.holder !== before.holder);
    if (!isNews) return;
    this.#reported = state;
    this.#log(before?.state === 'active' && !this.#resigning, state);
    const change: NodeMessage & { statestore: object } = {
      payload: state.state,
      topic: this.#role,
      statestore: this.#result(state),
    };
    if (this.#def.outputs > 2) this.#node.send([null, null, change]);
  }

  #log(isLost: boolean, { state, holder }: ElectionState): void {
    const text = (key: string) =>
      translate(this.#RED, `log.${key}`, { role: this.#role, holder: holder ?? '' });
    if (isLost) this.#node.warn(text('roleLost'));
    else if (state === 'active') this.#node.log(text('active'));
    else this.#node.log(text(holder === undefined ? 'standby' : 'standbyOf'));
  }

  /** The store could not be asked for the role, or can again. */
  #onTrouble(error: StateStoreError | undefined): void {
    if (this.#closing) return;
    if (!error) {
      this.#user.status.succeeded();
      return;
    }
    this.#user.status.failed(error.code);
    // The status and the log of the store have errors that pass.
    if (!isRetryable(error))
      this.#report(
        error.code === 'NOT_AUTHORIZED'
          ? notAllowed(this.#role, this.#user.client().keyPrefix, error)
          : error,
      );
  }

  #result({ state, holder }: ElectionState): object {
    const active = state === 'active';
    return { operation: OPERATION, key: this.#role, active, ...(holder !== undefined && { holder }) };
  }

  #show(): void {
    const { state, holder } = this.#election?.state ?? { state: 'standby', holder: undefined };
    recordRole(this, this.#role, state === 'active');
    const text = (key: string, name = '') => translate(this.#RED, `status.${key}`, { holder: name });
    if (state === 'active') this.#user.status.describe(text('active'));
    else if (holder === undefined) this.#user.status.describe(text('standby'), STANDBY);
    else {
      const room = STATUS_LENGTH - text('standbyOf').length;
      this.#user.status.describe(text('standbyOf', shorten(holder, room)), STANDBY);
    }
  }

  #known(reason: unknown): StateStoreError {
    return localize(this.#RED, asError(reason, OPERATION));
  }

  #report(error: StateStoreError): void {
    this.#node.error(this.#known(error), {});
  }

  async #close(): Promise<void> {
    this.#closing = true;
    forgetRole(this);
    const election = this.#election;
    await election?.close(this.#user.connected || election.active ? PATIENCE_MS : 1);
  }
}

function notAllowed(role: string, prefix: string, cause: StateStoreError): StateStoreError {
  const context = { ...keyContext(OPERATION, role), cause };
  return new StateStoreError(
    'NOT_AUTHORIZED',
    `The state store does not allow this client to use the role ${role}. Ask the broker administrator for a BrokerAuthorization rule that grants ReadWrite to the key ${prefix}${role}.`,
    context,
  );
}
