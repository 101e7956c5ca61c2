/** What becomes of the values of many keys: an object, a list, or one number. */
import { StateStoreError } from '../../errors';

export type Listing = 'values' | 'keys' | 'count' | 'sum' | 'smallest' | 'largest';

/** Whether the values are needed, or the keys alone. */
export const needsValues = (listing: Listing): boolean => listing !== 'keys' && listing !== 'count';

/** `found`: the keys with their values. The smallest and the largest of no values are `undefined`. Throws `BAD_RESPONSE` for a value that is not a number. */
export function listed(
  listing: Listing,
  found: readonly (readonly [key: string, value: unknown])[],
): unknown {
  switch (listing) {
    case 'keys':
      return found.map(([key]) => key);
    case 'count':
      return found.length;
    case 'sum':
      return numbersOf(found).reduce((sum, value) => sum + value, 0);
    case 'smallest':
      return found.length === 0 ? undefined : Math.min(...numbersOf(found));
    case 'largest':
      return found.length === 0 ? undefined : Math.max(...numbersOf(found));
    default:
      return Object.fromEntries(found);
  }
}

function numbersOf(found: readonly (readonly [key: string, value: unknown])[]): number[] {
  return found.map(([key, value]) => {
    if (typeof value === 'number') return value;
    throw new StateStoreError(
      'BAD_RESPONSE',
      `The value of ${key} is not a number. Select another output in the get node, or set a number.`,
      { operation: 'get', key },
    );
  });
}
