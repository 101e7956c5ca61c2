/** Reads and checks the packets of a client other than CONNECT and PUBLISH, in MQTT 5 and 3.1.1 (MQTT 5 sections 3.4 to 3.15). */
import type { Message } from '../../mqtt/publish';
import { malformed, PacketFault, Property } from '../../mqtt/wire';
import { ReasonCode } from '../../reason-codes';
import {
  checkTopic,
  IN_ACK,
  IN_DISCONNECT,
  IN_SUBSCRIBE,
  IN_UNSUBSCRIBE,
  type Numbers,
  PacketReader,
} from './packet-reader';

/** What a client asks for one topic filter (MQTT 5 section 3.8.3.1). */
export interface FilterOptions {
  filter: string;
  qos: number;
  /** Whether the client does not want its own messages. */
  noLocal: boolean;
  /** Whether the retain flag of a message is kept. */
  retainAsPublished: boolean;
  /** 0: retained messages are sent, 1: for a new subscription only, 2: not at all. */
  retainHandling: number;
  identifier: number | undefined;
}

export function readSubscribe(
  data: Buffer,
  body: number,
  end: number,
  version: number,
): { packetId: number; filters: FilterOptions[] } {
  const reader = new PacketReader(data, body, end);
  const packetId = reader.packetId();
  const identifier = reader.properties(IN_SUBSCRIBE, version).get(Property.SUBSCRIPTION_IDENTIFIER);
  const filters: FilterOptions[] = [];
  do {
    const filter = readFilter(reader);
    const options = reader.byte();
    const qos = options & 3;
    const retainHandling = (options >> 4) & 3;
    if (qos === 3 || retainHandling === 3 || (options & 0xc0) !== 0) throw malformed();
    const [noLocal, retainAsPublished] = [(options & 4) !== 0, (options & 8) !== 0];
    filters.push({ filter, qos: Math.min(qos, 1), noLocal, retainAsPublished, retainHandling, identifier });
  } while (reader.left > 0);
  return { packetId, filters };
}

export function readUnsubscribe(
  data: Buffer,
  body: number,
  end: number,
  version: number,
): { packetId: number; filters: string[] } {
  const reader = new PacketReader(data, body, end);
  const packetId = reader.packetId();
  reader.properties(IN_UNSUBSCRIBE, version);
  const filters: string[] = [];
  do filters.push(readFilter(reader));
  while (reader.left > 0);
  return { packetId, filters };
}

function readFilter(reader: PacketReader): string {
  const filter = reader.text();
  const levels = filter.split('/');
  const isValid = levels.every(
    (level, index) =>
      level === '+' ||
      (level === '#' ? index === levels.length - 1 : !level.includes('+') && !level.includes('#')),
  );
  if (filter === '' || !isValid) throw new PacketFault(ReasonCode.TOPIC_FILTER_INVALID);
  return filter;
}

/** Checks a PUBACK and returns its packet identifier. PUBREC, PUBREL and PUBCOMP have the same form. */
export function readAcknowledgement(data: Buffer, body: number, end: number, version: number): number {
  const reader = new PacketReader(data, body, end);
  const packetId = reader.packetId();
  if (version === 5 && reader.left > 0) reader.byte();
  if (version === 5 && reader.left > 0) reader.properties(IN_ACK);
  reader.finish();
  return packetId;
}

export function checkPing(body: number, end: number): void {
  if (body !== end) throw malformed();
}

/** A DISCONNECT of a client. `sessionExpirySeconds`: replaces the one of the CONNECT, if it is there. */
export function readDisconnect(
  data: Buffer,
  body: number,
  end: number,
  version: number,
): { reasonCode: number; sessionExpirySeconds: number | undefined } {
  const reader = new PacketReader(data, body, end);
  const reasonCode = version === 5 && reader.left > 0 ? reader.byte() : 0;
  const properties: Numbers = version === 5 && reader.left > 0 ? reader.properties(IN_DISCONNECT) : new Map();
  reader.finish();
  return { reasonCode, sessionExpirySeconds: properties.get(Property.SESSION_EXPIRY) };
}

/** Checks a PUBLISH of a client. `isRequest`: it has the request topic, so the topic needs no check. Throws `PacketFault`. */
export function checkPublish(message: Message, isRequest: boolean): void {
  if (!message.isWellFormed()) throw malformed();
  if (message.qos === 2) throw new PacketFault(ReasonCode.QOS_NOT_SUPPORTED);
  // MQTT 5 section 3.3.1.1.
  if (message.qos === 0 && message.dup) throw malformed();
  if (message.hasSubscriptionIdentifier) throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
  // The CONNACK has no Topic Alias Maximum, so it is 0 (MQTT 5 section 3.2.2.3.8).
  if (message.topicAlias > 0) throw new PacketFault(ReasonCode.TOPIC_ALIAS_INVALID);
  if (!isRequest) checkTopic(message.topic);
}
