/** One context store in a separate process: Core's memory, ours, one on Redis, or a raw socket. Runs requests and reports their cost. */
import contextStore from '../src/context';
import { type FloorSocket, openFloor } from './contenders/floor-socket';

/** What is asked of a context store here. */
type Store = Pick<contextStore.Store, 'open' | 'get' | 'set'>;

export interface ContextJob {
  /** `load` opens one of ours beside the measured store. */
  what: 'fill' | 'load' | 'get' | 'get with callback' | 'set with callback';
  count: number;
  inFlight: number;
}

export interface ContextCost {
  /** Microseconds of CPU time (user and system) of this process per operation. */
  cpu: number;
  /** Milliseconds in all. */
  ms: number;
  /** Bytes of memory per key, where a store was loaded. */
  bytes?: number;
}

const KEYS = 256;
const names = Array.from({ length: KEYS }, (_none, n) => `key${n}`);

/** The least that sets of observed keys take: a raw socket, values as JSON, and the notifications of the keys. */
class FloorContext implements Store {
  readonly #port: number;
  #floor: FloorSocket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  async open(): Promise<void> {
    this.#floor = await openFloor(this.#port);
    const keys = names.map((name) => `floor/${name}`);
    await this.#floor.observe(keys, () => undefined);
  }

  get(): never {
    throw new Error('not measured');
  }

  set(_scope: string, name: string | string[], value: unknown, callback?: (error?: unknown) => void): void {
    this.#floor?.request('SET', `floor/${name}`, Buffer.from(JSON.stringify(value)), (right) =>
      callback?.(right ? undefined : new Error('not set')),
    );
  }
}

function make(kind: string, port: number, module: string): Store {
  switch (kind) {
    case 'memory':
      return require('@node-red/runtime/lib/nodes/context/memory')({}) as Store;
    case 'redis':
      return require(module)({ port }) as Store;
    case 'floor':
      return new FloorContext(port);
    default:
      return contextStore({ port });
  }
}

/** Keeps so many calls under way until `count` were made. */
function keep({ count, inFlight }: ContextJob, call: (n: number, done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    let begun = 0;
    let ended = 0;
    const next = () => {
      if (begun < count) call(begun++, done);
    };
    const done = () => {
      if (++ended === count) resolve();
      // A store in memory calls back at once: not deeper and deeper.
      else if (ended % 100 === 0) setImmediate(next);
      else next();
    };
    for (let i = 0; i < inFlight; i++) next();
  });
}

function checked(error: unknown): void {
  if (error) throw error;
}

const nameOf = (n: number) => names[n % KEYS] as string;

async function run(store: Store, job: ContextJob, port: number): Promise<ContextCost> {
  const memory = () => {
    gc?.();
    return process.memoryUsage().heapUsed;
  };
  // Collecting throws away compiled code, too: what is measured next would begin cold.
  const before = job.what === 'load' ? memory() : 0;
  const cpu = process.cpuUsage();
  const begin = performance.now();
  let bytes: number | undefined;
  switch (job.what) {
    case 'fill':
      await keep(job, (n, done) => {
        store.set('global', `filled${n}`, { n, text: 'a value of some length' }, (error) => {
          checked(error);
          done();
        });
      });
      break;
    case 'load':
      await contextStore({ port }).open();
      break;
    case 'get': {
      let sum = 0;
      for (let n = 0; n < job.count; n++) sum += (store.get('global', nameOf(n)) as { n: number }).n;
      if (Number.isNaN(sum)) throw new Error('a value is missing');
      break;
    }
    case 'get with callback':
      await keep(job, (n, done) => {
        store.get('global', nameOf(n), (error) => {
          checked(error);
          done();
        });
      });
      break;
    case 'set with callback':
      await keep(job, (n, done) => {
        store.set('global', nameOf(n), { n }, (error) => {
          checked(error);
          done();
        });
      });
  }
  const ms = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  if (job.what === 'load') bytes = (memory() - before) / job.count;
  return { cpu: (user + system) / job.count, ms, ...(bytes !== undefined && { bytes }) };
}

async function main(): Promise<void> {
  const [kind, port, module] = process.argv.slice(2) as [string, string, string];
  const store = make(kind, Number(port), module);
  await store.open();
  process.on('message', (job: ContextJob) => {
    void run(store, job, Number(port)).then((cost) => process.send?.(cost));
  });
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
}

void main();
