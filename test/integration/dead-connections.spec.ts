/** A peer that freezes and continues later must not receive an abandoned write then. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { ByteBroker } from '../support/byte-broker';

/** More than the system keeps for a peer that does not read, and less than it keeps on both sides. */
const LARGE = 'x'.repeat(400_000);

describe('A write on a connection to a frozen broker', () => {
  let broker: ByteBroker;
  let store: StateStoreClient;
  let still: Socket;
  let arrived: string[];

  const start = async (keepAlive: number) => {
    broker.onSubscribe = (packet, socket) => {
      still ??= socket;
      broker.grant(packet, socket);
    };
    store = new StateStoreClient({ host: '127.0.0.1', port: await broker.listen(), keepAlive });
    await store.connect();
    still.pause();
  };
  /** The broker goes on, and reads all that there is. */
  const goOn = async () => {
    const closed = once(still, 'close');
    still.resume();
    await closed;
  };

  beforeEach(() => {
    broker = new ByteBroker();
    still = undefined as unknown as Socket;
    arrived = [];
    broker.on('packet', ({ cmd }) => arrived.push(cmd));
  });
  afterEach(async () => {
    const closed = store.close();
    await broker.close();
    await closed;
  });

  it('does not arrive after its outcome was reported as unknown: no answer to a ping', async () => {
    await start(1);
    await rejectsWith(store.set('k', LARGE), { code: 'OUTCOME_UNKNOWN' });
    await goOn();
    assert.equal(arrived.includes('publish'), false);
  }).timeout(30_000);

  it('does not arrive after its caller got CLOSED', async () => {
    await start(0);
    const call = rejectsWith(store.set('k', LARGE), { code: 'CLOSED', message: /may or may not/ });
    await store.close();
    await call;
    await goOn();
    assert.equal(arrived.includes('publish'), false);
  }).timeout(30_000);
});
