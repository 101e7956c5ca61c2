import type { SetOptions } from '../../client/options';
import type { StateStoreClient } from '../../client/state-store-client';
import { update } from '../../coordination/update';
import { StateStoreError } from '../../errors';
import type { Command } from '../command';
import { type Entry, type EntryOfLine, readEntries } from '../entry-lines';
import { EXIT, type ExitCode } from '../exit-code';
import { readInput } from '../input';
import { batches, keysOf } from '../many-keys';
import type { Session } from '../session';
import { printMessage } from '../streams';
import { UsageError } from '../usage-error';
import { PERSIST } from '../write-options';

export const importKeys: Command = {
  name: 'import',
  usage: [['< FILE', 'writes the keys of "export"']],
  help: 'Reads the lines of "export" or "get --pattern" from stdin, checks all of them, and then writes the keys. Keys with the same name are replaced. The store gives each key a new version, and the keys do not expire. Keys that end with /lock or /lock/next are left out, because an imported lock would never expire. If you use other names for locks and roles, delete their lines first.',
  options: {
    'new-only': { type: 'boolean', help: 'leave keys that exist as they are' },
    ...PERSIST,
  },
  prepare(args) {
    args.atMost(0);
    const options: SetOptions = {
      ...(args.flag('new-only') && { condition: 'NX' }),
      ...(args.flag('persist') && { persist: true }),
    };
    return (session) => run(session, options);
  },
};

type Outcome = { stored: boolean } | { error: StateStoreError };

async function run(session: Session, options: SetOptions): Promise<ExitCode> {
  const all = readEntries(await readInput('stdin'));
  const entries = all.filter(({ key }) => !isLock(key));
  const locks = all.length - entries.length;
  const store = await session.connect();
  let written = 0;
  let kept = 0;
  let failure: StateStoreError | undefined;
  refuseTooLarge(store, entries, options);
  for await (const batch of batches(entries)) {
    const results = await store.setMany(
      batch.map(({ key, value }) => [key, value] as const),
      options,
    );
    for (const [i, result] of results.entries()) {
      const one = await withLock(store, batch[i] as Entry, result, options);
      if ('error' in one) failure ??= one.error;
      else if (one.stored) written++;
      else kept++;
    }
    if (failure) break;
  }
  const parts = [
    `imported ${keysOf(written)}`,
    ...(kept > 0 ? [`left ${keysOf(kept)} as they are`] : []),
    ...(locks > 0 ? [`left out ${locks} ${locks === 1 ? 'lock' : 'locks'}`] : []),
  ];
  printMessage(parts.join(', '));
  if (failure) throw failure;
  return EXIT.done;
}

/** The result of an entry. A key that needs a fencing token, since updates change it, is written as an update writes it: with its lock. */
async function withLock(
  store: StateStoreClient,
  { key, value }: Entry,
  result: Outcome,
  { condition, persist = false }: SetOptions,
): Promise<Outcome> {
  if (!('error' in result) || result.error.code !== 'FENCING_TOKEN_REQUIRED') return result;
  if (condition === 'NX') return { stored: false };
  try {
    await update(store, key, () => value, { persist });
    return { stored: true };
  } catch (error) {
    if (error instanceof StateStoreError) return { error };
    throw error;
  }
}

/** Whether an update has its lock, or the place of the next waiter, in this key. */
function isLock(key: Buffer): boolean {
  return /\/lock(\/next)?$/.test(key.toString('latin1'));
}

/** The client checks each packet when it is sent. This check comes first, so that an import does not end in the middle. */
function refuseTooLarge(store: StateStoreClient, entries: readonly EntryOfLine[], options: SetOptions): void {
  const limit = store.maximumPacketSize;
  for (const { key, value, line } of entries) {
    const size = store.sizeOfSet(key, value, options);
    if (size <= limit) continue;
    throw new UsageError(
      `the value of line ${line} has ${value.length} bytes and makes a packet of ${size} bytes, and the broker takes ${limit} at most: nothing was written`,
    );
  }
}
