/** Aedes alone with a responder that does nothing: it answers every request with OK and the correlation data it came with. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';
import { REQUEST_TOPIC } from '../../src/protocol/topics';
import { serve } from './serve';

const OK = Buffer.from('+OK\r\n');

async function main(): Promise<void> {
  const broker = await Aedes.createBroker();
  broker.subscribe(
    REQUEST_TOPIC,
    ({ properties }, done) => {
      const { responseTopic, correlationData } = properties ?? {};
      broker.publish(
        {
          cmd: 'publish',
          qos: 1,
          dup: false,
          retain: false,
          topic: responseTopic as string,
          payload: OK,
          properties: { correlationData: correlationData as Buffer },
        },
        () => undefined,
      );
      done();
    },
    () => undefined,
  );
  const server = createServer({ noDelay: true }, (socket) => void broker.handle(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  serve((server.address() as AddressInfo).port);
}

void main();
