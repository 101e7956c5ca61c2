/** A contender in a separate process: connects to the given port, then measures on request of the parent. */
import { type Contender, type Job, type Measurement, measure } from '../measure';

export type Reply = { ready: true } | { measurement: Measurement } | { error: string };

export function serve(contender: Contender): void {
  const reply = (message: Reply) => process.send?.(message);
  process.on('message', (job: Job) => {
    measure(contender, job).then(
      (measurement) => reply({ measurement }),
      (error) => reply({ error: error.message }),
    );
  });
  process.on('disconnect', () => process.exit());
  reply({ ready: true });
}

/** The port of the store, which the parent gives as the argument. */
export const STORE_PORT = Number(process.argv[2]);
