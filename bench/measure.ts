/** Keeps a number of requests in flight for a while, and reports the number of answers and their cost. */

export type Operation = 'SET' | 'GET';

/** One of the ways to talk to the store that are compared. */
export interface Contender {
  /** Makes one request and calls `done` with whether its answer was right. `value` is what SET stores and GET finds. */
  request(operation: Operation, key: string, value: Buffer, done: (right: boolean) => void): void;
}

export interface Job {
  operation: Operation;
  /** Bytes of the value. */
  size: number;
  inFlight: number;
  /** Milliseconds of load. */
  ms: number;
}

export interface Measurement {
  operations: number;
  perSecond: number;
  /** Microseconds of CPU time (user and system) of the contender's process per operation. */
  cpu: number;
  /** Latencies in milliseconds. */
  p50: number;
  p99: number;
}

export async function measure(contender: Contender, job: Job): Promise<Measurement> {
  const { operation, size, inFlight, ms } = job;
  const value = Buffer.alloc(size, 'x');
  const latencies: number[] = [];
  const begin = performance.now();
  const cpuBefore = process.cpuUsage();
  let wrong = 0;
  await new Promise<void>((resolve) => {
    let running = inFlight;
    for (let lane = 0; lane < inFlight; lane++) {
      const key = `bench/${lane}`;
      let sent = performance.now();
      const next = (): void => {
        sent = performance.now();
        contender.request(operation, key, value, onAnswer);
      };
      const onAnswer = (right: boolean): void => {
        const now = performance.now();
        latencies.push(now - sent);
        if (!right) wrong++;
        if (now - begin < ms) next();
        else if (--running === 0) resolve();
      };
      next();
    }
  });
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (wrong > 0) throw new Error(`${wrong} of ${latencies.length} answers to ${operation} were wrong`);
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.floor((latencies.length - 1) * part)] as number;
  return {
    operations: latencies.length,
    perSecond: latencies.length / seconds,
    cpu: (user + system) / latencies.length,
    p50: at(0.5),
    p99: at(0.99),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] as number;
}
