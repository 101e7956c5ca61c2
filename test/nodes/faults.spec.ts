import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { StateStoreEngine } from '../../src/emulator/engine';
import { Emulator } from '../../src/emulator/index';
import { FaultProxy } from '../support/fault-proxy';
import { Flow } from '../support/flow';
import { type Mosquitto, requireProgram, startMosquitto } from '../support/mosquitto';
import { type StoreAdapter, serveStore } from '../support/store-adapter';

const RATE_MS = 5;
const TIMEOUT_S = 1;

/**
 * A steady flow of 200 messages a second through a real set node, each with a key of its own, while the network or the
 * broker fails. Every message must have one outcome, and no outcome may be a lie.
 */
describe('Faults under a steady flow', () => {
  /** When each key was written, in milliseconds since 1970. */
  const writes = new Map<string, number>();

  /** Notes every write that the engine applies. */
  const watch = (engine: StateStoreEngine) => {
    const execute = engine.execute.bind(engine);
    engine.execute = (request, ...times) => {
      const output = execute(request, ...times);
      const key = /\$\d+\r\n(key\/[^\r]+)\r\n/.exec(request.payload.toString())?.[1];
      if (key !== undefined && output.response.payload.toString() === '+OK\r\n') writes.set(key, Date.now());
      return output;
    };
    return engine;
  };

  /** Sends for as long as the fault takes, and a little before and after; then looks at every outcome. */
  async function run(
    port: number,
    fault: () => Promise<void>,
    stored: (key: string) => boolean,
  ): Promise<void> {
    writes.clear();
    const flow = await Flow.start(
      port,
      { type: 'statestore-set', key: 'key', keyType: 'msg' },
      { timeout: TIMEOUT_S, keepAlive: 2, inFlightLimit: 100 },
    );
    await flow.status('status.connected');
    const sent: string[] = [];
    // Client and emulator share this process: while it is paused, packets that were sent in time are read late.
    let standstill = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      standstill = Math.max(standstill, performance.now() - last);
      last = performance.now();
      const key = `key/${sent.length}`;
      sent.push(key);
      flow.node.receive({ _msgid: key, key, payload: key } as never);
    }, RATE_MS);
    await pause(200);
    await fault();
    await pause(300);
    clearInterval(timer);
    while (flow.outcomes.length < sent.length) await once(flow, 'outcome');

    const answered = flow.outcomes.filter(({ kind }) => kind === 'sent');
    const failures = flow.outcomes.flatMap((one) => (one.kind === 'failed' ? [one] : []));
    const codes: Record<string, number> = {};
    for (const { code } of failures) codes[code] = (codes[code] ?? 0) + 1;
    console.log(
      `        ${sent.length} sent = ${answered.length} answered + ${failures.length} failed ${JSON.stringify(codes)}`,
    );

    const ids = flow.outcomes.map(({ msg }) => msg._msgid);
    assert.equal(ids.length, sent.length, 'none twice');
    assert.deepEqual(new Set(ids), new Set(sent), 'none missing');
    for (const { msg } of answered)
      assert.ok(stored(msg._msgid), `${msg._msgid} was reported stored and is not`);
    for (const { code, msg, at } of failures) {
      const written = writes.get(msg._msgid);
      if (code === 'TIMEOUT')
        assert.ok(
          (written ?? 0) <= at + (standstill > 50 ? standstill : 0),
          `${msg._msgid} was written ${(written ?? 0) - at} ms after its timeout`,
        );
      if (code === 'NOT_CONNECTED' || code === 'QUEUE_FULL')
        assert.equal(written, undefined, `${msg._msgid} was written`);
    }
    // It works afterwards, as soon as the pause before the next attempt is over.
    while ((await flow.send({ key: 'afterwards', payload: 'v' })).kind !== 'sent');
    await flow.stop();
  }

  describe('of the network, to the emulator', () => {
    let emulator: Emulator;
    let proxy: FaultProxy;
    before(async () => {
      emulator = await Emulator.start({ port: 0 });
      watch(emulator.engine);
      const { port } = emulator;
      proxy = await FaultProxy.start(() => port);
    });
    after(async () => {
      await proxy.close();
      await emulator.close();
    });

    const faults: Record<string, () => Promise<void>> = {
      'cut, five times': async () => {
        for (let i = 0; i < 5; i++) {
          proxy.cut();
          await pause(200);
        }
      },
      'frozen for less than the timeout': async () => {
        proxy.frozen = true;
        await pause(400);
        proxy.thaw();
      },
      'frozen for longer than the timeout': async () => {
        proxy.frozen = true;
        await pause(2000);
        proxy.thaw();
      },
      'delayed by 100 ms each way': async () => {
        proxy.delay = 100;
        await pause(1000);
      },
      'requests disappear': async () => {
        proxy.drop = 'up';
        await pause(1500);
        proxy.cut();
      },
      'answers disappear': async () => {
        proxy.drop = 'down';
        await pause(1500);
        proxy.cut();
      },
      'half-open: the broker is gone, the client does not know': async () => {
        proxy.halfOpen();
        await pause(1500);
      },
      'cut after every 20,000 bytes': async () => {
        proxy.closeAfter = 20_000;
        await pause(1500);
      },
      'no new connections for longer than the timeout': async () => {
        proxy.refusing = true;
        proxy.cut();
        await pause(1800);
      },
    };
    for (const [name, fault] of Object.entries(faults)) {
      it(name, () =>
        run(
          proxy.port,
          async () => {
            await fault();
            proxy.heal();
          },
          (key) => writes.has(key),
        ),
      );
    }

    it('the broker restarts and has lost its sessions', () =>
      run(
        proxy.port,
        async () => {
          const { engine, port } = emulator;
          await emulator.close();
          await pause(300);
          emulator = await Emulator.start({ port, engine });
          await pause(700);
        },
        (key) => writes.has(key),
      ));
  });

  describe('of Mosquitto', () => {
    let mosquitto: Mosquitto;
    let adapter: StoreAdapter;
    before(function () {
      requireProgram(this, 'mosquitto');
    });
    afterEach(async () => {
      await adapter?.close();
      await mosquitto?.stop();
    });

    const PERSISTENT =
      'allow_anonymous true\npersistence true\npersistence_location $DIR/\nautosave_interval 1\nautosave_on_changes true';
    const restart = (config: string, signal: NodeJS.Signals) => async () => {
      const { port, directory } = mosquitto;
      await mosquitto.kill(signal);
      mosquitto = await startMosquitto(config, { port, directory });
      await pause(900);
    };

    for (const [name, config, signal] of [
      ['ended and started again with its session store', PERSISTENT, 'SIGTERM'],
      ['killed and started again with its session store', PERSISTENT, 'SIGKILL'],
      ['killed and started again without a session store', 'allow_anonymous true', 'SIGKILL'],
    ] as const) {
      it(name, async () => {
        mosquitto = await startMosquitto(config);
        adapter = await serveStore({ port: mosquitto.port });
        watch(adapter.engine);
        await run(mosquitto.port, restart(config, signal), (key) => writes.has(key));
      });
    }
  });
});
