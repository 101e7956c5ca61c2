/** The observe node sends changes of keys as messages: of fixed keys, or of keys in messages. */
import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import type { KeyChange, KeyDeleted, KeySet, Observation } from '../../client/observation';
import type { StateStoreClient } from '../../client/state-store-client';
import { printableValue, StateStoreError } from '../../errors';
import { type Key, keyContext, keyName, toKey, toKeys } from '../message/key';
import { NodeSettings } from '../message/node-settings';
import { TypedProperty } from '../message/typed-property';
import { type ValueFormat, valueFromBytes } from '../message/value';
import type { StoreConnection } from '../store/store';
import { StoreUser } from '../store/store-user';
import { asError } from '../words/as-error';
import { fieldText } from '../words/field-text';
import { localize } from '../words/localize';
import { translate } from '../words/translate';
import { GatheredStatus } from './gathered-status';

export interface ObserverNodeDef extends NodeDef {
  /** ID of the `statestore-config`. */
  store: string;
  /** `fixed`: the keys below. `messages`: the keys in `msg.topic`. */
  mode: 'fixed' | 'messages';
  /** One key a line. */
  keys: string;
  format: ValueFormat;
  /** Whether what a key holds is sent first. */
  current: boolean;
  /** Whether a key that is set to the value it has is passed over. */
  onlyChanges: boolean;
  /** The payload when a key is gone: none, or a default value. */
  gone?: 'nothing' | 'default';
  default?: string;
  defaultType?: string;
  /** Whether a key that is missing when it is first observed is reported as gone. Needs `current`. */
  missing?: boolean;
  /** 2: messages about keys that are gone leave by the second output. */
  outputs?: number;
}

/** A key that is to be observed. */
interface Watched {
  key: Key;
  observation: Observation | undefined;
  /** Whether it is just being asked for. */
  starting: boolean;
  /** The value sent last, when only real changes are wanted. */
  value: Buffer | undefined;
  /** Whether a change was received. */
  hasChanged: boolean;
}

/** Pause before a fixed key is tried again that could not be observed for what may pass, in milliseconds. */
const RETRY_PAUSE_MS = 5000;

/** A change of a key, or that it is missing. */
type News = Pick<KeySet, 'operation' | 'value' | 'version'> | Pick<KeyDeleted, 'operation' | 'version'>;

type Done = (error?: Error) => void;
/** What the node is red for: a value that could not be read, until the next one can; or a key that is not observed. */
type Fault = 'value' | 'key';

/** Makes a created node an observe node. */
export function makeObserverNode(RED: NodeAPI, node: Node, def: ObserverNodeDef): void {
  new ObserverNode(RED, node, def).start();
}

class ObserverNode {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  readonly #def: ObserverNodeDef;
  readonly #user: StoreUser;
  /** The payload when a key is gone. */
  readonly #gone: TypedProperty;
  /** By the bytes of their keys. */
  readonly #watched = new Map<string, Watched>();
  readonly #onLost = (key: Buffer, error: StateStoreError) => {
    if (this.#watched.delete(bytesOf(key))) this.#report(error);
  };
  readonly #count = new GatheredStatus(() => this.#showCount());
  #client: StateStoreClient | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closing = false;
  #fault: Fault | undefined;

  constructor(RED: NodeAPI, node: Node, def: ObserverNodeDef) {
    this.#RED = RED;
    this.#node = node;
    this.#def = def;
    const { gone, default: value = '', defaultType: type = 'str' } = def;
    const fallback = gone === 'default' ? { value, type } : { value: '', type: 'msg' };
    this.#gone = new TypedProperty(RED, node, 'default value', fallback);
    this.#user = new StoreUser(RED, node, def.store, {
      operation: 'observe',
      onFault: (error) => this.#node.error(this.#known(error), {}),
      onState: (state) => this.#onState(state),
      close: () => this.#close(),
    });
  }

  start(): void {
    this.#node.on('input', (msg, _send, done) => void this.#input(msg, done));
    const fault = this.#def.mode === 'messages' ? undefined : this.#wantFixedKeys();
    this.#client = this.#user.start();
    this.#client?.on('observationLost', this.#onLost);
    if (!fault || !this.#client) return;
    this.#user.status.unusable('badNode');
    // No message comes that could fail because of it.
    this.#node.error(this.#known(fault), {});
  }

  /** The keys of the node's settings; nothing is observed if one of them is wrong. */
  #wantFixedKeys(): unknown {
    const settings = new NodeSettings(this.#RED, this.#node, 'observe');
    try {
      const lines = fieldText(this.#def.keys).split('\n');
      const keys = lines.map((line) => settings.key('key', line)).filter((key) => key !== '');
      for (const key of keys) this.#want(key);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #onState(state: StoreConnection): void {
    if (state.kind === 'connected') void this.#observeMissing();
  }

  /** A message that names keys to observe or not to observe any more. */
  async #input(msg: NodeMessageInFlow, done: Done): Promise<void> {
    try {
      const { action = 'observe', topic } = msg as { action?: unknown; topic?: unknown };
      if (action !== 'observe' && action !== 'unobserve') {
        throw new StateStoreError(
          'BAD_ARGUMENT',
          `msg.action is ${printableValue(action)}, but must be "observe" or "unobserve".`,
        );
      }
      const list = Array.isArray(topic)
        ? toKeys(topic, 'msg.topic', action)
        : [toKey(topic, 'msg.topic', action)];
      this.#user.client(); // throws where there is none
      const each = action === 'observe' ? (key: Key) => this.#add(key) : (key: Key) => this.#remove(key);
      await Promise.all(list.map(each));
      this.#succeeded();
      done();
    } catch (error) {
      const known = this.#known(error);
      this.#failed(known);
      done(known);
    }
  }

  #want(key: Key): Watched {
    const watched = { key, observation: undefined, starting: false, value: undefined, hasChanged: false };
    this.#watched.set(bytesOf(key), watched);
    return watched;
  }

  async #add(key: Key): Promise<void> {
    if (this.#watched.has(bytesOf(key))) return;
    const watched = this.#want(key);
    try {
      await this.#observe(watched);
    } catch (error) {
      this.#watched.delete(bytesOf(key));
      throw error;
    }
  }

  async #remove(key: Key): Promise<void> {
    const watched = this.#watched.get(bytesOf(key));
    this.#watched.delete(bytesOf(key));
    this.#count.changed();
    await watched?.observation?.close();
  }

  async #observe(watched: Watched): Promise<void> {
    const client = this.#user.client();
    const { current, missing = false } = this.#def;
    watched.starting = true;
    this.#count.begin();
    try {
      const observation = await client.observe(watched.key, (change) => this.#onChange(watched, change), {
        current,
      });
      if (this.#closing || this.#watched.get(bytesOf(watched.key)) !== watched) await observation.close();
      else {
        watched.observation = observation;
        if (current && missing && !watched.hasChanged) this.#send(watched, { operation: 'delete' });
      }
    } finally {
      watched.starting = false;
      this.#count.end();
    }
    this.#count.changed();
  }

  /** Fixed keys that could not be observed yet, because there was no connection. */
  async #observeMissing(): Promise<void> {
    const missing = [...this.#watched.values()].filter(
      ({ observation, starting }) => !observation && !starting,
    );
    await Promise.all(
      missing.map((watched) =>
        this.#observe(watched).catch((error) => {
          const known = this.#known(error);
          if (known.code === 'NOT_CONNECTED' || known.code === 'CLOSED') return;
          this.#report(known);
          // What may pass is tried again; what the store or the broker refuses is not.
          if (known.retryable) this.#tryAgainLater();
          else this.#watched.delete(bytesOf(watched.key));
        }),
      ),
    );
  }

  #tryAgainLater(): void {
    if (this.#closing) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#tryAgain(), RETRY_PAUSE_MS);
  }

  async #tryAgain(): Promise<void> {
    await this.#observeMissing();
    if ([...this.#watched.values()].every(({ observation }) => observation)) this.#succeeded();
  }

  #onChange(watched: Watched, change: KeyChange): void {
    if (this.#closing) return;
    if (this.#def.onlyChanges) {
      if (change.operation === 'set' && watched.value?.equals(change.value)) return;
      watched.value = change.operation === 'set' ? change.value : undefined;
    }
    watched.hasChanged = true;
    this.#send(watched, change);
  }

  #send({ key }: Watched, change: News): void {
    const isGone = change.operation === 'delete';
    const { operation, version } = change;
    const statestore = { operation, key, ...(version !== undefined && { version }) };
    const msg: NodeMessage & { statestore: object } = { topic: keyName(key), statestore };
    try {
      msg.payload = isGone
        ? this.#gone.read({ _msgid: '' })
        : valueFromBytes(change.value, this.#def.format, () => keyContext('observe', key));
      this.#node.send(isGone && this.#def.outputs === 2 ? [null, msg] : msg);
    } catch (error) {
      this.#report(this.#known(error), 'value');
      return;
    }
    if (this.#fault === 'value') this.#succeeded();
  }

  /** Any thrown value as a `StateStoreError` in the language of the runtime. */
  #known(reason: unknown): StateStoreError {
    return localize(this.#RED, asError(reason, 'observe'));
  }

  #succeeded(): void {
    this.#fault = undefined;
    this.#user.status.succeeded();
  }

  #failed(error: StateStoreError, fault: Fault = 'key'): void {
    if (this.#fault !== 'key') this.#fault = fault;
    this.#user.status.failed(error.code);
  }

  #report(error: StateStoreError, fault?: Fault): void {
    this.#failed(error, fault);
    this.#node.error(localize(this.#RED, error), {});
    this.#count.changed();
  }

  /** How many keys are observed. */
  #showCount(): void {
    const count = [...this.#watched.values()].filter(({ observation }) => observation).length;
    const key = count === 1 ? 'status.observingOne' : 'status.observing';
    this.#user.status.describe(count === 0 ? undefined : translate(this.#RED, key, { count }));
  }

  #close(): void {
    this.#closing = true;
    this.#client?.off('observationLost', this.#onLost);
    clearTimeout(this.#retry);
    this.#count.stop();
    const observations = [...this.#watched.values()].flatMap(({ observation }) => observation ?? []);
    this.#watched.clear();
    // Closing does not wait for KEYNOTIFY STOP, which is not needed if the client is closed as well.
    for (const observation of observations) observation.close().catch(() => undefined);
  }
}

/** A unique text for each key, also for keys that are not text. */
function bytesOf(key: Key): string {
  const bytes =
    typeof key === 'string' ? Buffer.from(key) : Buffer.from(key.buffer, key.byteOffset, key.length);
  return bytes.toString('latin1');
}
