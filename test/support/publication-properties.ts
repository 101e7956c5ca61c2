import { CONTENT_TYPE, type Publication, USER_PROPERTIES } from '../../src/emulator/mqtt/publication';
import { TIMESTAMP } from '../../src/protocol/user-properties';

/** Properties of a message the store sends, as MQTT libraries want them. */
export interface PublicationProperties {
  contentType: string;
  payloadFormatIndicator?: boolean;
  correlationData?: Buffer;
  /** Seconds. */
  messageExpiryInterval?: number;
  userProperties: Record<string, string>;
}

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
