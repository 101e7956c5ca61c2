import { compareHlc, parseHlc } from '../protocol/hlc';

/** Whether a fencing token is newer than another one. No token is not newer than any. */
export function isNewerToken(token: string | undefined, other: string): boolean {
  const [one, two] = [token === undefined ? undefined : parseHlc(token), parseHlc(other)];
  return one !== undefined && two !== undefined && compareHlc(one, two) > 0;
}
