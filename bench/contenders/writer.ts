/** Sets keys at a steady rate, with the raw socket of `floor`. */
import { observedKeys } from './counter';
import { openFloor } from './floor-socket';
import { STORE_PORT } from './serve';

export interface WriteJob {
  /** Of the observer of these keys; without it the keys of `fill`. */
  name?: string;
  keys: number;
  perSecond: number;
  count: number;
}

const VALUE = Buffer.from('16 bytes of text');

async function main(): Promise<void> {
  const floor = await openFloor(STORE_PORT);
  process.on('message', (job: WriteJob) => {
    const names =
      job.name === undefined
        ? Array.from({ length: job.keys }, (_none, index) => `fill/${index}`)
        : observedKeys(job.name, job.keys);
    const begin = performance.now();
    let sent = 0;
    let answered = 0;
    const done = (): void => {
      if (++answered === job.count) process.send?.({ ms: performance.now() - begin });
    };
    const timer = setInterval(() => {
      const due = Math.min(job.count, ((performance.now() - begin) / 1000) * job.perSecond);
      for (; sent < due; sent++) floor.request('SET', names[sent % names.length] as string, VALUE, done);
      if (sent >= job.count) clearInterval(timer);
    }, 1);
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ ready: true });
}

void main();
