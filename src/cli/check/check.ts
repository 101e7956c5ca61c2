/** Runs the points against one store, and deletes their keys. */
import type { StateStoreClient } from '../../client/state-store-client';
import { type Outcome, outcomeOf } from './outcome';
import type { Point } from './point';
import { Scratch } from './scratch';

export interface Row extends Outcome {
  readonly id: string;
  readonly title: string;
}

/**
 * Connects with `connect`, and tries each point. Never rejects: a point that cannot be tried has the reason in its row. Keys begin with
 * `prefix`, and the last row says whether all of them were deleted.
 */
export async function check(
  store: StateStoreClient,
  connect: () => Promise<unknown>,
  prefix: string,
  points: readonly Point[],
): Promise<Row[]> {
  const connection = await row({ id: 'connect', title: 'Connection and login' }, async () => {
    await connect();
    return '';
  });
  if (connection.result !== 'supported')
    return [connection, ...points.map((point) => notChecked(point, 'there is no connection'))];
  const scratch = new Scratch(store, prefix);
  const rows = [connection];
  for (const point of points) {
    const isDead = store.answers === 0 && rows.some(({ result }) => result === 'failed');
    rows.push(
      isDead
        ? notChecked(point, 'the state store did not respond')
        : await row(point, () => point.check(scratch)),
    );
  }
  const left = await scratch.clean();
  const cleaned: Outcome =
    left.length === 0
      ? { result: 'supported', detail: `all keys under ${prefix} were deleted` }
      : { result: 'failed', detail: `these keys may be left: ${left.join(', ')}` };
  return [...rows, { id: 'clean', title: 'Clean-up', ...cleaned }];
}

/** Whether everything that was checked is as documented. An older broker does not serve SCAN, which is no fault. */
export function passes(rows: readonly Row[]): boolean {
  return rows.every(({ result }) => result !== 'refused' && result !== 'differs' && result !== 'failed');
}

function notChecked({ id, title }: Point, detail: string): Row {
  return { id, title, result: 'not checked', detail };
}

async function row({ id, title }: { id: string; title: string }, work: () => Promise<string>): Promise<Row> {
  try {
    return { id, title, result: 'supported', detail: await work() };
  } catch (error) {
    return { id, title, ...outcomeOf(error) };
  }
}
