/** What the supervisor does with attempts that succeed, fail and end; no sockets. */
import assert from 'node:assert/strict';
import type { AttemptEvents } from '../../../src/mqtt/attempt';
import { type AttemptLike, Connection } from '../../../src/mqtt/connection';
import { ConnectionError, type ConnectionReason } from '../../../src/mqtt/connection-error';
import type { ConnectionState } from '../../../src/mqtt/connection-state';
import type { Secrets } from '../../../src/mqtt/secrets';

/** An attempt that a test ends. */
interface FakeAttempt extends AttemptLike {
  events: AttemptEvents;
  started: number;
  closed: number;
  dropped: string[];
  /** Tokens that were sent on the live connection. */
  tokens: string[];
  mayArriveLate: boolean;
  mayHaveSession: boolean;
}

const NO_SECRETS: Secrets = { secure: undefined, username: undefined, password: undefined, token: undefined };

describe('The supervisor of a connection', () => {
  let attempts: FakeAttempt[];
  let connection: Connection;
  let states: ConnectionState[];

  const makeFake = (clean: boolean, events: AttemptEvents): FakeAttempt => {
    const attempt: FakeAttempt = {
      ...{ clean, events, started: 0, closed: 0, dropped: [], tokens: [] },
      ...{ mayArriveLate: false, mayHaveSession: false },
      ...{
        receiveMaximum: 10,
        maximumPacketSize: 1000,
        ends: undefined,
        received: 0,
        unsent: 0,
      },
      obstacle: new ConnectionError('noAnswer', 'It waits', ''),
      start: () => attempt.started++,
      send: () => undefined,
      subscribe: () => Promise.resolve(),
      reauthenticate: (token) => attempt.tokens.push(String(token)) > 0,
      drop: (why) => attempt.dropped.push(why),
      close: async () => {
        attempt.closed++;
      },
    };
    return attempt;
  };
  const make = () => {
    attempts = [];
    states = [];
    const options = {
      ...{ host: 'broker', port: 1883, locate: undefined, clientId: 'c', tls: undefined, login: {} },
      ...{ responseTopic: 'r', keepAlive: 60, sessionExpiry: 60, connectTimeout: 1000, metricCategory: '' },
      cleanStart: true,
    };
    connection = new Connection(options, (_options, clean, _shared, events) => {
      const attempt = makeFake(clean, events);
      attempts.push(attempt);
      return attempt;
    });
    connection.on('state', (state) => states.push(state));
  };
  const last = () => attempts.at(-1) as FakeAttempt;
  const succeed = (sessionPresent = false) => {
    last().events.secrets(NO_SECRETS);
    last().events.loggedIn(sessionPresent);
    last().events.connected();
  };
  const fail = (reason: ConnectionReason) => last().events.ended(new ConnectionError(reason, 'Failed', ''));
  const next = async () => {
    const before = attempts.length;
    while (attempts.length === before) await new Promise((resolve) => connection.once('state', resolve));
  };
  const kinds = () => states.map(({ kind }) => kind);

  beforeEach(make);
  afterEach(() => connection.close());

  it('opens once, and says what the present attempt waits for', () => {
    connection.open();
    connection.open();
    assert.deepEqual([attempts.length, last().started, kinds()], [1, 1, ['connecting']]);
    assert.equal(connection.obstacle?.reason, 'noAnswer');
  });

  it('begins a new session with the first login that succeeds, and resumes it afterwards', async () => {
    connection.open();
    fail('nothingListens');
    await next();
    assert.equal(last().clean, true);
    succeed();
    fail('lost');
    await next();
    assert.equal(last().clean, false);
    succeed(true);
    assert.deepEqual(states.at(-1), { kind: 'connected', resumed: true });
  });

  it('keeps the reason of the last end while it connects again', async () => {
    connection.open();
    fail('nothingListens');
    assert.equal(connection.obstacle?.reason, 'nothingListens');
    await next();
    assert.deepEqual(kinds(), ['connecting', 'disconnected', 'connecting']);
    assert.equal(connection.obstacle?.reason, 'nothingListens');
  });

  const refusals: [ConnectionReason, boolean][] = [
    ['notAuthorized', true],
    ['qosTooLow', true],
    ['subscriptionRefused', true],
    ['brokerBusy', false],
    ['closedBeforeAnswer', false],
    ['certificateUntrusted', false],
    ['fileUnreadable', false],
  ];
  for (const [reason, isRefused] of refusals) {
    it(`${isRefused ? 'has' : 'has not'} been refused by ${reason}`, () => {
      connection.open();
      fail(reason);
      assert.equal(connection.refused, isRefused);
    });
  }

  it('stops when another client took the session over', () => {
    connection.open();
    succeed();
    fail('takenOver');
    assert.equal(connection.state.kind, 'stopped');
  });

  it('goes on once when an attempt of its own may have taken the session over, and does not trust the session', async () => {
    connection.open();
    last().mayArriveLate = true;
    fail('noAnswer');
    await next();
    succeed();
    fail('takenOver');
    assert.deepEqual([connection.state.kind, connection.obstacle?.reason], ['disconnected', 'lost']);
    await next();
    succeed(true);
    assert.deepEqual(states.at(-1), { kind: 'connected', resumed: false });
    fail('takenOver');
    assert.equal(connection.state.kind, 'stopped');
  });

  it('does not trust a session if an attempt without an answer may have made it, once', async () => {
    connection.open();
    succeed();
    fail('lost');
    await next();
    last().mayHaveSession = true;
    fail('closedBeforeAnswer');
    await next();
    succeed(true);
    assert.deepEqual(states.at(-1), { kind: 'connected', resumed: false });
    fail('lost');
    await next();
    succeed(true);
    assert.deepEqual(states.at(-1), { kind: 'connected', resumed: true });
  });

  it('makes no attempt after its end, not even when a listener ends it', async () => {
    connection.on('state', ({ kind }) => {
      if (kind === 'disconnected') void connection.close();
    });
    connection.open();
    fail('nothingListens');
    assert.deepEqual([connection.state.kind, last().closed], ['closed', 1]);
    connection.open();
    assert.equal(connection.close(), connection.close());
    assert.equal(attempts.length, 1);
  });

  it('does not start an attempt that a listener of connecting has closed', () => {
    connection.on('state', ({ kind }) => {
      if (kind === 'connecting') void connection.close();
    });
    connection.open();
    assert.deepEqual([last().started, last().closed, connection.state.kind], [0, 1, 'closed']);
  });

  it('drops only a live connection', () => {
    connection.open();
    connection.drop('early');
    succeed();
    connection.drop('late');
    assert.deepEqual(last().dropped, ['late']);
  });
});
