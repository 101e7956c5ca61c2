/** Notifications that are old, late or come twice, and readings beside them, byte by byte. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { generate, type IPublishPacket, type Packet } from 'mqtt-packet';
import { StateStoreClient } from '../../src/index';
import { parseCommand } from '../../src/protocol/commands';
import { ANSWER_ID, answer, ByteBroker, MQTT5, notification } from '../support/byte-broker';

const BEGIN = Date.now();
/** A version; later ones are newer. */
const v = (step: number) => `${String(BEGIN + step).padStart(15, '0')}:00000:store`;

/** What the store says of a key when it is asked, and what else arrives right before the answer. */
interface Turn {
  /** Version in the answer to KEYNOTIFY. */
  observed?: string | undefined;
  /** Value and version, or nothing for a missing key. */
  holds?: [value: string, version?: string] | undefined;
  beforeObserved?: Buffer[];
  beforeReading?: Buffer[];
  /** In the same bytes as the reading, behind it. */
  withReading?: Buffer[];
  afterReading?: Buffer[];
}

describe('Observing, with what comes late', () => {
  let broker: ByteBroker;
  let store: StateStoreClient;
  let told: string[];
  let socket: Socket;
  let turns: Turn[];
  let asked: number;
  let served: () => void;

  beforeEach(async () => {
    broker = new ByteBroker();
    store = new StateStoreClient({ host: '127.0.0.1', port: await broker.listen(), clientId: 'me' });
    told = [];
    turns = [];
    asked = 0;
    broker.on('packet', (packet, from) => {
      if (packet.cmd === 'publish') serve(packet, from);
    });
  });
  afterEach(async () => {
    const closed = store.close();
    await broker.close();
    await closed;
  });

  const serve = (packet: IPublishPacket, from: Socket) => {
    socket = from;
    from.write(generate({ cmd: 'puback', messageId: packet.messageId as number }, MQTT5));
    const { verb } = parseCommand(packet.payload as Buffer);
    const turn = turns[0] as Turn;
    if (verb === 'KEYNOTIFY') {
      const version: Record<string, string> = turn.observed === undefined ? {} : { __ts: turn.observed };
      from.write(
        Buffer.concat([
          ...(turn.beforeObserved ?? []),
          answer(packet, '+OK\r\n', { __stat: '200', ...version }),
        ]),
      );
      return;
    }
    asked++;
    const [value, version] = turn.holds ?? [];
    const payload = value === undefined ? '$-1\r\n' : `$${value.length}\r\n${value}\r\n`;
    const reading = answer(packet, payload, {
      __stat: '200',
      ...(version !== undefined && { __ts: version }),
    });
    if (turns.length > 1) turns.shift();
    from.write(Buffer.concat([...(turn.beforeReading ?? []), reading, ...(turn.withReading ?? [])]));
    void acknowledged(from).then(() => {
      from.write(Buffer.concat(turn.afterReading ?? []));
      served?.();
    });
  };
  /** The client has taken in an answer on this connection. */
  const acknowledged = (connection: Socket) =>
    new Promise<void>((resolve) => {
      const look = (packet: Packet, from: Socket) => {
        if (from !== connection || packet.cmd !== 'puback' || packet.messageId !== ANSWER_ID) return;
        broker.off('packet', look);
        resolve();
      };
      broker.on('packet', look);
    });
  const set = (value: string, version: string) => notification('me', 'k', version, value);
  const gone = (version: string) => notification('me', 'k', version);
  const observe = async (first: Turn) => {
    turns = [first];
    await store.observe('k', (change) => {
      told.push(change.operation === 'set' ? String(change.value) : 'deleted');
    });
  };
  /** Ends the connection; on the next one, with the session kept, the store says this. */
  const resume = async (...next: Turn[]) => {
    turns = next;
    broker.sessionPresent = true;
    const done = new Promise<void>((resolve) => {
      served = resolve;
    });
    socket.destroy();
    await done;
    await flush();
  };
  /** What was written to the client before has arrived when it answers a request made now. */
  const flush = async () => {
    const { holds } = turns[0] as Turn;
    turns = [{ holds }];
    await store.get('k');
  };

  it('keeps the fresh reading when old notifications come before it', async () => {
    await observe({ observed: v(1), holds: ['a', v(0)] });
    await resume({ observed: v(10), beforeReading: [set('b', v(2)), set('c', v(3))], holds: ['d', v(9)] });
    assert.deepEqual(told, ['b', 'c', 'd']);
  });

  it('drops old notifications that come after the fresh reading', async () => {
    await observe({ observed: v(1), holds: ['a', v(0)] });
    await resume({ observed: v(10), holds: ['d', v(9)], afterReading: [set('b', v(2)), gone(v(3))] });
    assert.deepEqual(told, ['d']);
  });

  it('reports once that a key is gone, also if old notifications follow', async () => {
    await observe({ observed: v(1), holds: ['a', v(0)] });
    await resume({ observed: v(10), afterReading: [set('b', v(2)), set('c', v(3)), gone(v(4))] });
    assert.deepEqual(told, ['deleted']);
  });

  it('reports that a key is gone after old notifications that arrive before the reading', async () => {
    await observe({ observed: v(1), holds: ['a', v(0)] });
    await resume({ observed: v(10), beforeReading: [set('b', v(2)), set('c', v(3))] });
    assert.deepEqual(told, ['b', 'c', 'deleted']);
  });

  it('follows notifications that are newer than the reading of a missing key', async () => {
    await observe({ observed: v(1), holds: ['a', v(0)] });
    await resume({
      observed: v(10),
      beforeReading: [set('b', v(11))],
      afterReading: [gone(v(12)), set('c', v(13))],
    });
    assert.deepEqual(told, ['b', 'deleted', 'c']);
  });

  it('reports once a delete between observing and reading', async () => {
    await observe({ observed: v(1), holds: ['a', v(0)] });
    await resume({ observed: v(10), afterReading: [gone(v(11)), set('b', v(12))] });
    assert.deepEqual(told, ['deleted', 'b']);
  });

  it('reads a missing key again for every notification while no version shows since when it is missing', async () => {
    await observe({ holds: ['a', v(0)] });
    const before = asked;
    await resume(
      { afterReading: [set('old', v(2))] }, // read again, still missing
      {},
    );
    assert.deepEqual(told, ['deleted']);
    assert.ok(asked > before + 1, 'it was read again');
    turns = [{ holds: ['new', v(20)] }];
    socket.write(set('new', v(20)));
    while (told.length < 2) await once(broker, 'packet');
    socket.write(Buffer.concat([gone(v(21)), set('newer', v(22))]));
    await flush();
    assert.deepEqual(told, ['deleted', 'new', 'deleted', 'newer']);
  });

  it('reports once that the same value was set again, with its new version', async () => {
    await observe({ observed: v(1), holds: ['a', v(0)] });
    await resume({ observed: v(10), holds: ['a', v(0)] });
    assert.deepEqual(told, []);
    socket.write(Buffer.concat([set('a', v(11)), set('a', v(11)), set('old', v(5))]));
    await flush();
    assert.deepEqual(told, ['a']);
  });

  it('accepts a store that started again with an older clock', async () => {
    await observe({ observed: v(40_000), holds: ['a', v(39_000)] });
    await resume({ observed: v(10), holds: ['b', v(9)] });
    socket.write(set('c', v(11)));
    await flush();
    await resume({ observed: v(20) });
    assert.deepEqual(told, ['b', 'c', 'deleted']);
  });

  it('passes over notifications of an earlier observation of the same key', async () => {
    turns = [{ observed: v(1), holds: ['a', v(0)] }];
    const first = await store.observe('k', () => undefined);
    await first.close();
    await observe({
      observed: v(10),
      beforeObserved: [set('b', v(2))],
      beforeReading: [set('c', v(3))],
      holds: ['d', v(9)],
    });
    await flush();
    assert.deepEqual(told, []);
  });

  it('reports the value to a new observer, and not again with its notification', async () => {
    await observe({ observed: v(1), holds: ['a', v(0)] });
    const joined: string[] = [];
    turns = [{ holds: ['b', v(2)], afterReading: [set('b', v(2)), set('c', v(3))] }];
    await store.observe(
      'k',
      (change) => joined.push(change.operation === 'set' ? String(change.value) : ''),
      {
        current: true,
      },
    );
    await flush();
    assert.deepEqual(
      [told, joined],
      [
        ['b', 'c'],
        ['b', 'c'],
      ],
    );
  });

  it('does not report a value as the current one if its delete came with the reading', async () => {
    turns = [{ observed: v(1), holds: ['a', v(0)], withReading: [gone(v(2))] }];
    const reported: string[] = [];
    await store.observe('k', (change) => reported.push(change.operation), { current: true });
    await flush();
    assert.deepEqual(reported, []);
  });
});
