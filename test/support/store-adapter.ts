/** The emulator's engine as the state store of another broker: an MQTT client that serves the request topic. */
import { connectAsync, type IClientOptions, type IPublishPacket } from 'mqtt';
import { StateStoreEngine } from '../../src/emulator/engine';
import { exchange, type StoreRequest } from '../../src/emulator/exchange';
import { REQUEST_TOPIC } from '../../src/protocol/topics';
import { FENCING_TOKEN, SOURCE_ID, TIMESTAMP, userProperty } from '../../src/protocol/user-properties';
import { propertiesOf } from './publication-properties';

export interface StoreAdapter {
  engine: StateStoreEngine;
  close(): Promise<void>;
}

/** Serves the state store at this broker, again after each reconnect. Resolves when it does. */
export async function serveStore(options: IClientOptions): Promise<StoreAdapter> {
  const engine = new StateStoreEngine();
  const client = await connectAsync({
    protocolVersion: 5,
    clientId: 'the-state-store',
    clean: false,
    properties: { sessionExpiryInterval: 3600 },
    reconnectPeriod: 50,
    ...options,
  });
  client.on('error', () => undefined);
  client.on('message', (_topic, payload: Buffer, packet: IPublishPacket) => {
    const clientId = userProperty(packet.properties?.userProperties, SOURCE_ID) ?? '';
    const request = requestOf(clientId, {
      payload,
      qos: packet.qos,
      ...(packet.properties && { properties: packet.properties }),
    });
    if (!request) return;
    const result = exchange(engine, request, Date.now(), performance.now());
    if ('disconnect' in result) return;
    for (const publication of result.publish)
      client.publish(publication.topic, publication.payload, {
        qos: 1,
        properties: propertiesOf(publication),
      });
  });
  await client.subscribeAsync(REQUEST_TOPIC, { qos: 1 });
  return { engine, close: () => client.endAsync(true) };
}

/**
 * The request in a packet as MQTT libraries hand it over; undefined when a property came twice or has a wrong type
 * (MQTT 5 section 3.3.2.3: a Protocol Error).
 */
function requestOf(
  clientId: string,
  { payload, qos, properties = {} }: Pick<IPublishPacket, 'payload' | 'properties' | 'qos'>,
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
    qos,
    payload: Buffer.isBuffer(payload) ? payload : Buffer.from(payload),
    responseTopic,
    correlationData,
    messageExpiryInterval,
    timestamp: userProperty(userProperties, TIMESTAMP),
    fencingToken: userProperty(userProperties, FENCING_TOKEN),
  };
}
