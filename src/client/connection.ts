/**
 * One MQTT connection to the broker: opens it, subscribes to the response topic, opens it again when it is lost.
 * It is usable (`connected`) only after the broker granted the subscription. It knows nothing of requests.
 *
 * MQTT.js reconnects on its own terms (not at all after a refused log-in), so its reconnecting is switched off
 * (`reconnectPeriod: 0`) and `reconnect()` is called from here.
 */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { DefaultMessageIdProvider, type IPublishPacket, MqttClient, type Packet, Store } from 'mqtt';
import { StateStoreError } from '../protocol/errors';
import { pauseBefore } from './backoff';
import { connectionError, reasonWords, refusedBy } from './connection-error';
import { type Address, openTransport } from './transport';

export interface ConnectionOptions extends Address {
  clientId: string;
  /** Topic the responses arrive on; subscribed with QoS 1 on every connection. */
  responseTopic: string;
  /** Seconds between pings, 0 to 65535 (MQTT 5 section 3.1.2.10). */
  keepAlive: number;
  /** Seconds the broker keeps the session after the connection is lost (MQTT 5 section 3.1.2.11.2). */
  sessionExpiry: number;
  /** Milliseconds an attempt may take from the first packet to CONNACK. */
  connectTimeout: number;
}

/**
 * `closed`: not opened, or ended for good. `connecting`: an attempt is under way. `connected`: usable.
 * `disconnected`: the last attempt or connection ended for `reason`, the next attempt follows by itself.
 */
export type ConnectionState =
  | { kind: 'closed' }
  | { kind: 'connecting' }
  | { kind: 'connected' }
  | { kind: 'disconnected'; reason: StateStoreError };

interface ConnectionEvents {
  state: [state: ConnectionState];
  /** The broker accepted the log-in. Comes before MQTT.js sends anything again. */
  session: [present: boolean];
  /** The broker acknowledged a publish. Reason codes: MQTT 5 section 3.4.2.1. */
  puback: [messageId: number, reasonCode: number];
  message: [packet: IPublishPacket];
}

export type PublishProperties = NonNullable<IPublishPacket['properties']>;

const NO_LIMIT = Number.POSITIVE_INFINITY;
const RECEIVE_MAXIMUM_DEFAULT = 65_535;
const GOODBYE_MS = 500;

export class Connection extends EventEmitter<ConnectionEvents> {
  readonly #options: ConnectionOptions;
  /** Outlives a connection: MQTT.js sends what is in it again when the broker kept the session. */
  readonly #stores = {
    incomingStore: new Store({ clean: false }),
    outgoingStore: new Store({ clean: false }),
  };
  #mqtt: MqttClient | undefined;
  #socket: Socket | undefined;
  #state: ConnectionState = { kind: 'closed' };
  #reason: StateStoreError | undefined;
  #attempt = 0;
  #retry: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: ConnectionOptions) {
    super();
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** How many publishes the broker takes before it acknowledges one (MQTT 5 section 3.2.2.3.3). */
  get receiveMaximum(): number {
    return this.#mqtt?.serverProperties?.receiveMaximum ?? RECEIVE_MAXIMUM_DEFAULT;
  }

  /** Largest packet in bytes the broker takes (MQTT 5 section 3.2.2.3.6). */
  get maximumPacketSize(): number {
    return this.#mqtt?.serverProperties?.maximumPacketSize ?? NO_LIMIT;
  }

  /** Begins to connect; returns at once. Packet identifiers for which `inUse` says yes are not given to new publishes. */
  open(inUse: (messageId: number) => boolean): void {
    if (this.#mqtt || this.#ended) return;
    this.#setState({ kind: 'connecting' });
    const mqtt = new MqttClient(() => this.#openSocket(), {
      protocolVersion: 5,
      clientId: this.#options.clientId,
      clean: true,
      keepalive: this.#options.keepAlive,
      connectTimeout: this.#options.connectTimeout,
      properties: { sessionExpiryInterval: this.#options.sessionExpiry },
      reconnectPeriod: 0,
      resubscribe: false,
      messageIdProvider: new FreePacketIds(inUse),
      log: () => undefined,
      ...this.#stores,
    });
    this.#mqtt = mqtt;
    mqtt.on('packetreceive', (packet) => this.#onPacket(packet));
    mqtt.on('connect', () => this.#subscribe(mqtt));
    mqtt.on('message', (_topic, _payload, packet) => this.emit('message', packet));
    mqtt.on('error', (error) => {
      this.#reason ??= connectionError(error, this.#options);
    });
    mqtt.on('close', () => this.#onClose(mqtt));
  }

  /** Publishes with QoS 1; call it only while connected. Returns the packet identifier. */
  publish(topic: string, payload: Buffer, properties: PublishProperties): number {
    const mqtt = this.#mqtt as MqttClient;
    mqtt.publish(topic, payload, { qos: 1, properties });
    return mqtt.getLastMessageId();
  }

  /** Makes sure that a publish is not sent again. */
  forget(messageId: number): void {
    this.#mqtt?.removeOutgoingMessage(messageId);
  }

  /** Ends the connection and the session at the broker. Resolves when the socket is closed. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#retry);
    const polite = this.#state.kind === 'connected';
    this.#setState({ kind: 'closed' });
    const mqtt = this.#mqtt;
    if (!mqtt) return;
    // A peer that no longer reads must not hold us up.
    const impatient = setTimeout(() => this.#socket?.destroy(), GOODBYE_MS);
    await new Promise<void>((resolve) => {
      mqtt.end(!polite, { reasonCode: 0, properties: { sessionExpiryInterval: 0 } }, () => resolve());
    });
    clearTimeout(impatient);
    mqtt.removeAllListeners();
    mqtt.on('error', () => undefined);
  }

  #openSocket(): Socket {
    this.#socket = openTransport(this.#options);
    return this.#socket;
  }

  #onPacket(packet: Packet): void {
    if (packet.cmd === 'connack' && packet.reasonCode === 0) {
      this.emit('session', packet.sessionPresent);
    } else if (packet.cmd === 'puback') {
      this.emit('puback', packet.messageId as number, packet.reasonCode ?? 0);
    } else if (packet.cmd === 'disconnect') {
      this.#reason ??= refusedBy(this.#where, packet.reasonCode ?? 0);
    }
  }

  #subscribe(mqtt: MqttClient): void {
    const { responseTopic } = this.#options;
    mqtt.subscribe(responseTopic, { qos: 1 }, (error) => {
      if (this.#ended) return;
      if (!error) {
        this.#attempt = 0;
        this.#setState({ kind: 'connected' });
        return;
      }
      this.#reason ??= this.#subscriptionError(error);
      this.#socket?.destroy();
    });
  }

  #subscriptionError(error: Error): StateStoreError {
    const code = (error as { packet?: { granted?: unknown[] } }).packet?.granted?.[0];
    const words = typeof code === 'number' ? reasonWords(code) : error.message;
    return new StateStoreError(
      'REFUSED',
      `The broker at ${this.#where} refused the subscription to the response topic ${this.#options.responseTopic}: ${words}. Ask its operator for a rule that allows it.`,
      { cause: error },
    );
  }

  #onClose(mqtt: MqttClient): void {
    if (this.#ended) return;
    const reason = this.#reason ?? connectionError(undefined, this.#options);
    this.#reason = undefined;
    this.#setState({ kind: 'disconnected', reason });
    this.#retry = setTimeout(
      () => {
        this.#setState({ kind: 'connecting' });
        mqtt.options.clean = false;
        mqtt.reconnect(this.#stores);
      },
      pauseBefore(this.#attempt++),
    );
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.emit('state', state);
  }

  get #where(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }
}

/** MQTT.js counts packet identifiers up and around; this skips those that still belong to a publish. */
class FreePacketIds extends DefaultMessageIdProvider {
  readonly #inUse: (messageId: number) => boolean;

  constructor(inUse: (messageId: number) => boolean) {
    super();
    this.#inUse = inUse;
  }

  override allocate(): number {
    let id = super.allocate();
    while (id !== null && this.#inUse(id)) id = super.allocate();
    return id;
  }
}
