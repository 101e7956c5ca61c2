/** The file in which a store keeps its keys: read at the start, then followed by a journal. */
import { mkdir, open, realpath, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf, messageOf } from '../../errors';
import { compareHlc, type Hlc, parseHlc } from '../../protocol/hlc';
import type { StateStoreEngine } from '../engine';
import { FileInUseError, FileLock } from './file-lock';
import { FILE_HEAD, Journal } from './journal';
import { isZero, type KeyRecord, readRecords } from './key-records';

/** The file cannot be used. The message has its path and the reason. */
export class StoreFileError extends Error {}

/** What was wrong with a file. Its readable keys are in the store. */
export interface Damage {
  /** The damaged file, under its new name. */
  keptAs: string;
  /** Bytes that could not be read. */
  bytes: number;
}

export interface StoreFileOptions {
  path: string;
  engine: StateStoreEngine;
  /** Milliseconds since 1970, and of the monotonic clock. */
  now: () => number;
  elapsed: () => number;
  /** Called once when the file cannot be written. */
  onFault: (error: StoreFileError) => void;
}

export class StoreFile {
  readonly path: string;
  /** Keys that the file had. */
  readonly keys: number;
  readonly damage: Damage | undefined;
  readonly #engine: StateStoreEngine;
  readonly #journal: Journal;
  readonly #lock: FileLock;

  private constructor(
    { path, engine }: StoreFileOptions,
    keys: number,
    damage: Damage | undefined,
    journal: Journal,
    lock: FileLock,
  ) {
    this.path = path;
    this.keys = keys;
    this.damage = damage;
    this.#engine = engine;
    this.#journal = journal;
    this.#lock = lock;
    engine.onChange = (change) => journal.append(change);
  }

  /**
   * Reads the file into the engine and keeps the changes of the engine in it from then on. If the engine has keys already, they are newer
   * than those in the file. Rejects with {@link StoreFileError}.
   */
  static async open(options: StoreFileOptions): Promise<StoreFile> {
    const given = resolve(options.path);
    try {
      await mkdir(dirname(given), { recursive: true });
      const path = await realpath(given).catch(() => given);
      const lock = await FileLock.acquire(path);
      try {
        return await openLocked({ ...options, path }, (...parts) => new StoreFile(...parts, lock));
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      throw asStoreFileError(error, given);
    }
  }

  /** Calls when all changes so far are on disk, at once if they are. */
  afterWrite(call: () => void): void {
    this.#journal.afterWrite(call);
  }

  /** Writes all changes so far and leaves the file to others. */
  async close(): Promise<void> {
    this.#engine.onChange = undefined;
    try {
      await this.#journal.close();
    } finally {
      await this.#lock.release();
    }
  }
}

type Opened = [options: StoreFileOptions, keys: number, damage: Damage | undefined, journal: Journal];

async function openLocked(
  options: StoreFileOptions,
  make: (...parts: Opened) => StoreFile,
): Promise<StoreFile> {
  const { path, engine, now, onFault } = options;
  const journalOptions = {
    path,
    content: engine,
    now,
    onFault: (error: Error) => onFault(asStoreFileError(error, path)),
  };
  const data = await readWhole(path);
  if (data === undefined || data.length === 0)
    return make(options, 0, undefined, await Journal.create(journalOptions));
  const hasHead = data.subarray(0, FILE_HEAD.length).equals(FILE_HEAD);
  const found = restore(data, hasHead ? FILE_HEAD.length : 0, options);
  if (!hasHead && found.records === 0 && !isZero(data, 0))
    throw new StoreFileError(`${path} is not a file of keys. Move it away, or enter another path.`);
  if (hasHead && found.damagedBytes === 0) {
    const journal = found.hadKeys
      ? await Journal.create(journalOptions)
      : await Journal.resume(journalOptions, found.wholeBytes);
    return make(options, found.keys, undefined, journal);
  }
  const keptAs = join(
    dirname(path),
    `${basename(path)}.damaged-${new Date(now()).toISOString().replace(/[:.]/g, '-')}`,
  );
  await rename(path, keptAs);
  const bytes = Math.max(found.damagedBytes, 1);
  return make(options, found.keys, { keptAs, bytes }, await Journal.create(journalOptions));
}

function restore(data: Buffer, start: number, { engine, now, elapsed }: StoreFileOptions) {
  const [nowMs, elapsedMs] = [now(), elapsed()];
  const before = [...engine.changes()];
  let latest: Hlc | undefined;
  const found = readRecords(data, start, nowMs, (record: KeyRecord) => {
    const version = parseHlc(record.version);
    if (version && (!latest || compareHlc(version, latest) > 0)) latest = version;
    if (record.kind !== 'version') engine.restore(record, nowMs, elapsedMs);
  });
  const keys = engine.size;
  for (const change of before) engine.restore(change, nowMs, elapsedMs);
  engine.resume(latest, nowMs);
  return { ...found, keys, hadKeys: before.length > 0 };
}

async function readWhole(path: string): Promise<Buffer | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new StoreFileError(`${path} is not a file`);
    const { size } = stat;
    const data = Buffer.allocUnsafe(size);
    let bytes = 0;
    while (bytes < size) {
      const { bytesRead } = await file.read(data, bytes, Math.min(size - bytes, 2 ** 26), bytes);
      if (bytesRead === 0) break;
      bytes += bytesRead;
    }
    return data.subarray(0, bytes);
  } finally {
    await file.close();
  }
}

function asStoreFileError(error: unknown, path: string): StoreFileError {
  if (error instanceof StoreFileError) return error;
  const message = messageOf(error);
  return new StoreFileError(error instanceof FileInUseError ? message : `${path}: ${message}`);
}
