/**
 * Between MQTT and the engine: a request PUBLISH becomes an engine request, and what the engine says becomes
 * PUBLISH packets. Any broker can be put in front of it. docs/protocol.md section 1.
 */
import type { IPublishPacket } from 'mqtt';
import { isInvalidResponseTopic, notificationTopic } from '../protocol/topics';
import {
  FENCING_TOKEN,
  PROTOCOL_VERSION,
  STATUS,
  STATUS_MESSAGE,
  TIMESTAMP,
  userProperty,
} from '../protocol/user-properties';
import type { EngineNotification, StateStoreEngine } from './engine';
import type { Repeats } from './repeats';

/** A PUBLISH on the request topic. */
export interface StoreRequest {
  clientId: string;
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

/** Properties of a message the store sends. */
export interface PublicationProperties {
  contentType: string;
  payloadFormatIndicator?: boolean;
  correlationData?: Buffer;
  /** Seconds. */
  messageExpiryInterval?: number;
  userProperties: Record<string, string>;
}

/** A message the store sends, with QoS 1. */
export interface Publication {
  /** The client it is for: the one that asked, or that observes. */
  clientId: string;
  topic: string;
  payload: Buffer;
  properties: PublicationProperties;
  /** Goes to the client whether it subscribed or not: docs/protocol.md section 7. */
  notification: boolean;
}

/** What the store does with a request: publish something, or disconnect the client that asked. */
export type Exchange = { publish: Publication[] } | { disconnect: string };

/** Serves one request at `nowMs`, milliseconds since 1970. With `repeats`, what was executed once is only answered again. */
export function exchange(
  engine: StateStoreEngine,
  request: StoreRequest,
  nowMs: number,
  repeats?: Repeats,
): Exchange {
  const { clientId, responseTopic, correlationData, messageExpiryInterval } = request;
  if (responseTopic === undefined) return { publish: [] };
  if (isInvalidResponseTopic(responseTopic)) return { disconnect: responseTopic };
  const answer = { clientId, topic: responseTopic, notification: false };

  if (correlationData === undefined) {
    const userProperties = { [PROTOCOL_VERSION]: '1.0', [STATUS]: '400', [STATUS_MESSAGE]: NO_CORRELATION };
    return { publish: [{ ...answer, payload: Buffer.alloc(0), properties: { ...COMMON, userProperties } }] };
  }

  const sent = { ...request, correlationData };
  const known = repeats?.find(sent, nowMs);
  const { response, notifications, isWrite } = known ?? engine.execute(request, nowMs);
  if (isWrite && !known) repeats?.add(sent, response, nowMs);
  const properties: PublicationProperties = {
    correlationData,
    ...COMMON,
    userProperties: answerProperties(response.version),
  };
  if (messageExpiryInterval !== undefined) properties.messageExpiryInterval = messageExpiryInterval;
  const publish: Publication[] = [{ ...answer, payload: response.payload, properties }];
  if (notifications.length > 0) publish.push(...notificationsOf(notifications));
  return { publish };
}

/**
 * The request in a packet as MQTT libraries hand it over; undefined when a property came twice or has a wrong type
 * (MQTT 5 section 3.3.2.3: a Protocol Error).
 */
export function requestOf(
  clientId: string,
  { payload, properties = {} }: Pick<IPublishPacket, 'payload' | 'properties'>,
): StoreRequest | undefined {
  const { userProperties, ...single } = properties;
  const responseTopic: unknown = single.responseTopic;
  const correlationData: unknown = single.correlationData;
  const messageExpiryInterval: unknown = single.messageExpiryInterval;
  if (responseTopic !== undefined && typeof responseTopic !== 'string') return undefined;
  if (correlationData !== undefined && !Buffer.isBuffer(correlationData)) return undefined;
  if (messageExpiryInterval !== undefined && typeof messageExpiryInterval !== 'number') return undefined;
  return {
    clientId,
    payload: Buffer.isBuffer(payload) ? payload : Buffer.from(payload),
    responseTopic,
    correlationData,
    messageExpiryInterval,
    timestamp: userProperty(userProperties, TIMESTAMP),
    fencingToken: userProperty(userProperties, FENCING_TOKEN),
  };
}

const NO_CORRELATION = 'the request has no correlation data';
const COMMON = { contentType: 'application/octet-stream', payloadFormatIndicator: false };

function answerProperties(version: string | undefined): Record<string, string> {
  if (version === undefined) return { [PROTOCOL_VERSION]: '1.0', [STATUS]: '200' };
  return { [PROTOCOL_VERSION]: '1.0', [STATUS]: '200', [TIMESTAMP]: version };
}

/** The PUBLISH packets that carry notifications. */
export function notificationsOf(notifications: EngineNotification[]): Publication[] {
  return notifications.map(({ clientId, key, payload, version }) => ({
    clientId,
    topic: notificationTopic(clientId, key),
    payload,
    properties: {
      contentType: 'application/octet-stream',
      userProperties: { [TIMESTAMP]: version, [PROTOCOL_VERSION]: '1.0' },
    },
    notification: true,
  }));
}
