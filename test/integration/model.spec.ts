import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Emulator } from '../../src/emulator/index';
import { type KeyChange, type Observation, StateStoreClient, StateStoreError } from '../../src/index';
import { serviceErrorText } from '../../src/protocol/errors';
import { CLIENTS, Model, START, type Step, stamp, step } from '../support/store-model';

const RUNS = 1000;
const BATCHES = 3;

/** Two real clients, with their observations and results. */
interface Real {
  clients: Record<string, StateStoreClient>;
  clock: { ahead: number };
  /** Every sequence has keys of its own. */
  prefix: string;
  observations: Map<string, Observation>;
  told: string[];
  expected: string[];
}

/** One step, taken by the model and by client and emulator alike. */
class StepCommand implements fc.AsyncCommand<Model, Real> {
  readonly #step: Step;

  constructor(one: Step) {
    this.#step = one;
  }

  check(): boolean {
    // A client that leaves is the subject of other tests.
    return this.#step.do !== 'leave';
  }

  async run(model: Model, real: Real): Promise<void> {
    model.told = [];
    const expected = model.run(this.#step);
    if (this.#step.do === 'wait') {
      real.clock.ahead += this.#step.ms;
      return;
    }
    assert.equal(await this.#act(real), expected);
    real.expected.push(...model.told);
  }

  toString(): string {
    return JSON.stringify(this.#step);
  }

  /** Makes the request and writes its answer as the store would. */
  async #act(real: Real): Promise<string> {
    const one = this.#step as Exclude<Step, { do: 'wait' | 'leave' }>;
    const client = real.clients[one.client] as StateStoreClient;
    const key = real.prefix + one.key;
    const token = 'fence' in one && one.fence !== undefined ? { fencingToken: stamp(START + one.fence) } : {};
    try {
      switch (one.do) {
        case 'get': {
          const got = await client.get(key);
          return got.found ? `$${got.value.length}\r\n${got.value}\r\n` : '$-1\r\n';
        }
        case 'set': {
          const { condition, expiryMs } = one;
          const options = {
            ...token,
            ...(condition && { condition }),
            ...(expiryMs && { expiry: expiryMs }),
          };
          return (await client.set(key, one.value, options)).stored ? '+OK\r\n' : ':-1\r\n';
        }
        case 'delete': {
          const { deleted, found } =
            one.value === undefined
              ? await client.delete(key, token)
              : await client.deleteIfValue(key, one.value, token);
          if (deleted) return ':1\r\n';
          return found ? ':-1\r\n' : ':0\r\n';
        }
        case 'observe':
          return await this.#observe(real, client, one, key);
      }
    } catch (error) {
      if (!(error instanceof StateStoreError)) throw error;
      return `-ERR ${serviceErrorText(error.code as 'SYNTAX_ERROR')}\r\n`;
    }
  }

  async #observe(
    real: Real,
    client: StateStoreClient,
    one: Extract<Step, { do: 'observe' }>,
    key: string,
  ): Promise<string> {
    const id = `${one.client} ${one.key}`;
    const open = real.observations.get(id);
    if (Boolean(open) !== one.stop) return ':0\r\n';
    if (open) {
      // What was sent before may still be on its way; closing first would leave it untold, and rightly so.
      await client.get('barrier');
      await open.close();
      real.observations.delete(id);
    } else {
      const handler = (change: KeyChange) =>
        real.told.push(`${id} ${change.operation === 'set' ? `SET ${change.value}` : 'DELETE'}`);
      real.observations.set(id, await client.observe(key, handler));
    }
    return '+OK\r\n';
  }
}

describe('Client and emulator against a model', () => {
  for (let batch = 1; batch <= BATCHES; batch++) {
    it(`agree in ${RUNS} random sequences of commands (${batch} of ${BATCHES})`, async () => {
      // Only the steps move the emulator's time. It stays within the minute that clocks may differ.
      const begin = Date.now();
      const clock = { ahead: 0 };
      const emulator = await Emulator.start({ port: 0, now: () => begin + clock.ahead });
      const clients = Object.fromEntries(
        CLIENTS.map((name) => [name, new StateStoreClient({ host: '127.0.0.1', port: emulator.port })]),
      );
      const seed = Math.floor(Math.random() * 2 ** 31);
      console.log(`        seed ${seed}`);
      let run = 0;
      const commands = fc.commands([step.map((one) => new StepCommand(one))], { maxCommands: 30 });
      await fc.assert(
        fc.asyncProperty(commands, async (sequence) => {
          const prefix = `run${run++}/`;
          const real: Real = { clients, clock, prefix, observations: new Map(), told: [], expected: [] };
          const model = new Model();
          await fc.asyncModelRun(() => ({ model, real }), sequence);
          // Answers come after the notifications that were sent before them; what is due expires with the first.
          for (const client of Object.values(clients)) await client.get('barrier');
          model.told = [];
          model.expire();
          real.expected.push(...model.told);
          assert.deepEqual(real.told.sort(), real.expected.sort());
          for (const observation of real.observations.values()) await observation.close();
        }),
        { numRuns: RUNS, seed },
      );
      for (const client of Object.values(clients)) await client.close();
      await emulator.close();
    });
  }
});
