/** What the store says: docs/protocol.md sections 1 and 2. */
import { PROTOCOL_VERSION, STATUS, STATUS_MESSAGE, TIMESTAMP } from '../protocol/user-properties';

/** An answer, an answer to what is no proper request, or the news of a change. */
export type PublicationKind = 'answer' | 'refusal' | 'notification';

/** A message the store sends, with QoS 1. A notification goes to the client whether it subscribed or not: docs/protocol.md section 7. */
export interface Publication {
  kind: PublicationKind;
  /** The client it is for: the one that asked, or that observes. */
  clientId: string;
  topic: string;
  payload: Buffer;
  correlationData: Buffer | undefined;
  /** Seconds. */
  messageExpiryInterval: number | undefined;
  /** User property `__ts`. */
  version: string | undefined;
}

/** Properties of a message the store sends, as MQTT libraries want them. */
export interface PublicationProperties {
  contentType: string;
  payloadFormatIndicator?: boolean;
  correlationData?: Buffer;
  /** Seconds. */
  messageExpiryInterval?: number;
  userProperties: Record<string, string>;
}

export const CONTENT_TYPE = 'application/octet-stream';

/** The user properties of a kind that are always the same. */
export const USER_PROPERTIES: Record<PublicationKind, Record<string, string>> = {
  answer: { [PROTOCOL_VERSION]: '1.0', [STATUS]: '200' },
  refusal: {
    [PROTOCOL_VERSION]: '1.0',
    [STATUS]: '400',
    [STATUS_MESSAGE]: 'the request has no correlation data',
  },
  notification: { [PROTOCOL_VERSION]: '1.0' },
};

/** The properties as MQTT libraries want them. */
export function propertiesOf(publication: Publication): PublicationProperties {
  const { kind, correlationData, messageExpiryInterval, version } = publication;
  const userProperties = { ...USER_PROPERTIES[kind] };
  if (version !== undefined) userProperties[TIMESTAMP] = version;
  const properties: PublicationProperties = { contentType: CONTENT_TYPE, userProperties };
  if (kind !== 'notification') properties.payloadFormatIndicator = false;
  if (correlationData) properties.correlationData = correlationData;
  if (messageExpiryInterval !== undefined) properties.messageExpiryInterval = messageExpiryInterval;
  return properties;
}
