import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { type Mosquitto, requireProgram, startMosquitto } from '../support/mosquitto';

const run = promisify(execFile);
const REQUEST_TOPIC = 'statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/command/invoke';

describe('StateStoreClient with Mosquitto, which is not a state store', () => {
  let mosquitto: Mosquitto;
  let store: StateStoreClient;

  before(async function () {
    requireProgram(this, 'mosquitto');
    mosquitto = await startMosquitto();
    store = new StateStoreClient({ host: '127.0.0.1', port: mosquitto.port });
  });
  after(async () => {
    await store?.close();
    await mosquitto?.stop();
  });

  it('says so at once (PUBACK 0x10), every time', async () => {
    for (const key of ['k1', 'k2']) {
      await rejectsWith(store.set(key, 'v'), {
        code: 'REFUSED',
        operation: 'set',
        key,
        message:
          /^There is no state store on this broker: no matching subscribers \(0x10\); key k\d was not set\. Check that host and port/,
      });
    }
    assert.equal(store.state.kind, 'connected');
  });
});

describe('The emulator and an MQTT 5 client that is not ours (mosquitto_rr)', () => {
  let emulator: Emulator;

  before(async function () {
    requireProgram(this, 'mosquitto_rr');
    emulator = await Emulator.start({ port: 0 });
  });
  after(() => emulator?.close());

  /** Sends RESP as it would stand on the wire and returns the answer's payload and user properties. */
  async function ask(
    payload: string,
    timestamp = `${Date.now()}:0:rr`,
  ): Promise<{ payload: string; properties: string }> {
    const responseTopic = 'clients/rr/services/statestore/_any_/command/invoke/response';
    const { stdout } = await run('mosquitto_rr', [
      ...['-h', '127.0.0.1', '-p', String(emulator.port), '-V', '5', '-i', 'rr', '-q', '1', '-W', '5'],
      ...['-t', REQUEST_TOPIC, '-e', responseTopic, '-m', payload],
      ...['-D', 'publish', 'correlation-data', '0123456789abcdef'],
      ...['-D', 'publish', 'user-property', '__ts', timestamp],
      ...['-D', 'publish', 'user-property', '__protVer', '1.0'],
      ...['-F', '%D|%P|%p'],
    ]);
    const [correlation, properties, ...rest] = stdout.split('|');
    assert.equal(correlation, '0123456789abcdef');
    return { payload: rest.join('|').replace(/\n$/, ''), properties: properties ?? '' };
  }

  it('gets right answers', async () => {
    const set = await ask('*3\r\n$3\r\nSET\r\n$4\r\nkey1\r\n$5\r\nhello\r\n');
    assert.equal(set.payload, '+OK\r\n');
    assert.match(set.properties, /__stat:200/);
    assert.match(set.properties, /__ts:\d{15}:\d{5}:/);
    assert.equal((await ask('*2\r\n$3\r\nGET\r\n$4\r\nkey1\r\n')).payload, '$5\r\nhello\r\n');
    assert.equal((await ask('*4\r\n$3\r\nSET\r\n$4\r\nkey1\r\n$1\r\nx\r\n$2\r\nNX\r\n')).payload, ':-1\r\n');
    assert.equal((await ask('*3\r\n$4\r\nVDEL\r\n$4\r\nkey1\r\n$5\r\nhello\r\n')).payload, ':1\r\n');
    assert.equal((await ask('*2\r\n$3\r\nGET\r\n$4\r\nkey1\r\n')).payload, '$-1\r\n');
    assert.equal((await ask('*2\r\n$3\r\nDEL\r\n$4\r\nkey1\r\n')).payload, ':0\r\n');
    assert.equal((await ask('*1\r\n$3\r\nFLY\r\n')).payload, '-ERR unknown command\r\n');
    assert.equal((await ask('hello')).payload, '-ERR syntax error\r\n');
    const skewed = await ask('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n', `${Date.now() + 120_000}:0:rr`);
    assert.match(skewed.payload, /^-ERR the request timestamp is too far in the future/);
  });
});
