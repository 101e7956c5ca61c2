/** The MQTT topics of the state store: docs/protocol.md sections 1 and 2. */
import { StateStoreError } from '../errors';

/** The state store's fixed identity; part of every topic it owns. */
const STORE = 'statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8';

/** Where every request is published. */
export const REQUEST_TOPIC = `${STORE}/command/invoke`;

const NOTIFICATIONS = `clients/${STORE}`;

/** Longest key that can be observed, in bytes: its hexadecimal form must fit into a topic. */
export const MAX_OBSERVED_KEY_BYTES = 30_000;

/**
 * Where the answers for one client arrive.
 * Throws `BAD_ARGUMENT` for a client ID that cannot be part of a topic.
 */
export function responseTopic(clientId: string): string {
  checkClientId(clientId);
  return `clients/${clientId}/services/statestore/_any_/command/invoke/response`;
}

/** A response topic the store must not answer to; it disconnects a client that asks for one. */
export function isInvalidResponseTopic(topic: string): boolean {
  return topic === REQUEST_TOPIC || topic.startsWith(NOTIFICATIONS);
}

/** The topic of notifications for one client and one key. */
export function notificationTopic(clientId: string, key: Uint8Array): string {
  return `${NOTIFICATIONS}/${hex(Buffer.from(clientId))}/command/notify/${hex(key)}`;
}

/** Every notification for one client. */
export function notificationFilter(clientId: string): string {
  return `${NOTIFICATIONS}/${hex(Buffer.from(clientId))}/command/notify/+`;
}

/** A key in the form of the topic of a notification. */
export function topicKey(key: Uint8Array): string {
  return hex(key);
}

/**
 * The key a notification topic speaks of, as {@link topicKey} writes it; `undefined` when the topic does not match the filter of this
 * client.
 */
export function topicKeyOf(topic: string, filter: string): string | undefined {
  const start = filter.slice(0, -1);
  return topic.startsWith(start) ? topic.slice(start.length) : undefined;
}

function checkClientId(clientId: string): void {
  if (clientId === '' || /[/+#\0]/.test(clientId)) {
    throw new StateStoreError(
      'BAD_ARGUMENT',
      `The client ID ${JSON.stringify(clientId)} cannot be part of an MQTT topic. Use at least one character and none of / + #.`,
    );
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex').toUpperCase();
}
