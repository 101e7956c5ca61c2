/**
 * Between MQTT and the engine: a request PUBLISH becomes an engine request, and what the engine says becomes
 * PUBLISH packets. Any broker can be put in front of it. docs/protocol.md section 1.
 */
import type { Message } from '../mqtt/publish';
import { PacketFault } from '../mqtt/wire';
import { isInvalidResponseTopic, notificationTopic } from '../protocol/topics';
import { FENCING_TOKEN, TIMESTAMP } from '../protocol/user-properties';
import { ReasonCode } from '../reason-codes';
import type { StateStoreEngine } from './engine';
import type { Publication } from './mqtt/publication';
import type { EngineNotification } from './store/engine-request';
import type { Repeats } from './store/repeats';

const NOTHING = Buffer.alloc(0);

/** A PUBLISH on the request topic. */
export interface StoreRequest {
  clientId: string;
  /** 0, 1 or 2. Requests must have QoS 1, docs/protocol.md section 1. */
  qos: number;
  payload: Buffer;
  responseTopic?: string | undefined;
  correlationData?: Buffer | undefined;
  /** Seconds. */
  messageExpiryInterval?: number | undefined;
  /** User property `__ts`. */
  timestamp?: string | undefined;
  /** User property `__ft`. */
  fencingToken?: string | undefined;
}

/** What the store does with a request: publish something, or disconnect the client that asked. */
export type Exchange = { publish: Publication[] } | { disconnect: string };

/**
 * Serves one request, `nowMs` on the wall clock and `elapsedMs` on the monotonic clock. With `repeats`, a write that was executed before is only
 * answered again.
 */
export function exchange(
  engine: StateStoreEngine,
  request: StoreRequest,
  nowMs: number,
  elapsedMs: number,
  repeats?: Repeats,
): Exchange {
  const { clientId, responseTopic, correlationData, messageExpiryInterval } = request;
  if (responseTopic === undefined) return { publish: [] };
  if (isInvalidResponseTopic(responseTopic)) return { disconnect: responseTopic };
  const answer: Publication = {
    kind: 'answer',
    clientId,
    topic: responseTopic,
    payload: NOTHING,
    correlationData,
    messageExpiryInterval,
    version: undefined,
  };
  if (request.qos === 0)
    return { publish: [{ ...answer, kind: 'qosRefusal', messageExpiryInterval: undefined }] };
  if (correlationData === undefined)
    return { publish: [{ ...answer, kind: 'refusal', messageExpiryInterval: undefined }] };

  const known = repeats?.find(request, correlationData, elapsedMs);
  const { response, notifications, isWrite } = known ?? engine.execute(request, nowMs, elapsedMs);
  if (isWrite && !known) repeats?.add(request, correlationData, response, elapsedMs);
  answer.payload = response.payload;
  answer.version = response.version;
  const publish = [answer];
  if (notifications.length > 0) publish.push(...notificationsOf(notifications));
  return { publish };
}

/** Reads the requests of one client. */
export class RequestReader {
  /** Nearly all requests of a client have the same response topic: the last one, and its bytes. */
  #topic = '';
  #topicBytes = NOTHING;

  /** The request in a PUBLISH. Throws a `PacketFault` if its response topic is not a topic. */
  read(message: Message, clientId: string): StoreRequest {
    return {
      clientId,
      qos: message.qos,
      payload: message.payload,
      responseTopic: this.#responseTopic(message),
      correlationData: message.correlationData,
      messageExpiryInterval: message.messageExpiry,
      timestamp: message.userProperty(TIMESTAMP),
      fencingToken: message.userProperty(FENCING_TOKEN),
    };
  }

  #responseTopic({ data, responseTopicStart: from, responseTopicEnd: to }: Message): string | undefined {
    if (from === 0) return undefined;
    const { length } = this.#topicBytes;
    if (length > 0 && to - from === length && data.compare(this.#topicBytes, 0, length, from, to) === 0)
      return this.#topic;
    const topic = data.toString('utf8', from, to);
    if (topic === '' || /[+#\0]/.test(topic)) throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
    this.#topic = topic;
    this.#topicBytes = Buffer.from(data.subarray(from, to));
    return topic;
  }
}

/** Notifies observers of changes. */
export function notificationsOf(notifications: EngineNotification[]): Publication[] {
  return notifications.map(({ clientId, key, payload, version }) => ({
    kind: 'notification',
    clientId,
    topic: notificationTopic(clientId, key),
    payload,
    correlationData: undefined,
    messageExpiryInterval: undefined,
    version,
  }));
}
