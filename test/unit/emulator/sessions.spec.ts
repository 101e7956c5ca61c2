import assert from 'node:assert/strict';
import { type BrokerPacket, Sessions } from '../../../src/emulator/sessions';
import { TopicIndex } from '../../../src/emulator/topic-index';

const ME = { id: 'me' };
const message = (counter: number, bytes = 10, more: Partial<BrokerPacket> = {}): BrokerPacket => ({
  cmd: 'publish',
  topic: 't',
  payload: Buffer.alloc(bytes),
  qos: 1,
  brokerId: 'b',
  brokerCounter: counter,
  ...more,
});
const match = [{ clientId: 'me', topic: 't', qos: 1 }];
const waiting = async (sessions: Sessions) => {
  const all: BrokerPacket[] = [];
  for await (const one of sessions.outgoingStream(ME)) all.push(one);
  return all;
};

describe('Sessions', () => {
  let sessions: Sessions;
  beforeEach(() => {
    sessions = new Sessions(() => false);
  });

  it('keep messages in order until they are acknowledged, those sent already as duplicates', async () => {
    for (const counter of [1, 2, 3]) await sessions.outgoingEnqueueCombi(match, message(counter));
    await sessions.outgoingUpdate(ME, message(2, 10, { messageId: 7 }));
    assert.deepEqual(
      (await waiting(sessions)).map(({ brokerCounter, messageId, dup }) => [brokerCounter, messageId, dup]),
      [
        [1, undefined, undefined],
        [2, 7, true],
        [3, undefined, undefined],
      ],
    );
    await sessions.outgoingClearMessageId(ME, message(0, 0, { messageId: 7 }));
    assert.deepEqual(
      (await waiting(sessions)).map(({ brokerCounter }) => brokerCounter),
      [1, 3],
    );
  });

  it('give no packet identifier twice', async () => {
    sessions.keep('me', message(0), 7);
    await sessions.outgoingEnqueueCombi(match, message(1));
    const sent = message(1, 10, { messageId: 7 });
    await sessions.outgoingUpdate(ME, sent);
    assert.equal(sent.messageId, 8);
  });

  it('keep no more than 16 MiB for a client, and room comes back', async () => {
    for (let id = 1; id <= 20; id++) sessions.keep('me', message(0, 2 ** 20), id);
    assert.equal((await waiting(sessions)).length, 15);
    sessions.acknowledge('me', 1);
    sessions.keep('me', message(0, 2 ** 20), 21);
    assert.equal((await waiting(sessions)).at(-1)?.messageId, 21);
  });

  it('drop what expired, and everything when the session ends', async () => {
    sessions.keep('me', message(0, 10, { messageExpiry: 1000 }), 1);
    sessions.keep('me', message(0, 10, { messageExpiry: 3000 }), 2);
    sessions.dropExpired(2000);
    assert.equal(sessions.messages, 1);
    await sessions.addSubscriptions(ME, [{ topic: 't/+', qos: 1 }]);
    assert.equal(sessions.hasOthers('t/1', 'you'), true);
    await sessions.cleanSubscriptions(ME);
    assert.equal(sessions.messages, 0);
    assert.equal(sessions.hasOthers('t/1', 'you'), false);
  });
});

describe('Topic index', () => {
  it('finds what matches (MQTT 5 section 4.7)', () => {
    const index = new TopicIndex<string>();
    const filters = ['a/b', 'a/+', 'a/#', '+/b', '#', 'a/b/#', '+', 'a/+/c', '$SYS/#', 'a'];
    for (const filter of filters) index.add(filter, filter);
    const found = (topic: string) => {
      const matching = index.match(topic).sort();
      for (const filter of filters)
        assert.equal(
          index.some(topic, (one) => one === filter),
          matching.includes(filter),
        );
      return matching;
    };
    assert.deepEqual(found('a/b'), ['#', '+/b', 'a/#', 'a/+', 'a/b', 'a/b/#']);
    assert.deepEqual(found('a'), ['#', '+', 'a', 'a/#']);
    assert.deepEqual(found('a/b/c'), ['#', 'a/#', 'a/+/c', 'a/b/#']);
    assert.deepEqual(found('$SYS/x'), ['$SYS/#']);
    assert.deepEqual(found('ab'), ['#', '+']);
    for (const filter of filters) index.remove(filter, filter);
    assert.deepEqual(found('a/b'), []);
  });
});
