import assert from 'node:assert/strict';
import { Lease } from '../../src/coordination/index';
import { StateStoreClient } from '../../src/index';
import { keyOf } from '../../src/protocol/commands';
import { formatHlc } from '../../src/protocol/hlc';
import { rejectsWith } from '../support/assertions';
import { type ScriptedRequest, type ScriptedStore, startScriptedStore } from '../support/scripted-store';

const OK = '+OK\r\n';
const version = (ahead = 0) => formatHlc({ wallClockMs: Date.now() + ahead, counter: 0, nodeId: 'store' });
const ts = (text: string) => ({ userProperties: { __ts: text } });

describe('StateStoreClient and the answers of a store', () => {
  let server: ScriptedStore;
  let store: StateStoreClient;

  before(async () => {
    server = await startScriptedStore();
    store = new StateStoreClient({ host: '127.0.0.1', port: server.port });
    await store.connect();
  });
  after(async () => {
    await store.close();
    await server.close();
  });
  afterEach('the connection is still usable', async () => {
    server.answer = ({ respond }) => respond(OK);
    assert.equal((await store.set('after', 'v')).stored, true);
    assert.equal(store.inFlight, 0);
  });

  it('sends what the protocol asks for', async () => {
    const before = Date.now();
    await store.set('k', 'v', { timeout: 4500, fencingToken: '1700000000000:3:x', persist: true });
    const { properties } = server.requests.at(-1) as ScriptedRequest;
    const { userProperties, correlationData, ...rest } = properties;
    assert.deepEqual(rest, {
      payloadFormatIndicator: false,
      messageExpiryInterval: 5,
      contentType: 'application/octet-stream',
      responseTopic: `clients/${store.clientId}/services/statestore/_any_/command/invoke/response`,
    });
    const id = correlationData?.toString('hex') ?? '';
    assert.match(id, /^.{12}4.{3}[89ab].{15}$/, 'a version 4 UUID');
    const { __ts, ...others } = { ...userProperties };
    assert.deepEqual(others, {
      __ft: '1700000000000:3:x',
      __srcId: store.clientId,
      __protVer: '1.0',
      $partition: store.clientId,
      $high_priority: '',
      'aio-persistence': 'true',
    });
    assert.match(String(__ts), /^\d{15}:\d{5}:[0-9a-f-]{36}$/);
    assert.ok(Number(String(__ts).split(':')[0]) >= before);
  });

  it('sends no fencing token and no persistence unasked, and a new correlation each time', async () => {
    await store.get('k').catch(() => undefined);
    await store.delete('k').catch(() => undefined);
    const [a, b] = server.requests.slice(-2).map(({ properties }) => properties);
    assert.equal(a?.userProperties?.__ft ?? a?.userProperties?.['aio-persistence'], undefined);
    assert.notDeepEqual(a?.correlationData, b?.correlationData);
  });

  it('takes the clock of the store into its own', async () => {
    const ahead = version(40_000);
    server.answer = ({ respond }) => respond(OK, ts(ahead));
    await store.set('k', 'v');
    await store.set('k', 'v');
    const sent = String((server.requests.at(-1) as ScriptedRequest).properties.userProperties?.__ts);
    assert.ok(sent > ahead, `${sent} is newer than ${ahead}`);
  });

  it('hands a version out verbatim, padded or not', async () => {
    for (const text of ['1700000000000:3:x', version()]) {
      server.answer = ({ respond }) => respond(OK, ts(text));
      assert.equal((await store.set('k', 'v')).version, text);
    }
  });

  it('takes an answer without status, version and content type, and ignores properties it does not know', async () => {
    server.answer = ({ respond }) => respond(OK, { userProperties: { __new: ['x', 'y'] } });
    assert.deepEqual(await store.set('k', 'v'), { stored: true });
  });

  it('refuses a lease whose response has no version, names the cause, and releases the lease', async () => {
    const released = new Promise<void>((resolve) => {
      server.answer = ({ command, respond }) => {
        if (command.verb === 'VDEL') resolve();
        respond(command.verb === 'VDEL' ? ':1\r\n' : OK);
      };
    });
    await rejectsWith(new Lease(store, 'printer').tryAcquire(), {
      ...{ code: 'BAD_RESPONSE', applied: 'no', retryable: false },
      message: /no timestamp \(user property __ts\): the lock printer was not acquired\. A bridge or a proxy/,
    });
    await released;
  });

  it('reads "not applied" in the spelling of the reference', async () => {
    server.answer = ({ respond }) => respond('-1\r\n');
    assert.deepEqual(await store.set('k', 'v', { condition: 'NX' }), { stored: false });
  });

  for (const [name, payload, properties, expected] of [
    [
      'of the wrong type',
      '$2\r\nOK\r\n',
      {},
      { code: 'BAD_RESPONSE', message: /a blob is not a response to this request/ },
    ],
    [
      'with a lying length',
      '$1000000000\r\nx\r\n',
      {},
      { code: 'BAD_RESPONSE', message: /says 1000000000 bytes/ },
    ],
    ['that is empty', '', {}, { code: 'BAD_RESPONSE', message: /may or may not have been applied/ }],
    ['with a malformed version', OK, ts('noon'), { code: 'BAD_RESPONSE', message: /invalid version "noon"/ }],
    [
      'from the future',
      OK,
      ts(version(600_000)),
      { code: 'TIMESTAMP_SKEW', message: / \d{3} seconds ahead/ },
    ],
    [
      'that refuses',
      '-ERR not authorized\r\n',
      {},
      { code: 'NOT_AUTHORIZED', message: /BrokerAuthorization/ },
    ],
    ['that refuses in the other spelling', '-ERR: not authorized\r\n', {}, { code: 'NOT_AUTHORIZED' }],
    [
      'with an unknown refusal',
      '-ERR gone fishing\r\n',
      {},
      { code: 'UNKNOWN', message: /^Gone fishing: the state store refused/ },
    ],
    [
      'with status 400',
      OK,
      { userProperties: { __stat: '400', __stMsg: 'bad header' } },
      { code: 'UNKNOWN', message: /^Bad header/ },
    ],
    [
      'with status 500 and no word',
      '',
      { userProperties: { __stat: '500' } },
      {
        code: 'OUTCOME_UNKNOWN',
        message: /^Status 500: the state store could not set key k1\. It may or may not have been applied\./,
      },
    ],
    [
      'with status 408',
      '',
      { userProperties: { __stat: '408', __stMsg: 'too slow' } },
      {
        code: 'OUTCOME_UNKNOWN',
        message: /^Too slow \(status 408\): .* It may or may not have been applied/,
      },
    ],
    [
      'with status 404 and the property that is wrong',
      '',
      { userProperties: { __stat: '404', __stMsg: 'bad header', __propName: '__ts', __propVal: 'noon' } },
      {
        code: 'UNKNOWN',
        message: /^Bad header \(status 404; property __ts with the value "noon"\): the state store refused/,
      },
    ],
    [
      'with status 505 and the versions that are known',
      '',
      { userProperties: { __stat: '505', __protVer: '2.0', __supProtMajVer: '2 3' } },
      { code: 'OUTCOME_UNKNOWN', message: /^Status 505 \(the store knows the protocol versions 2 3\)/ },
    ],
    ...['abc', '', '-200', '199', '2e2', '0x200'].map(
      (status) =>
        [
          `with the status ${JSON.stringify(status)}`,
          OK,
          { userProperties: { __stat: status } },
          {
            code: 'BAD_RESPONSE',
            message: new RegExp(
              `has the status ${JSON.stringify(status)}, which is not a status code\\. It may or may not`,
            ),
          },
        ] as const,
    ),
    ...['2.0', '0.9', '', 'x', '10.0'].map(
      (version) =>
        [
          `with the protocol version ${JSON.stringify(version)}`,
          OK,
          { userProperties: { __stat: '200', __protVer: version } },
          { code: 'BAD_RESPONSE', message: new RegExp(`protocol version ${JSON.stringify(version)}`) },
        ] as const,
    ),
    [
      'with status 500 and a word',
      '-ERR syntax error\r\n',
      { userProperties: { __stat: '500' } },
      { code: 'SYNTAX_ERROR' },
    ],
  ] as const) {
    it(`an answer ${name} is one clear error`, async () => {
      server.answer = ({ respond }) => respond(payload, properties);
      await rejectsWith(store.set('k1', 'v'), { operation: 'set', key: 'k1', ...expected });
    });
  }

  for (const [name, properties] of [
    ['no correlation data', { correlationData: undefined as unknown as Buffer }],
    ['foreign correlation data', { correlationData: Buffer.alloc(16, 7) }],
    ['correlation data of another length', { correlationData: Buffer.from('x') }],
  ] as const) {
    it(`an answer with ${name} answers nothing; the timeout says that it came`, async () => {
      server.answer = ({ respond }) => respond(OK, properties);
      await rejectsWith(store.set('k', 'v', { timeout: 150 }), {
        code: 'TIMEOUT',
        message:
          /within 150 ms to the request to set key k\. It may or may not have been applied\. Get the key to find out\. Responses arrived that belong to no request \(1,/,
      });
    });
  }

  it('an answer that comes too late, or twice, is no sign of a foreign store', async () => {
    let late: (() => void) | undefined;
    server.answer = ({ respond }) => {
      late = () => respond(OK);
    };
    await rejectsWith(store.set('k', 'v', { timeout: 150 }), { code: 'TIMEOUT' });
    server.answer = () => {
      late?.();
      late?.();
    };
    await rejectsWith(store.set('k', 'v', { timeout: 150 }), {
      code: 'TIMEOUT',
      message: /Check the load of the broker and the network, or increase the timeout\.$/,
    });
  });

  it('a second answer to the same request changes nothing', async () => {
    server.answer = ({ respond, command }) => {
      if (command.verb !== 'GET') return respond(OK);
      respond('$1\r\na\r\n');
      respond('$1\r\nb\r\n');
    };
    const values = await Promise.all(['1', '2', '3'].map((key) => store.get(key)));
    assert.deepEqual(
      values.map((got) => got.found && got.value.toString()),
      ['a', 'a', 'a'],
    );
  });

  it('ignores an answer that arrives after the deadline', async () => {
    let late: ScriptedRequest | undefined;
    server.answer = (request) => {
      late = request;
    };
    await rejectsWith(store.get('k', { timeout: 100 }), {
      code: 'TIMEOUT',
      message: /^No response within 100 ms to the request to get key k\. Check/,
    });
    late?.respond('$1\r\na\r\n');
  });

  it('answers may come in any order', async () => {
    const asked: ScriptedRequest[] = [];
    server.answer = (request) => {
      asked.push(request);
      if (asked.length < 3) return;
      for (const { respond, command } of asked.reverse()) respond(`$1\r\n${keyOf(command)}\r\n`);
    };
    const values = await Promise.all(['1', '2', '3'].map((key) => store.get(key)));
    assert.deepEqual(
      values.map((got) => got.found && got.value.toString()),
      ['1', '2', '3'],
    );
  });
});
