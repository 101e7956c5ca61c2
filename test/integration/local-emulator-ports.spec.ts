import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { LocalEmulator } from '../../src/node-red/emulator/local-emulator';

/** The last ports there are, so that few of them have to be in use. */
const PORTS = [65_534, 65_535];

describe('An emulator for which no port is free', () => {
  const servers: Server[] = [];
  before(async () => {
    for (const port of PORTS) {
      const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
      await once(server, 'listening');
      servers.push(server);
    }
  });
  after(() => {
    for (const server of servers) server.close();
  });

  it('names the first and the last port that it tried', async () => {
    const emulator = new LocalEmulator('store', { host: '127.0.0.1', port: PORTS[0] as number });
    await assert.rejects(emulator.locate(), {
      reason: 'noAnswer',
      message:
        'Could not start the emulator: other programs use the ports 65534 to 65535. Enter another port for this store.',
    });
    await emulator.release(false);
  });
});
