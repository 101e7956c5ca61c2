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

type Properties = NonNullable<IPublishPacket['properties']>;

/** A message the store sends, always with QoS 1. */
export interface Publication {
  topic: string;
  payload: Buffer;
  properties: Properties;
}

/** What the store does with a request: publish something, or disconnect the client that asked. */
export type Exchange = { publish: Publication[] } | { disconnect: string };

/** Serves one PUBLISH on the request topic from `clientId` at `nowMs`, milliseconds since 1970. */
export function exchange(
  engine: StateStoreEngine,
  clientId: string,
  packet: Pick<IPublishPacket, 'payload' | 'properties'>,
  nowMs: number,
): Exchange {
  const { responseTopic, correlationData, userProperties, messageExpiryInterval } = packet.properties ?? {};
  if (responseTopic === undefined) return { publish: [] };
  if (isInvalidResponseTopic(responseTopic)) return { disconnect: responseTopic };

  if (correlationData === undefined) {
    const userProperties = { [PROTOCOL_VERSION]: '1.0', [STATUS]: '400', [STATUS_MESSAGE]: NO_CORRELATION };
    return {
      publish: [
        { topic: responseTopic, payload: Buffer.alloc(0), properties: { ...COMMON, userProperties } },
      ],
    };
  }

  const { payload } = packet;
  const { response, notifications } = engine.execute(
    {
      clientId,
      payload: Buffer.isBuffer(payload) ? payload : Buffer.from(payload),
      timestamp: userProperty(userProperties, TIMESTAMP),
      fencingToken: userProperty(userProperties, FENCING_TOKEN),
    },
    nowMs,
  );
  const properties: Properties = {
    correlationData,
    ...COMMON,
    userProperties: answerProperties(response.version),
  };
  if (messageExpiryInterval !== undefined) properties.messageExpiryInterval = messageExpiryInterval;
  const publish = [{ topic: responseTopic, payload: response.payload, properties }];
  if (notifications.length > 0) publish.push(...notificationsOf(notifications));
  return { publish };
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
    topic: notificationTopic(clientId, key),
    payload,
    properties: {
      contentType: 'application/octet-stream',
      userProperties: { [TIMESTAMP]: version, [PROTOCOL_VERSION]: '1.0' },
    },
  }));
}
