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

/**
 * Reads the PUBLISH from `start` to `end`, whose topic begins at `body`. Of a user property that comes twice, the first counts.
 * Throws `PacketFault` when it is malformed.
 */
export function readRequest(
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
  const head = readPublish(data, start, body, end, 5, (id, from, to) => {
    switch (id) {
      case Property.RESPONSE_TOPIC:
        request.responseTopic = data.toString('utf8', from + 2, to);
        break;
      case Property.CORRELATION_DATA:
        request.correlationData = data.subarray(from + 2, to);
        break;
      case Property.MESSAGE_EXPIRY:
        request.messageExpiryInterval = data.readUInt32BE(from);
        break;
      case Property.USER: {
        const nameEnd = from + 2 + data.readUInt16BE(from);
        // Nearly all others have longer names.
        if (nameEnd - from - 2 > TIMESTAMP.length) break;
        const name = data.toString('latin1', from + 2, nameEnd);
        if (name === TIMESTAMP) request.timestamp ??= data.toString('utf8', nameEnd + 2, to);
        else if (name === FENCING_TOKEN) request.fencingToken ??= data.toString('utf8', nameEnd + 2, to);
      }
    }
  });
  const { responseTopic } = request;
  if (responseTopic !== undefined && (responseTopic === '' || /[+#\0]/.test(responseTopic)))
    throw new PacketFault(PROTOCOL_ERROR);
  request.qos = head.qos;
  request.packetId = head.packetId;
  request.payload = data.subarray(head.payload, end);
  return request;
}
