/** The command `statestore check`: a store with a planted fault in one point is found at that point. */
import assert from 'node:assert/strict';
import { check, passes, type Row } from '../../src/cli/check/check';
import { POINTS } from '../../src/cli/check/points';
import { Emulator, type EmulatorOptions, EmulatorRules } from '../../src/emulator';
import { StateStoreEngine } from '../../src/emulator/engine';
import type {
  EngineNotification,
  EngineOutput,
  EngineRequest,
} from '../../src/emulator/store/engine-request';
import { StateStoreClient } from '../../src/index';
import { type Command, parseCommand } from '../../src/protocol/commands';
import { reply } from '../../src/protocol/responses';
import { encodeCommand } from '../support/encode-command';

/** How one engine differs from the protocol. */
interface Fault {
  /** Executes another request. */
  request?(command: Command, request: EngineRequest): Partial<EngineRequest> | undefined;
  /** Answers with something else. */
  output?(command: Command, output: EngineOutput): void;
  /** A SET without PX leaves the expiry of the key as it is. */
  keepsExpiry?: boolean;
  /** Changes the notification of an expiry. */
  expired?(notifications: EngineNotification[]): EngineNotification[];
}

class FaultyEngine extends StateStoreEngine {
  readonly #fault: Fault;

  constructor(fault: Fault) {
    super();
    this.#fault = fault;
  }

  override execute(request: EngineRequest, nowMs: number, elapsedMs: number): EngineOutput {
    const command = parseCommand(request.payload);
    const asked = { ...request, ...this.#fault.request?.(command, request), ...this.#kept(command) };
    const output = super.execute(asked, nowMs, elapsedMs);
    this.#fault.output?.(command, output);
    return output;
  }

  #kept(command: Command): Partial<EngineRequest> | undefined {
    const expiry = command.verb === 'SET' && this.#fault.keepsExpiry ? this.expiryOf(command.key) : undefined;
    if (command.verb !== 'SET' || command.expiryMs !== undefined || expiry === undefined) return undefined;
    return { payload: encodeCommand({ ...command, expiryMs: Math.max(1, expiry - Date.now()) }) };
  }

  override expire(nowMs: number, elapsedMs: number): EngineNotification[] {
    const notifications = super.expire(nowMs, elapsedMs);
    return this.#fault.expired?.(notifications) ?? notifications;
  }
}

const OLD_VERSION = '000000000000001:00000:old';

/** A SET without its options. */
const plainSet = (command: Command, without: 'condition' | 'expiryMs') =>
  command.verb === 'SET' ? { payload: encodeCommand({ ...command, [without]: undefined }) } : undefined;

/** A command for another key. */
const otherKey = (command: Command, change: (key: string) => string) =>
  command.verb === 'SCAN'
    ? undefined
    : { payload: encodeCommand({ ...command, key: Buffer.from(change(String(command.key))) }) };

/** A SCAN for another pattern. */
const otherPattern = (command: Command, change: (pattern: string) => string) =>
  command.verb === 'SCAN'
    ? { payload: encodeCommand({ ...command, pattern: Buffer.from(change(String(command.pattern))) }) }
    : undefined;

const answerAll = (verb: Command['verb'], payload: Buffer): Fault => ({
  output: (command, output) => {
    if (command.verb === verb) output.response.payload = payload;
  },
});

const PLANTED: Record<string, Record<string, Fault>> = {
  'set-get': {
    'finds no empty values': {
      output: (command, { response }) => {
        if (command.verb === 'GET' && response.payload.equals(reply.value(Buffer.alloc(0))))
          response.payload = reply.missing;
      },
    },
    'returns other bytes': answerAll('GET', reply.value(Buffer.from('other'))),
    'takes upper and lower case of a key for the same': {
      request: (command) => otherKey(command, (key) => key.toLowerCase()),
    },
    'leaves characters that are not ASCII out of keys': {
      request: (command) => otherKey(command, (key) => key.replace(/[^ -~]/g, '')),
    },
  },
  versions: {
    'returns the same version for each SET': {
      output: (command, { response }) => {
        if (command.verb === 'SET') response.version = OLD_VERSION;
      },
    },
    'returns no versions': {
      output: (_command, { response }) => {
        delete response.version;
      },
    },
  },
  clock: {
    'has a clock that is two minutes ahead': {
      output: (_command, { response }) => {
        response.version = `${Date.now() + 120_000}:0:ahead`;
      },
    },
  },
  order: {
    'confirms a SET that it does not execute': {
      request: (command) =>
        command.verb === 'SET' && command.value.toString() === '99'
          ? { payload: encodeCommand({ ...command, key: Buffer.from('elsewhere') }) }
          : undefined,
    },
  },
  nx: { 'ignores NX': { request: (command) => plainSet(command, 'condition') } },
  nex: {
    'ignores NEX': { request: (command) => plainSet(command, 'condition') },
    'treats NEX as NX': {
      request: (command) =>
        command.verb === 'SET' && command.condition === 'NEX'
          ? { payload: encodeCommand({ ...command, condition: 'NX' }) }
          : undefined,
    },
  },
  px: {
    'ignores the expiry': { request: (command) => plainSet(command, 'expiryMs') },
    'keeps the expiry at the next SET': { keepsExpiry: true },
    'expires too early': {
      request: (command) =>
        command.verb === 'SET' && command.expiryMs !== undefined
          ? { payload: encodeCommand({ ...command, expiryMs: 1 }) }
          : undefined,
    },
  },
  persist: { 'refuses the write': answerAll('SET', reply.error('syntax error')) },
  del: {
    'confirms a DEL that it does not execute': {
      request: (command, { clientId }) =>
        command.verb === 'DEL' && clientId !== ''
          ? { payload: encodeCommand({ verb: 'GET', key: command.key }) }
          : undefined,
      output: (command, { response }) => {
        if (command.verb === 'DEL') response.payload = reply.count(1);
      },
    },
  },
  vdel: {
    'deletes another value': {
      request: (command) =>
        command.verb === 'VDEL' ? { payload: encodeCommand({ verb: 'DEL', key: command.key }) } : undefined,
    },
  },
  'fencing-required': { 'ignores fencing tokens': { request: () => ({ fencingToken: undefined }) } },
  'fencing-lower': {
    'accepts an older token': {
      request: (command, { fencingToken }) =>
        command.verb === 'SET' && fencingToken !== undefined && command.value.toString() === '2'
          ? {
              fencingToken: undefined,
              payload: encodeCommand({ verb: 'SET', key: Buffer.from('x'), value: command.value }),
            }
          : undefined,
    },
  },
  'fencing-newer': {
    'keeps the token before': {
      request: (command, { fencingToken }) =>
        command.verb === 'SET' && fencingToken !== undefined && command.value.toString() !== '1'
          ? { payload: encodeCommand({ ...command, key: Buffer.from('x') }), fencingToken: undefined }
          : undefined,
    },
  },
  'observe-set': {
    'sends no notifications': { output: (_command, output) => void output.notifications.splice(0) },
    'sends another value': {
      output: (command, output) => {
        if (command.verb !== 'SET') return;
        for (const one of output.notifications)
          one.payload = Buffer.from('*4\r\n$6\r\nNOTIFY\r\n$3\r\nSET\r\n$5\r\nVALUE\r\n$1\r\nx\r\n');
      },
    },
  },
  'observe-delete': {
    'sends no notifications': { output: (_command, output) => void output.notifications.splice(0) },
  },
  'observe-vdel': {
    'sends no notifications of VDEL': {
      output: (command, output) => void (command.verb === 'VDEL' && output.notifications.splice(0)),
    },
  },
  'observe-expiry': { 'sends no notification of an expiry': { expired: () => [] } },
  scan: {
    'ignores the pattern': {
      request: (command) =>
        command.verb === 'SCAN'
          ? { payload: encodeCommand({ verb: 'SCAN', pattern: Buffer.from('*') }) }
          : undefined,
    },
    'takes ? for any number of characters': {
      request: (command) => otherPattern(command, (pattern) => pattern.replaceAll('?', '*')),
    },
    'does not know negated classes': {
      request: (command) => otherPattern(command, (pattern) => pattern.replaceAll('[!', '[')),
    },
    'leaves out keys': answerAll('SCAN', reply.page({ keys: [], token: undefined })),
  },
  'packet-limit': {
    'cuts large values': {
      request: (command) =>
        command.verb === 'SET'
          ? { payload: encodeCommand({ ...command, value: command.value.subarray(0, 65_536) }) }
          : undefined,
    },
  },
};

const TOPIC_OF_NOTIFICATIONS = / may keep the topic clients\/statestore\/v1\/.+\/command\/notify\/\+ from/;

/** Checks that report features of the broker, and the login. */
const WITHOUT_ENGINE = ['back-pressure', 'token'];

describe('statestore check', () => {
  const check1 = async (options: EmulatorOptions, ids: string[], act?: (emulator: Emulator) => void) => {
    const emulator = await Emulator.start({ port: 0, ...options });
    act?.(emulator);
    const store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, timeout: 2000 });
    const points = POINTS.filter(({ id }) => ids.includes(id));
    try {
      const rows = await check(store, () => store.connect(), 'scratch/', points);
      return { rows, size: emulator.engine.size };
    } finally {
      await store.close();
      await emulator.close();
    }
  };
  const resultOf = (rows: Row[], id: string) => rows.find((row) => row.id === id)?.result;

  it('finds everything supported on the emulator, and leaves no key', async () => {
    const { rows, size } = await check1(
      {},
      POINTS.map(({ id }) => id),
    );
    const others = rows.filter(({ result }) => result !== 'supported');
    assert.deepEqual(
      others.map(({ id }) => id),
      ['token'],
    );
    assert.ok(passes(rows));
    assert.equal(size, 0);
  });

  it('has a planted fault for each point', () => {
    const all = POINTS.map(({ id }) => id).sort();
    assert.deepEqual([...Object.keys(PLANTED), ...WITHOUT_ENGINE].sort(), all);
  });

  for (const [id, faults] of Object.entries(PLANTED)) {
    for (const [words, fault] of Object.entries(faults)) {
      it(`finds a store that ${words} (${id})`, async () => {
        const { rows } = await check1({ engine: new FaultyEngine(fault) }, [id]);
        const result = resultOf(rows, id);
        assert.ok(result === 'differs' || result === 'failed', JSON.stringify(rows));
        assert.ok(!passes(rows));
        if (words.startsWith('sends no notification'))
          assert.match(rows.find((row) => row.id === id)?.detail ?? '', TOPIC_OF_NOTIFICATIONS);
      });
    }
  }

  it('finds a broker that has no room', async () => {
    const { rows } = await check1({}, ['set-get', 'back-pressure'], (emulator) =>
      emulator.rejectPublishes({ durationMs: 300 }),
    );
    assert.equal(resultOf(rows, 'set-get'), 'supported');
    const row = rows.find(({ id }) => id === 'back-pressure');
    assert.match(row?.detail ?? '', /^the broker had no room: 0x97 \d+ times/);
  });

  it('finds what a rule refuses, and a broker that cannot list keys', async () => {
    const rules = EmulatorRules.parse('spec: { authorizationPolicies: { rules: [] } }');
    const refused = await check1({ rules }, ['set-get']);
    assert.equal(resultOf(refused.rows, 'set-get'), 'refused');
    assert.equal(resultOf(refused.rows, 'clean'), 'supported');
    const old = await check1({ scan: false }, ['scan']);
    assert.equal(resultOf(old.rows, 'scan'), 'not served');
    assert.ok(passes(old.rows));
  });

  it('reports a store that cannot be reached', async () => {
    const store = new StateStoreClient({ host: '127.0.0.1', port: 1, timeout: 500 });
    const rows = await check(store, () => store.connect(), 'scratch/', POINTS);
    await store.close();
    assert.equal(resultOf(rows, 'connect'), 'failed');
    assert.equal(resultOf(rows, 'set-get'), 'not checked');
    assert.ok(!passes(rows));
  });
});
