import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { StateStoreClient } from '../../src/index';

const SUPPORT = join(__dirname, '..', 'support');
const VALUE = Buffer.alloc(50_000, 'v');
const PHASE_MS = 3000;
/** What a busy machine may do to any request; where others wait for the observer, it is until that is given up. */
const NOISE_MS = 2000;

describe('An observer that is frozen', () => {
  const children: ChildProcess[] = [];
  const clients: StateStoreClient[] = [];
  const run = (program: string, ...parameters: string[]) => {
    const child = fork(join(SUPPORT, program), parameters);
    children.push(child);
    return child;
  };
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  it('does not delay other clients, and is disconnected when too much waits for it', async function () {
    if (process.platform === 'win32') this.skip();
    const emulator = run('emulator-child.js');
    const [{ port }] = await once(emulator, 'message');
    let connected = 0;
    emulator.on('message', (message: { clients: number }) => {
      connected = message.clients;
    });
    const [writer, other] = [1, 2].map(() => new StateStoreClient({ host: '127.0.0.1', port })) as [
      StateStoreClient,
      StateStoreClient,
    ];
    clients.push(writer, other);
    const observer = run('observer-process.js', String(port), 'k');
    await once(observer, 'message');

    /** Sets the key at a pace, and measures what another client's requests take meanwhile: the 99th percentile, in milliseconds. */
    const measure = async (everyMs: number, isEnough: (elapsed: number) => boolean) => {
      const times: number[] = [];
      const writing: Promise<unknown>[] = [];
      const begin = performance.now();
      const elapsed = () => performance.now() - begin;
      while (!isEnough(elapsed())) {
        if (elapsed() >= writing.length * everyMs) writing.push(writer.set('k', VALUE));
        const start = performance.now();
        await other.set('o', 'v');
        times.push(performance.now() - start);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      // Each of them is done within its time, or this throws.
      await Promise.all(writing);
      return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] as number;
    };

    const before = await measure(50, (elapsed) => elapsed > PHASE_MS);
    assert.equal(connected, 3);
    observer.kill('SIGSTOP');
    const during = await measure(50, (elapsed) => elapsed > PHASE_MS);
    const after = await measure(5, () => connected === 2);
    console.log(
      `        99th percentile: ${before.toFixed(1)} ms before, ${during.toFixed(1)} ms while frozen, ${after.toFixed(1)} ms until disconnected`,
    );
    for (const one of [during, after]) assert.ok(one <= Math.max(3 * before, NOISE_MS), `${one} ms`);
    assert.equal(emulator.exitCode, null);
  });
});
