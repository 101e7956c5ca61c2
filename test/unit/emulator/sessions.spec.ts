import assert from 'node:assert/strict';
import { MAX_STORED_BYTES, type Outgoing, Session } from '../../../src/emulator/mqtt/session';
import { MOST_SESSIONS, Sessions } from '../../../src/emulator/mqtt/sessions';
import { Message } from '../../../src/mqtt/publish';
import { PublishWriter } from '../../../src/mqtt/publish-writer';
import { textBytes } from '../../../src/mqtt/wire';

const outgoing = (
  text: string,
  { qos = 1, bytes = 0, expiresAt = Number.POSITIVE_INFINITY } = {},
): Outgoing => {
  const payload = Buffer.alloc(Math.max(bytes, text.length), ' ');
  payload.write(text);
  const writer = new PublishWriter(textBytes('t'), qos, 0, payload.length);
  writer.append(payload);
  return { packet: writer.packet, packetIdAt: writer.packetIdAt, expiryAt: 0, expiresAt };
};

class Connection {
  readonly sent: string[] = [];
  readonly ids: number[] = [];
  overruns = 0;
  kept = 0;
  constructor(
    readonly receiveMaximum = 65_535,
    readonly maximumPacketSize = Number.POSITIVE_INFINITY,
  ) {}

  send(packet: Buffer): void {
    let body = 1;
    while (((packet[body] as number) & 0x80) !== 0) body++;
    const { payload, dup, packetId } = new Message(packet, 0, body + 1, packet.length);
    this.sent.push(`${dup ? 'again ' : ''}${payload.toString().trim()}`);
    this.ids.push(packetId);
  }

  keeps(bytes: number): void {
    this.kept = bytes;
  }

  overrun(): void {
    this.overruns++;
  }
}

describe('A session', () => {
  const session = (keepMs: number, connection?: Connection) => {
    const made = new Session('c');
    made.keepMs = keepMs;
    if (connection) made.attach(connection);
    return made;
  };

  it('sends messages again, in order and as duplicates, until they are acknowledged', () => {
    const first = new Connection();
    const one = session(1000, first);
    for (const text of ['a', 'b', 'c']) one.deliver(outgoing(text));
    one.acknowledge(first.ids[1] as number);
    one.deliver(outgoing('d'));
    one.detach(0);
    one.deliver(outgoing('e'));
    const second = new Connection();
    one.attach(second);
    assert.deepEqual(second.sent, ['again a', 'again c', 'again d', 'e']);
    for (const id of second.ids) one.acknowledge(id);
    assert.equal(one.inFlight, 0);
  });

  it('gives no packet identifier to two messages in flight', () => {
    const connection = new Connection();
    const one = session(0, connection);
    for (let i = 0; i < 100; i++) one.deliver(outgoing('m'));
    for (const id of connection.ids.slice(0, 50)) one.acknowledge(id);
    for (let i = 0; i < 50; i++) one.deliver(outgoing('m'));
    assert.equal(new Set(connection.ids.slice(50)).size, 100);
    one.acknowledge(9999);
    assert.equal(one.inFlight, 100);
  });

  it('has no more in flight than the Receive Maximum', () => {
    const connection = new Connection(2);
    const one = session(0, connection);
    for (const text of ['a', 'b', 'c', 'd']) one.deliver(outgoing(text));
    one.deliver(outgoing('q0', { qos: 0 }));
    assert.deepEqual(connection.sent, ['a', 'b', 'q0']);
    one.acknowledge(connection.ids[0] as number);
    assert.deepEqual(connection.sent, ['a', 'b', 'q0', 'c']);
    one.acknowledge(connection.ids[1] as number);
    one.acknowledge(connection.ids[3] as number);
    assert.deepEqual(connection.sent.at(-1), 'd');
  });

  const quarter = { bytes: MAX_STORED_BYTES / 4 };

  it('keeps up to 16 MiB for a client that is away, and room comes back', () => {
    const one = session(1000);
    for (let i = 0; i < 3; i++) one.deliver(outgoing(String(i), quarter));
    const connection = new Connection();
    one.attach(connection);
    assert.deepEqual(connection.sent, ['0', '1', '2']);
    for (const id of connection.ids) one.acknowledge(id);
    one.detach(0);
    one.deliver(outgoing('later', quarter));
    const next = new Connection();
    one.attach(next);
    assert.deepEqual(next.sent, ['later']);
    assert.equal(one.isWhole, true);
  });

  it('is not whole any more when a client that is away would lose a message', () => {
    const one = session(1000);
    for (let i = 0; i < 4; i++) one.deliver(outgoing(String(i), quarter));
    assert.equal(one.isWhole, false);
  });

  it('is not whole any more when a connection is lost with more than 16 MiB in flight', () => {
    const [acknowledged, lost] = [0, 0].map(() => {
      const connection = new Connection();
      const one = session(1000, connection);
      for (let i = 0; i < 4; i++) one.deliver(outgoing(String(i), quarter));
      assert.equal(connection.sent.length, 4);
      return { one, ids: connection.ids };
    });
    acknowledged?.one.acknowledge(acknowledged.ids[3] as number);
    acknowledged?.one.detach(0);
    lost?.one.detach(0);
    assert.deepEqual([acknowledged?.one.isWhole, lost?.one.isWhole], [true, false]);
  });

  it('reports a client that acknowledges too slowly', () => {
    const connection = new Connection(1);
    const one = session(0, connection);
    for (let i = 0; i < 6; i++) one.deliver(outgoing('m', quarter));
    assert.equal(connection.overruns, 1);
    assert.equal(connection.sent.length, 1);
  });

  it('drops messages that expired, QoS 0 messages of a client that is away, and packets that are too large for it', () => {
    const one = session(1000);
    one.deliver(outgoing('expired', { expiresAt: performance.now() - 1 }));
    one.deliver(outgoing('qos 0', { qos: 0 }));
    one.deliver(outgoing('large', { bytes: 1000 }));
    one.deliver(outgoing('kept'));
    one.dropExpired(performance.now());
    const connection = new Connection(65_535, 500);
    one.attach(connection);
    assert.deepEqual(connection.sent, ['kept']);
  });
});

describe('Sessions', () => {
  const options = {
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    identifier: undefined,
  };
  const subscribe = (sessions: Sessions, session: Session, filter: string) =>
    sessions.subscribe(session, { filter, ...options });

  it('are present again, also without subscriptions, until their time is over', () => {
    const sessions = new Sessions();
    const { session, isPresent } = sessions.open('c', false, 0);
    assert.equal(isPresent, false);
    session.keepMs = 1000;
    sessions.leave(session, 0);
    assert.deepEqual(sessions.open('c', false, 999), { session, isPresent: true });
    sessions.leave(session, 1000);
    assert.equal(sessions.open('c', false, 2000).isPresent, false);
  });

  it('are gone with their subscriptions at a clean start and when their time is over', () => {
    const sessions = new Sessions();
    const { session } = sessions.open('c', false, 0);
    session.keepMs = 1000;
    assert.equal(subscribe(sessions, session, 'a/#'), true);
    assert.equal(subscribe(sessions, session, 'a/#'), false);
    assert.equal(sessions.match('a/b').get(session)?.length, 1);
    sessions.leave(session, 0);
    sessions.sweep(1001);
    assert.equal(sessions.hasOthers('a/b'), false);
    const again = sessions.open('c', false, 1001).session;
    subscribe(sessions, again, 'a/#');
    assert.equal(sessions.open('c', true, 1001).isPresent, false);
    assert.equal(sessions.hasOthers('a/b'), false);
  });

  it('that lost a message are not resumed', () => {
    const sessions = new Sessions();
    const tooMuch = { bytes: MAX_STORED_BYTES + 1 };
    const { session } = sessions.open('c', false, 0);
    session.keepMs = 1000;
    sessions.leave(session, 0);
    session.deliver(outgoing('away', tooMuch));
    const again = sessions.open('c', false, 1);
    assert.equal(again.isPresent, false);
    again.session.keepMs = 1000;
    again.session.attach(new Connection());
    again.session.deliver(outgoing('in flight', tooMuch));
    sessions.leave(again.session, 1);
    assert.equal(sessions.get('c'), undefined);
  });

  it('of clients that are away are a bounded number', () => {
    const sessions = new Sessions();
    for (let i = 0; i <= MOST_SESSIONS; i++) {
      const { session } = sessions.open(`c${i}`, false, 0);
      session.keepMs = 1000;
      sessions.leave(session, 0);
    }
    assert.ok(sessions.get(`c${MOST_SESSIONS - 1}`));
    assert.equal(sessions.get(`c${MOST_SESSIONS}`), undefined);
  });
});
