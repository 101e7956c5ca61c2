/** The emulator's engine as the state store of another broker: an MQTT client that serves the request topic. */
import { connectAsync, type IClientOptions, type IPublishPacket } from 'mqtt';
import { StateStoreEngine } from '../../src/emulator/engine';
import { exchange, requestOf } from '../../src/emulator/exchange';
import { propertiesOf } from '../../src/emulator/publication';
import { REQUEST_TOPIC } from '../../src/protocol/topics';
import { SOURCE_ID, userProperty } from '../../src/protocol/user-properties';

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
