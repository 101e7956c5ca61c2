/**
 * Decides who restores a key after the store lost everything. Each process claims its keys with the version that they had. The newest
 * version wins, and a delete wins over the value of the same version.
 */
import { createHash } from 'node:crypto';
import { compareHlc, parseHlc } from '../protocol/hlc';

/** The newest content of a key that a process remembers. */
export interface Claim {
  name: string;
  /** The version of the value, or of the delete. */
  version: string;
  /** Of the value, `undefined` if the key was deleted. */
  digest: string | undefined;
}

/** The newest claim of a key so far, as it is in the store. */
interface Entry {
  version: string;
  digest?: string;
  /** The process. */
  by: string;
  /** Digests of older values that a process may have restored before. */
  over: string[];
}

export type Entries = Record<string, Entry>;

/** Whether a claim is the newest one. `over`: digests of older values that may be in the store by now. */
export interface Verdict {
  wins: boolean;
  over: readonly string[];
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64').slice(0, 16);
}

/** Adds the claims of the process `by` to `entries`, and judges them in their order. */
export function addClaims(entries: Entries, claims: readonly Claim[], by: string): Verdict[] {
  return claims.map(({ name, version, digest }) => {
    const known = Object.hasOwn(entries, name) ? entries[name] : undefined;
    // A claim whose answer was lost is made again.
    if (known && known.by === by && known.version === version && known.digest === digest)
      return { wins: true, over: known.over };
    if (known && !isNewer({ version, digest }, known)) return { wins: false, over: [] };
    const over = known ? [...known.over, ...(known.digest === undefined ? [] : [known.digest])] : [];
    const entry: Entry = { version, by, over, ...(digest !== undefined && { digest }) };
    Object.defineProperty(entries, name, {
      value: entry,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    return { wins: true, over };
  });
}

/** Whether a newer delete of the key is among the entries. */
export function isDeleted(entries: Entries, name: string, version: string): boolean {
  const known = Object.hasOwn(entries, name) ? entries[name] : undefined;
  return known !== undefined && known.digest === undefined && isNewer(known, { version, digest: '' });
}

/** An object of entries. Other values, written by another program, are ignored. */
export function parseEntries(bytes: Buffer | undefined): Entries {
  try {
    const entries: unknown = bytes && JSON.parse(bytes.toString());
    if (typeof entries !== 'object' || entries === null) return {};
    return Object.fromEntries(
      Object.entries(entries).filter((pair): pair is [string, Entry] => isEntry(pair[1])),
    );
  } catch {
    return {};
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { version, by, over } = value as Partial<Entry>;
  return typeof version === 'string' && typeof by === 'string' && Array.isArray(over);
}

interface Content {
  version: string;
  digest?: string | undefined;
}

function isNewer(one: Content, other: Content): boolean {
  const [a, b] = [parseHlc(one.version), parseHlc(other.version)];
  if (!a || !b) return Boolean(a);
  const order = compareHlc(a, b);
  return order > 0 || (order === 0 && one.digest === undefined && other.digest !== undefined);
}
