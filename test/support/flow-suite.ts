/** An emulator and a client for the tests of one suite, and a flow for each test. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Emulator, type EmulatorOptions } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { type Definition, Flow, type Outcome } from './flow';

export interface FlowSuite {
  readonly emulator: Emulator;
  readonly store: StateStoreClient;
  /** The flow of this test. */
  readonly flow: Flow;
  /** `port`: of the suite's emulator by default. */
  start(definition: Definition, port?: number): Promise<void>;
  /** The text of a key; undefined if it does not exist. */
  stored(key: string | Buffer): Promise<string | undefined>;
}

/** Registers the hooks of the suite. After each test, every message must have had exactly one outcome. */
export function useFlow(options: EmulatorOptions = {}): FlowSuite {
  let emulator: Emulator;
  let store: StateStoreClient;
  let flow: Flow;

  before(async () => {
    emulator = await Emulator.start({ port: 0, ...options });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    await store.connect();
  });
  after(async () => {
    await store.close();
    await emulator.close();
  });
  afterEach(
    'each message has had exactly one outcome, and Complete fired for those that were sent',
    async () => {
      const { outcomes, completed } = flow;
      await flow.stop();
      const ids = outcomes.map(({ msg }) => msg._msgid);
      assert.equal(new Set(ids).size, ids.length);
      const sentIds = outcomes.filter(({ kind }) => kind === 'sent').map(({ msg }) => msg._msgid);
      assert.deepEqual(completed.sort(), sentIds.sort());
    },
  );

  return {
    get emulator() {
      return emulator;
    },
    get store() {
      return store;
    },
    get flow() {
      return flow;
    },
    async start(definition, port = emulator.port) {
      flow = await Flow.start(port, definition);
    },
    async stored(key) {
      const got = await store.get(key);
      return got.found ? got.value.toString() : undefined;
    },
  };
}

/** The message that a node sent. Fails the test if it failed. */
export function sent(outcome: Outcome): Extract<Outcome, { kind: 'sent' }> {
  assert.ok(outcome.kind === 'sent', inspect(outcome));
  return outcome;
}

/** The error of a node. Fails the test if it sent the message. */
export function failed(outcome: Outcome): Extract<Outcome, { kind: 'failed' }> {
  assert.ok(outcome.kind === 'failed', inspect(outcome));
  return outcome;
}
