import { commandItems, keyOf, parseCommand } from '../protocol/commands';
import { Pending } from './pending';
import { Request } from './request';

/** How long the store may take to answer a barrier read, in milliseconds. */
const BARRIER_TIMEOUT_MS = 5000;

/**
 * A read of the key of `unproven`, a request of this client: when it is answered, all earlier answers have come. See `resumption.ts`. `onEnd` is
 * called once.
 */
export function barrierRead(
  unproven: Pending,
  now: number,
  onEnd: (barrier: Pending, answered: boolean) => void,
): Pending {
  const key = keyOf(parseCommand(unproven.publishedPayload));
  const barrier: Pending = new Pending(
    new Request('get', '', () => undefined, {}, BARRIER_TIMEOUT_MS),
    commandItems({ verb: 'GET', key }),
    () => onEnd(barrier, true),
    () => onEnd(barrier, false),
    now,
  );
  return barrier;
}
