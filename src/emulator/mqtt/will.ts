/** Reads and checks the will in a CONNECT (MQTT 5 section 3.1.3.2). */
import { Message } from '../../mqtt/publish';
import { PublishWriter } from '../../mqtt/publish-writer';
import { malformed, Property, textBytes } from '../../mqtt/wire';
import { PLACEHOLDER } from './outgoing';
import { checkTopic, IN_WILL, PacketReader } from './packet-reader';

/** The message that a broker publishes for a client whose connection ended without a DISCONNECT (MQTT 5 section 3.1.2.5). */
export interface Will {
  qos: number;
  delayMs: number;
  /** The PUBLISH, which is checked when the client logs in. No connection is left to disconnect when it is published. */
  message: Message;
}

/** Throws `PacketFault` if the will cannot be published, or if its response topic is not a topic. */
export function readWill(reader: PacketReader, flags: number, version: number): Will {
  const qos = (flags >> 3) & 3;
  if (qos === 3) throw malformed();
  const start = reader.at;
  const found = reader.properties(IN_WILL, version);
  const properties = version === 5 ? withoutDelay(reader.since(start)) : Buffer.alloc(0);
  const topic = reader.text();
  checkTopic(topic);
  const payload = reader.bytes();
  const id = qos === 0 ? 0 : PLACEHOLDER;
  const isRetained = (flags & 0x20) !== 0;
  const writer = new PublishWriter(textBytes(topic), id, properties.length, payload.length, isRetained);
  writer.append(properties);
  writer.append(payload);
  const message = messageIn(writer.packet);
  if (message.responseTopicStart > 0)
    checkTopic(writer.packet.toString('utf8', message.responseTopicStart, message.responseTopicEnd));
  return { qos, delayMs: (found.get(Property.WILL_DELAY) ?? 0) * 1000, message };
}

/** Properties of a will with their length in front -> the same without the length and the will delay, which no PUBLISH has. */
function withoutDelay(encoded: Buffer): Buffer {
  const reader = new PacketReader(encoded, 0, encoded.length);
  reader.number();
  const kept: Buffer[] = [];
  while (reader.left > 0) {
    const start = reader.at;
    const id = reader.byte();
    reader.skipValue(id);
    if (id !== Property.WILL_DELAY) kept.push(Buffer.from(reader.since(start)));
  }
  return Buffer.concat(kept);
}

function messageIn(packet: Buffer): Message {
  let lengthEnd = 1;
  while (((packet[lengthEnd] as number) & 0x80) !== 0) lengthEnd++;
  return new Message(packet, 0, lengthEnd + 1, packet.length);
}
