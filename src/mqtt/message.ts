/** A PUBLISH as it arrives: the response to a request, or a notification. */
export interface Message {
  topic: string;
  /** A view into what came from the socket. */
  payload: Buffer;
  /** To be acknowledged; 0 for QoS 0. */
  packetId: number;
  /** Correlation data, each byte a character (latin1). */
  correlation: string | undefined;
  /** Of a name that comes twice, the first value. None is called `__proto__`, which means something else here. */
  userProperties: Readonly<Record<string, string>>;
}

/** Properties a PUBLISH may have (MQTT 5 section 3.3.2.3). */
const PAYLOAD_FORMAT = 0x01;
const MESSAGE_EXPIRY = 0x02;
const CONTENT_TYPE = 0x03;
const RESPONSE_TOPIC = 0x08;
const CORRELATION_DATA = 0x09;
const SUBSCRIPTION_IDENTIFIER = 0x0b;
const USER_PROPERTY = 0x26;

const PROTOTYPE = '__proto__';

/** Reads the PUBLISH from `start` to `end`, whose topic begins at `body`. Throws {@link RangeError} when it is malformed. */
export function readMessage(data: Buffer, start: number, body: number, end: number): Message {
  const topicEnd = endOfText(data, body, end);
  const qos = ((data[start] as number) >> 1) & 3;
  const packetId = qos === 0 ? 0 : data.readUInt16BE(topicEnd);
  let at = qos === 0 ? topicEnd : topicEnd + 2;
  const lengthEnd = endOfNumber(data, at);
  const propertiesEnd = lengthEnd + readNumber(data, at, lengthEnd);
  if (propertiesEnd > end) throw malformed();
  let correlation: string | undefined;
  const userProperties: Record<string, string> = {};
  at = lengthEnd;
  while (at < propertiesEnd) {
    const value = at + 1;
    switch (data[at]) {
      case USER_PROPERTY: {
        const nameEnd = endOfText(data, value, propertiesEnd);
        at = endOfText(data, nameEnd, propertiesEnd);
        const name = data.toString('utf8', value + 2, nameEnd);
        if (name !== PROTOTYPE && !Object.hasOwn(userProperties, name))
          userProperties[name] = data.toString('utf8', nameEnd + 2, at);
        break;
      }
      case CORRELATION_DATA:
        at = endOfText(data, value, propertiesEnd);
        correlation = data.toString('latin1', value + 2, at);
        break;
      case PAYLOAD_FORMAT:
        at = value + 1;
        break;
      case MESSAGE_EXPIRY:
        at = value + 4;
        break;
      case CONTENT_TYPE:
      case RESPONSE_TOPIC:
        at = endOfText(data, value, propertiesEnd);
        break;
      case SUBSCRIPTION_IDENTIFIER:
        at = endOfNumber(data, value);
        break;
      default:
        throw malformed();
    }
  }
  if (at !== propertiesEnd) throw malformed();
  const topic = data.toString('utf8', body + 2, topicEnd);
  return { topic, payload: data.subarray(at, end), packetId, correlation, userProperties };
}

/** End of a text or binary value: two bytes of length, then its bytes (MQTT 5 section 1.5.4). */
function endOfText(data: Buffer, at: number, limit: number): number {
  const end = at + 2 + data.readUInt16BE(at);
  if (end > limit) throw malformed();
  return end;
}

/** End of a variable byte integer (MQTT 5 section 1.5.5). */
function endOfNumber(data: Buffer, at: number): number {
  let end = at;
  while ((data[end++] as number) >= 0x80) if (end - at >= 4) throw malformed();
  return end;
}

function readNumber(data: Buffer, at: number, end: number): number {
  let value = 0;
  for (let i = end - 1; i >= at; i--) value = value * 128 + ((data[i] as number) & 0x7f);
  return value;
}

function malformed(): RangeError {
  return new RangeError('a malformed PUBLISH');
}
