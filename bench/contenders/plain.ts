/** `plain`: MQTT.js as a programmer would use it for requests and responses, with Nagle's algorithm off. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { connectAsync, type IPublishPacket, type MqttClient } from 'mqtt';
import { REQUEST_TOPIC } from '../../src/protocol/topics';
import type { Contender } from '../measure';
import { STORE_PORT, serve } from './serve';

const CLIENT_ID = `plain-${randomUUID()}`;
const RESPONSE_TOPIC = `clients/${CLIENT_ID}/services/statestore/_any_/command/invoke/response`;

class PlainStore {
  readonly #mqtt: MqttClient;
  readonly #waiting = new Map<string, (packet: IPublishPacket) => void>();
  #counter = 0;

  constructor(mqtt: MqttClient) {
    this.#mqtt = mqtt;
    mqtt.on('message', (_topic, _payload, packet) => {
      const id = packet.properties?.correlationData?.toString('hex') ?? '';
      this.#waiting.get(id)?.(packet);
      this.#waiting.delete(id);
    });
  }

  async set(key: string, value: Buffer): Promise<boolean> {
    const response = await this.#request('SET', key, value);
    return response.toString() === '+OK\r\n';
  }

  async get(key: string): Promise<Buffer> {
    const response = await this.#request('GET', key);
    const lineEnd = response.indexOf('\r\n');
    return response.subarray(lineEnd + 2, response.length - 2);
  }

  #request(...items: (string | Buffer)[]): Promise<Buffer> {
    const correlationData = randomBytes(16);
    const parts = [Buffer.from(`*${items.length}\r\n`)];
    for (const item of items) {
      const bytes = Buffer.from(item);
      parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
    }
    const time = String(Date.now()).padStart(15, '0');
    const count = String(this.#counter++).padStart(5, '0');
    return new Promise((resolve, reject) => {
      this.#waiting.set(correlationData.toString('hex'), ({ payload }) => resolve(payload as Buffer));
      const properties = {
        responseTopic: RESPONSE_TOPIC,
        correlationData,
        messageExpiryInterval: 10,
        contentType: 'application/octet-stream',
        payloadFormatIndicator: false,
        userProperties: {
          __ts: `${time}:${count}:${CLIENT_ID}`,
          __srcId: CLIENT_ID,
          __protVer: '1.0',
          $partition: CLIENT_ID,
          $high_priority: '',
        },
      };
      this.#mqtt.publish(REQUEST_TOPIC, Buffer.concat(parts), { qos: 1, properties }, (error) => {
        if (error) reject(error);
      });
    });
  }
}

async function connect(): Promise<Contender> {
  const mqtt = await connectAsync({
    host: '127.0.0.1',
    port: STORE_PORT,
    protocolVersion: 5,
    clientId: CLIENT_ID,
  });
  (mqtt.stream as unknown as Socket).setNoDelay(true);
  await mqtt.subscribeAsync(RESPONSE_TOPIC, { qos: 1 });
  const store = new PlainStore(mqtt);
  return {
    request(operation, key, value, done) {
      const answer =
        operation === 'SET'
          ? store.set(key, value)
          : store.get(key).then((got) => got.length === value.length);
      answer.then(done, () => done(false));
    },
  };
}

void connect().then(serve);
