import { FENCING_TOKEN, TIMESTAMP } from '../protocol/user-properties';
import type { StoreRequest } from './exchange';
import { PacketFault, PROTOCOL_ERROR, Property, readPublish } from './packet-check';

/** A PUBLISH on the request topic as it arrived. */
export interface RequestPacket extends StoreRequest {
  qos: number;
  /** 0 for QoS 0. */
  packetId: number;
  /** Milliseconds of the monotonic clock. */
  arrivedAt: number;
}

/** Reads the requests of one client. */
export class RequestReader {
  /** Nearly all requests of a client have the same response topic: the last one, and its bytes. */
  #topic = '';
  #topicBytes: Buffer = NOTHING;
  #data: Buffer = NOTHING;
  #request = NO_REQUEST;

  /**
   * Reads the PUBLISH from `start` to `end`, whose topic begins at `body`. Of a user property that comes twice, the first counts.
   * Throws `PacketFault` when it is malformed.
   */
  read(
    data: Buffer,
    start: number,
    body: number,
    end: number,
    clientId: string,
    arrivedAt: number,
  ): RequestPacket {
    const request: RequestPacket = {
      qos: 0,
      packetId: 0,
      arrivedAt,
      clientId,
      payload: data,
      responseTopic: undefined,
      correlationData: undefined,
      messageExpiryInterval: undefined,
      timestamp: undefined,
      fencingToken: undefined,
    };
    this.#data = data;
    this.#request = request;
    const head = readPublish(data, start, body, end, 5, this.#onProperty);
    this.#data = NOTHING;
    this.#request = NO_REQUEST;
    request.qos = head.qos;
    request.packetId = head.packetId;
    request.payload = data.subarray(head.payload, end);
    return request;
  }

  readonly #onProperty = (id: number, from: number, to: number): void => {
    const data = this.#data;
    switch (id) {
      case Property.RESPONSE_TOPIC:
        this.#request.responseTopic = this.#responseTopic(from + 2, to);
        break;
      case Property.CORRELATION_DATA:
        this.#request.correlationData = data.subarray(from + 2, to);
        break;
      case Property.MESSAGE_EXPIRY:
        this.#request.messageExpiryInterval = data.readUInt32BE(from);
        break;
      case Property.USER: {
        const name = from + 2;
        const nameEnd = name + data.readUInt16BE(from);
        if (isName(data, name, nameEnd, TIMESTAMP))
          this.#request.timestamp ??= data.toString('utf8', nameEnd + 2, to);
        else if (isName(data, name, nameEnd, FENCING_TOKEN))
          this.#request.fencingToken ??= data.toString('utf8', nameEnd + 2, to);
      }
    }
  };

  #responseTopic(from: number, to: number): string {
    const { length } = this.#topicBytes;
    if (length > 0 && to - from === length && this.#data.compare(this.#topicBytes, 0, length, from, to) === 0)
      return this.#topic;
    const topic = this.#data.toString('utf8', from, to);
    if (topic === '' || /[+#\0]/.test(topic)) throw new PacketFault(PROTOCOL_ERROR);
    this.#topic = topic;
    this.#topicBytes = Buffer.from(this.#data.subarray(from, to));
    return topic;
  }
}

const NOTHING = Buffer.alloc(0);
const NO_REQUEST: RequestPacket = { qos: 0, packetId: 0, arrivedAt: 0, clientId: '', payload: NOTHING };

/** Whether a name of ASCII characters stands there. */
function isName(data: Buffer, from: number, to: number, name: string): boolean {
  if (to - from !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (data[from + i] !== name.charCodeAt(i)) return false;
  return true;
}
