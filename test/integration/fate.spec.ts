import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient, type StateStoreClientOptions } from '../../src/index';
import { keyOf } from '../../src/protocol/commands';
import { rejectsWith } from '../support/assertions';
import { freePort } from '../support/ports';
import { type ScriptedRequest, type ScriptedStore, startScriptedStore } from '../support/scripted-store';

const OK = '+OK\r\n';

describe('The outcome of a request', () => {
  let server: ScriptedStore;
  let store: StateStoreClient;

  const start = async (options: StateStoreClientOptions = {}) => {
    store = new StateStoreClient({ host: '127.0.0.1', port: server.port, ...options });
    await store.connect();
  };
  /** The next requests the store gets are left unanswered; resolves with them when there are `count`. */
  const held = (count: number): Promise<ScriptedRequest[]> => {
    const requests: ScriptedRequest[] = [];
    return new Promise((resolve) => {
      server.answer = (request) => {
        requests.push(request);
        if (requests.length === count) resolve(requests);
      };
    });
  };
  const state = async (kind: string) => {
    while (store.state.kind !== kind) await once(store, 'state');
  };
  const keys = () => server.requests.map(({ command }) => `${command.verb} ${keyOf(command)}`);

  beforeEach(async () => {
    server = await startScriptedStore({ receiveMaximum: 5 });
  });
  afterEach(async () => {
    server.answer = ({ respond }) => respond(OK);
    await store.close();
    await server.close();
  });

  it('waits while there is no connection and goes out in order', async () => {
    const port = await freePort();
    store = new StateStoreClient({ host: '127.0.0.1', port });
    const order: number[] = [];
    const calls = Array.from({ length: 50 }, (_, i) => store.set('k', String(i)).then(() => order.push(i)));
    await state('disconnected');
    assert.equal(store.waiting, 50);
    const emulator = await Emulator.start({ port });
    await Promise.all(calls);
    assert.deepEqual(
      order,
      Array.from({ length: 50 }, (_, i) => i),
    );
    const got = await store.get('k');
    assert.equal(got.found && got.value.toString(), '49');
    await store.close();
    await emulator.close();
  });

  it('is what it was at the call, sent at once or waiting: who changes the bytes afterwards changes nothing', async () => {
    await start({ inFlightLimit: 1 });
    const key = Buffer.from('key');
    const value = Buffer.from('value');
    const calls = [store.set(key, value), store.set(key, value)];
    assert.deepEqual([store.inFlight, store.waiting], [1, 1]);
    key.fill('x');
    value.fill('x');
    await Promise.all(calls);
    const sent = server.requests.map(
      ({ command }) => 'value' in command && `${keyOf(command)} ${command.value}`,
    );
    assert.deepEqual(sent, ['key value', 'key value']);

    server.answer = ({ respond }) => respond('-ERR not authorized\r\n');
    const refused = store.delete(key);
    key.fill('y');
    await rejectsWith(refused, { code: 'NOT_AUTHORIZED', key: 'xxx' });
  });

  it('is NOT_CONNECTED, with the reason, when the connection does not come in time', async () => {
    const port = await freePort();
    store = new StateStoreClient({ host: '127.0.0.1', port });
    await rejectsWith(store.set('k', 'v', { timeout: 300 }), {
      code: 'NOT_CONNECTED',
      key: 'k',
      message: new RegExp(
        `^Connection refused by 127\\.0\\.0\\.1:${port}: key k was not set, and nothing was sent\\.`,
      ),
    });
    await rejectsWith(store.connect({ timeout: 300 }), {
      code: 'NOT_CONNECTED',
      message: /Connection refused/,
    });
  });

  it('is QUEUE_FULL at once when too many wait, and the waiting requests are still sent', async () => {
    const port = await freePort();
    store = new StateStoreClient({ host: '127.0.0.1', port, queueLimit: 3 });
    const calls = ['1', '2', '3'].map((key) => store.set(key, 'v'));
    await state('disconnected');
    await rejectsWith(store.set('4', 'v'), {
      code: 'QUEUE_FULL',
      key: '4',
      message:
        /^The queue is full \(3 requests\): key 4 was not set, and nothing was sent\..*Connection refused/,
    });
    const emulator = await Emulator.start({ port });
    await Promise.all(calls);
    assert.equal(emulator.keys, 3);
    await store.close();
    await emulator.close();
  });

  it('is not kept when the queue is full, so memory is bounded', async () => {
    const port = await freePort();
    store = new StateStoreClient({ host: '127.0.0.1', port, queueLimit: 100, timeout: 300 });
    const codes: Record<string, number> = {};
    const calls = Array.from({ length: 50_000 }, () =>
      store.set('k', 'v').catch(({ code }: { code: string }) => {
        codes[code] = (codes[code] ?? 0) + 1;
      }),
    );
    assert.equal(store.waiting, 100);
    await Promise.all(calls);
    assert.deepEqual(codes, { QUEUE_FULL: 49_900, NOT_CONNECTED: 100 });
    assert.deepEqual([store.waiting, store.inFlight], [0, 0]);
  });

  it('is QUEUE_FULL at once when too many bytes wait, and one that is larger than the limit may wait alone', async () => {
    const port = await freePort();
    store = new StateStoreClient({ host: '127.0.0.1', port, queueByteLimit: 1000 });
    const large = rejectsWith(store.set('large', 'v'.repeat(2000)), { code: 'CLOSED' });
    await rejectsWith(store.set('k', 'v'), {
      code: 'QUEUE_FULL',
      applied: 'no',
      retryable: true,
      message:
        /^The queue is full \(20\d\d bytes\): key k was not set, and nothing was sent\. Send fewer or smaller messages/,
    });
    await store.close();
    await large;
  });

  it('that is urgent goes out before all that wait, behind other urgent ones, and no limit refuses it', async () => {
    const port = await freePort();
    store = new StateStoreClient({ host: '127.0.0.1', port, queueLimit: 2, queueByteLimit: 100 });
    const done: string[] = [];
    const set = (key: string, urgent: boolean) => store.set(key, 'v', { urgent }).then(() => done.push(key));
    const calls = [set('a', false), set('b', false), set('U', true), set('V', true), set('W', true)];
    await rejectsWith(store.set('c', 'v'), { code: 'QUEUE_FULL' });
    const emulator = await Emulator.start({ port });
    await Promise.all(calls);
    assert.deepEqual(done, ['U', 'V', 'W', 'a', 'b']);
    await store.close();
    await emulator.close();
  });

  it('is in flight at most as often as the broker allows', async () => {
    await start();
    const first = held(5);
    const calls = Array.from({ length: 12 }, (_, i) => store.set(String(i), 'v'));
    const requests = await first;
    assert.deepEqual([store.inFlight, store.waiting], [5, 7]);
    server.answer = ({ respond }) => respond(OK);
    for (const { respond } of requests) respond(OK);
    await Promise.all(calls);
    assert.equal(server.requests.length, 12);
  });

  it('is in flight at most as often as its own limit allows, and says so when that takes too long', async () => {
    await start({ inFlightLimit: 2 });
    const first = held(2);
    const calls = ['1', '2'].map((key) => store.set(key, 'v'));
    const late = store.set('3', 'v', { timeout: 100 });
    await rejectsWith(late, {
      code: 'TIMEOUT',
      message:
        /^2 requests are in flight and the broker does not take more: key 3 was not set within 100 ms, and nothing was sent/,
    });
    for (const { respond } of await first) respond(OK);
    await Promise.all(calls);
    assert.deepEqual(keys(), ['SET 1', 'SET 2']);
  });

  it('goes on when the broker kept the session: the answer comes after reconnecting', async () => {
    await start();
    const first = held(1);
    const call = store.set('k', 'v');
    const [request] = await first;
    server.cut();
    await state('disconnected');
    (request as ScriptedRequest).respond(OK);
    assert.equal((await call).stored, true);
    assert.equal(server.requests.length, 1, 'it was not sent twice');
  });

  it('is OUTCOME_UNKNOWN for a write and asked again for a GET when the broker lost the session', async () => {
    await start({ sessionExpiry: 0 });
    const first = held(4);
    const set = store.set('a', 'v');
    const get1 = store.get('b');
    const remove = store.delete('c');
    const get2 = store.get('d');
    const unknown = [
      rejectsWith(set, {
        code: 'OUTCOME_UNKNOWN',
        key: 'a',
        message: /may or may not have been applied\. Get the key/,
      }),
      rejectsWith(remove, { code: 'OUTCOME_UNKNOWN', key: 'c' }),
    ];
    await first;
    server.answer = ({ respond, command }) => respond(`$1\r\n${keyOf(command)}\r\n`);
    server.cut();
    await Promise.all(unknown);
    const values = await Promise.all([get1, get2]);
    assert.deepEqual(
      values.map((got) => got.found && got.value.toString()),
      ['b', 'd'],
    );
    assert.deepEqual(keys(), ['SET a', 'GET b', 'DEL c', 'GET d', 'GET b', 'GET d']);
  });

  it('is over when it timed out: nothing of it is sent after reconnecting', async () => {
    await start();
    const first = held(1);
    const answered = store.set('received', 'v', { timeout: 200 });
    await first;
    server.unreachable = true;
    const lost = store.set('lost', 'v', { timeout: 200 });
    server.cut();
    await state('disconnected');
    const waiting = store.set('waiting', 'v', { timeout: 200 });
    await Promise.all([
      rejectsWith(answered, { code: 'TIMEOUT', message: /may or may not have been applied/ }),
      rejectsWith(lost, { code: 'TIMEOUT', message: /may or may not have been applied/ }),
      rejectsWith(waiting, { code: 'NOT_CONNECTED' }),
    ]);
    server.answer = ({ respond }) => respond(OK);
    server.unreachable = false;
    assert.equal((await store.set('new', 'v')).stored, true);
    assert.deepEqual(keys(), ['SET received', 'SET new']);
  });

  it('is given up with its signal while there is no connection: connect, observe, get', async () => {
    store = new StateStoreClient({ host: '127.0.0.1', port: await freePort() });
    const abort = new AbortController();
    const { signal } = abort;
    const calls = [
      store.connect({ signal }),
      store.observe('k', () => undefined, { signal }),
      store.get('k', { signal }),
    ];
    const outcomes = Promise.allSettled(calls);
    await state('disconnected');
    abort.abort();
    for (const outcome of await outcomes) {
      assert.equal(outcome.status === 'rejected' && outcome.reason.name, 'AbortError');
    }
    assert.deepEqual([store.waiting, store.observed], [0, 0]);
  });

  it('is not begun, and connects to nothing, when its signal is aborted already', async () => {
    store = new StateStoreClient({ host: '127.0.0.1', port: server.port });
    const call = store.get('k', { signal: AbortSignal.abort() });
    await assert.rejects(call, { name: 'AbortError' });
    assert.equal(store.state.kind, 'closed');
  });

  it('among many has its own outcome when the call is aborted: done, perhaps done, or never sent', async () => {
    await start({ inFlightLimit: 2 });
    const abort = new AbortController();
    const requests: ScriptedRequest[] = [];
    const second = new Promise<void>((resolve) => {
      server.answer = (request) => {
        if (requests.push(request) === 1) request.respond(OK);
        else resolve();
      };
    });
    const entries = ['a', 'b', 'c', 'd'].map((key) => [key, 'v'] as const);
    const call = store.setMany(entries, { signal: abort.signal });
    await second;
    // The answer to the first one is there before that to this one.
    while (store.inFlight + store.waiting > 3) await new Promise(setImmediate);
    abort.abort();
    const outcomes = (await call).map((one) =>
      'error' in one ? [one.error.code, one.error.applied] : one.stored,
    );
    assert.deepEqual(
      [outcomes[0], outcomes[1], outcomes[3]],
      [true, ['ABORTED', 'unknown'], ['ABORTED', 'no']],
    );
    await assert.rejects(store.get('k', { signal: abort.signal }), { name: 'AbortError' });
    const none = await store.deleteMany(['x', 'y'], { signal: abort.signal });
    assert.deepEqual(
      none.map((one) => 'error' in one && [one.error.code, one.error.applied, one.error.message]),
      ['x', 'y'].map((key) => ['ABORTED', 'no', `The request was aborted: key ${key} was not deleted.`]),
    );
  });

  it('is CLOSED when the client ends before the answer, and says what is known', async () => {
    await start();
    const first = held(5);
    const calls = Array.from({ length: 6 }, (_, i) => store.set(String(i), 'v'));
    await first;
    const outcomes = Promise.allSettled(calls);
    const begin = Date.now();
    await store.close();
    assert.ok(Date.now() - begin >= 1900, 'it was given its time');
    const messages = (await outcomes).map((outcome) => (outcome as PromiseRejectedResult).reason.message);
    assert.match(
      messages[0],
      /^The connection to the store was closed before the response to the request to set key 0\. It may or may not have been applied\. Get the key to find out\.$/,
    );
    assert.match(messages[5], /closed: key 5 was not set, and nothing was sent\.$/);
  });

  it('ends at once when the client ends without a connection', async () => {
    store = new StateStoreClient({ host: '127.0.0.1', port: await freePort() });
    const call = rejectsWith(store.set('k', 'v'), { code: 'CLOSED', message: /nothing was sent/ });
    await state('disconnected');
    await store.close();
    await call;
  });
});
