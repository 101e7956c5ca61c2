/** The content of a list of names: a JSON array that must fit into one packet of the broker. */
import { StateStoreError } from '../errors';

/** A list that another program spoilt has no names: a name that is still in use is added again. */
export function parseNames(bytes: Buffer): string[] {
  try {
    const names: unknown = JSON.parse(bytes.toString());
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

/** Room in a packet for everything but key and value, in bytes. */
const PACKET_OVERHEAD = 1024;

/** The most bytes of a list that fits into one packet. */
export function maxBytes(key: string, packetSize: number): number {
  return packetSize - PACKET_OVERHEAD - Buffer.byteLength(key);
}

/** Adds the names of each request to `all`, as long as the list has at most `limit` bytes. Returns the requests whose names are in it. */
export function addFitting<T extends { names: readonly string[] }>(
  all: Set<string>,
  requests: readonly T[],
  limit: number,
): T[] {
  let bytes = Buffer.byteLength(JSON.stringify([...all]));
  return requests.filter(({ names }) => {
    const added = names.filter((name) => !all.has(name));
    const more = added.reduce((sum, name) => sum + Buffer.byteLength(JSON.stringify(name)) + 1, 0);
    if (more > 0 && bytes + more > limit) return false;
    bytes += more;
    for (const name of added) all.add(name);
    return true;
  });
}

/** `limit`: the most bytes of a packet. */
export function listFull(key: string, limit: number): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', {
    problem: `The list of names ${key} is full: with another name it would not fit into one packet of the broker (${limit} bytes)`,
    advice:
      'Delete names that are no longer needed, use shorter ones, or allow larger packets in the broker.',
  });
}
