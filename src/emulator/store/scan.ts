/** The pages of a list of keys: docs/protocol.md section 13. */
import { KeyPattern, PatternError } from '../../protocol/glob';
import type { Page } from '../../protocol/resp3';
import type { KeyOrder, Ordered } from './key-order';

/** Keys in a page, and their bytes together, at most. One key is always listed, however long it is. */
export const MAX_PAGE_KEYS = 1000;
const MAX_PAGE_BYTES = 65_536;
/** Keys that are compared for a page at most: a page may be empty although more keys follow. */
const MAX_COMPARED = 5000;
/** Bytes of a pattern at most. */
const MAX_PATTERN_BYTES = 4096;
/** Comparing costs the length of the key times the length of the pattern. Per page, about. */
const MAX_COST = 20_000_000;

interface OrderedKey extends Ordered {
  key: Buffer;
}

/**
 * The page after `token`. Keys are listed in the order in which they were created. A key that exists from the first page to the last is in exactly one
 * page. A token stays valid, so a page can be asked for again. Returns undefined for an invalid pattern or token.
 */
export function scanPage(
  order: KeyOrder<OrderedKey>,
  store: string,
  patternBytes: Buffer,
  token: Buffer | undefined,
  mayRead: (key: Buffer) => boolean,
): Page | undefined {
  const pattern = compile(patternBytes);
  const after = token ? numberOf(token, store) : 0;
  if (!pattern || after === undefined) return undefined;
  const keys: Buffer[] = [];
  let bytes = 0;
  let compared = 0;
  let cost = 0;
  for (const { key, number } of order.after(after)) {
    if (pattern.matches(key) && mayRead(key)) {
      keys.push(key);
      bytes += key.length;
    }
    compared++;
    cost += key.length * patternBytes.length;
    if (
      keys.length >= MAX_PAGE_KEYS ||
      bytes >= MAX_PAGE_BYTES ||
      compared >= MAX_COMPARED ||
      cost >= MAX_COST
    )
      return { keys, token: Buffer.from(`${store}:${number}`) };
  }
  return { keys, token: undefined };
}

function compile(pattern: Buffer): KeyPattern | undefined {
  if (pattern.length > MAX_PATTERN_BYTES) return undefined;
  try {
    return new KeyPattern(pattern);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}

/** The number of the last key before the page. Undefined for a token of another store. */
function numberOf(token: Buffer, store: string): number | undefined {
  const [name, digits = ''] = token.toString('latin1').split(':');
  return name === store && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}
