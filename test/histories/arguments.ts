/** Arguments of the commands of this folder. */
import { REPEATS, type Repeats } from '../support/emulator-process';

export function wholeNumber(option: string, value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new Error(`--${option} must be a whole number from 1, not "${value}"`);
}

export function repeatsOf(value: string): Repeats {
  const found = REPEATS.find((one) => one === value);
  if (found) return found;
  throw new Error(`--repeats must be one of ${REPEATS.join(', ')} with this emulator, not "${value}"`);
}
