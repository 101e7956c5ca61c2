/** A list of keys while another client sets and deletes keys of the same pattern. */
import { StateStoreClient } from '../../src/index';

export interface ScanResult {
  /** Of the list, in milliseconds. */
  ms: number;
  /** Stable keys that were not listed, and stable keys that were listed more than once. */
  missed: number;
  repeated: number;
  /** Other keys that were listed. */
  passing: number;
  /** Sets and deletes that the store answered during the list. */
  changes: number;
}

/** Keys that are written at a time. */
const BATCH = 1000;
/** Changes that the other client has in flight. */
const IN_FLIGHT = 50;
/** A passing key exists for so many rounds of changes. */
const LIFE = 5;

/** Sets `count` keys that stay, with passing keys between them. */
export async function fillForScan(port: number, count: number): Promise<void> {
  const client = new StateStoreClient({ host: '127.0.0.1', port });
  for (let from = 0; from < count; from += BATCH) {
    const stable = Array.from(
      { length: Math.min(BATCH, count - from) },
      (_, index) => [`scan/stable/${from + index}`, 'value'] as const,
    );
    const [first, ...rest] = stable;
    if (first) await client.setMany([first, [`scan/passing/fill/${from}`, 'value'], ...rest]);
  }
  await client.close();
}

/**
 * Lists all keys once. Until the list ends, another client creates keys, deletes keys that it created before, and sets stable keys again. `onListed` is
 * called with the number of keys so far.
 */
export async function scanUnderChange(
  port: number,
  count: number,
  onListed: (listed: number) => void = () => undefined,
): Promise<ScanResult> {
  const reader = new StateStoreClient({ host: '127.0.0.1', port });
  const writer = new StateStoreClient({ host: '127.0.0.1', port });
  await Promise.all([reader.connect(), writer.connect()]);
  const seen = new Uint8Array(count);
  let [changes, passing, listed, ended] = [0, 0, 0, false];
  const change = async () => {
    for (let round = 0; !ended; round++) {
      const names = Array.from({ length: IN_FLIGHT }, (_, index) => index);
      await Promise.all(
        names.map(async (index) => {
          await writer.set(`scan/passing/${round}/${index}`, 'value');
          await writer.set(`scan/stable/${(round * IN_FLIGHT + index) % count}`, `round ${round}`);
          if (round >= LIFE) await writer.delete(`scan/passing/${round - LIFE}/${index}`);
          if (!ended) changes += round >= LIFE ? 3 : 2;
        }),
      );
    }
  };
  const changing = change();
  const begin = performance.now();
  for await (const key of reader.keys('scan/*')) {
    const [, kind, number] = key.toString().split('/');
    const index = Number(number);
    if (kind === 'stable') seen[index] = Math.min(255, (seen[index] ?? 0) + 1);
    else passing++;
    listed++;
    onListed(listed);
  }
  const ms = performance.now() - begin;
  ended = true;
  await changing;
  await Promise.all([reader.close(), writer.close()]);
  return {
    ...{ ms, passing, changes },
    missed: seen.filter((times) => times === 0).length,
    repeated: seen.filter((times) => times > 1).length,
  };
}
