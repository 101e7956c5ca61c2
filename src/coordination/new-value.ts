import { printableKey } from '../errors';
import { bytes as bytesRule } from '../option-rules';
import { changeTooSlow } from './coordination-errors';
import { leftOf, type NewValue, type PendingUpdate } from './pending-update';

/**
 * The value that an update makes of the present one, `undefined` to delete the key. Rejects with `TIMEOUT` if it is not made in half the
 * `duration` of the lease, in milliseconds, or if the update has too little time left to send it.
 */
export async function newValueOf(
  update: PendingUpdate,
  present: Buffer | undefined,
  key: Buffer,
  duration: number,
): Promise<Buffer | undefined> {
  const left = update.deadline - performance.now();
  const tooSlow = () =>
    left < duration / 2
      ? changeTooSlow(key, left, 'what was left of its time', 'give it more time')
      : changeTooSlow(key, duration / 2, 'half the time of the lock', 'increase the duration of the lock');
  const made = update.change(present);
  const value = made instanceof Promise ? await inTime(made, Math.min(left, duration / 2), tooSlow) : made;
  if (leftOf(update) === undefined) throw tooSlow();
  if (value === undefined) return undefined;
  bytesRule('the new value', value, { operation: 'update', key: printableKey(key) });
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
}

async function inTime(made: Promise<NewValue>, ms: number, error: () => Error): Promise<NewValue> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(error()), ms);
  });
  try {
    return await Promise.race([made, late]);
  } finally {
    clearTimeout(timer);
  }
}
