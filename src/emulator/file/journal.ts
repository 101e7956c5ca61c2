/**
 * Writes the changes of a store behind its file, many with one call of the system, and replaces the file by a snapshot when it has become
 * much larger than its content.
 */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Change } from '../store/change';
import { encodeRecord, type KeyRecord } from './key-records';

/** First bytes of a file. */
export const FILE_HEAD = Buffer.from('statestore-emulator keys 1\n');
/** A file is replaced when it is so many times as large as its last snapshot, and some bytes more. */
const GROWTH = 4;
const SMALL_BYTES = 2 ** 22;
/** Bytes of a record beside its key and its value, about. */
const RECORD_BYTES = 100;
/** Bytes of a snapshot that are written at a time. */
const PART_BYTES = 2 ** 18;

/** What a snapshot is made of. */
export interface Content {
  readonly size: number;
  readonly version: string;
  changes(): Iterable<Change>;
}

/** Changes that are written together, and what waits until they are on disk. */
class Batch {
  readonly records: Buffer[] = [];
  readonly waiting: (() => void)[] = [];
}

export interface JournalOptions {
  path: string;
  content: Content;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Called once when the file cannot be written. What waits is not called then, and nothing is written any more. */
  onFault: (error: Error) => void;
}

export class Journal {
  readonly #path: string;
  readonly #content: Content;
  readonly #now: () => number;
  readonly #onFault: (error: Error) => void;
  #file: FileHandle;
  #fileBytes: number;
  #snapshotBytes: number;
  #next = new Batch();
  /** On its way to the disk. */
  #current: Batch | undefined;
  /** Records since the snapshot that is being written was begun. */
  #sinceSnapshot: Buffer[] | undefined;
  #working: Promise<void> | undefined;
  #fault: Error | undefined;

  private constructor(
    { path, content, now, onFault }: JournalOptions,
    file: FileHandle,
    bytes: number,
    snapshotBytes: number,
  ) {
    this.#path = path;
    this.#content = content;
    this.#now = now;
    this.#onFault = onFault;
    this.#file = file;
    this.#fileBytes = bytes;
    this.#snapshotBytes = snapshotBytes;
  }

  /** Continues a file that has so many bytes, all of them whole. */
  static async resume(options: JournalOptions, bytes: number): Promise<Journal> {
    const file = await open(options.path, 'r+');
    try {
      await file.truncate(bytes);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new Journal(options, file, bytes, snapshotBytesOf(options.content));
  }

  /** Replaces the file, if there is one, by a snapshot of the content. */
  static async create(options: JournalOptions): Promise<Journal> {
    const { file, bytes } = await writeSnapshot(options.path, options.content, options.now);
    await replace(file, options.path);
    return new Journal(options, file, bytes, bytes);
  }

  /** Takes a change that the content has already. It is written soon. */
  append(change: Change): void {
    if (this.#fault) return;
    const record = encodeRecord(change, this.#now());
    this.#next.records.push(record);
    this.#sinceSnapshot?.push(record);
    this.#working ??= this.#work();
  }

  /** Calls when all changes so far are on disk, at once if they are; in the order of the calls. */
  afterWrite(call: () => void): void {
    if (this.#next.records.length > 0) this.#next.waiting.push(call);
    else if (this.#current) this.#current.waiting.push(call);
    else if (!this.#fault) call();
  }

  /** Writes all changes so far and closes the file. */
  async close(): Promise<void> {
    while (this.#working) await this.#working;
    await this.#file.close();
  }

  async #work(): Promise<void> {
    let snapshot: Promise<Snapshot> | undefined;
    try {
      // Takes what the same turn of the event loop brings.
      await new Promise(setImmediate);
      let written: Snapshot | undefined;
      while (this.#next.records.length > 0 || snapshot) {
        await this.#write();
        if (!snapshot && this.#isLarge) {
          this.#sinceSnapshot = [];
          snapshot = writeSnapshot(this.#path, this.#content, this.#now);
          snapshot.then(
            (made) => {
              written = made;
            },
            () => undefined,
          );
        }
        if (snapshot && (written || this.#next.records.length === 0)) {
          await this.#adopt(await snapshot);
          snapshot = undefined;
          written = undefined;
        }
      }
    } catch (error) {
      snapshot?.then(({ file }) => file.close()).catch(() => undefined);
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#working = undefined;
    }
  }

  get #isLarge(): boolean {
    return this.#fileBytes > GROWTH * this.#snapshotBytes + SMALL_BYTES;
  }

  /** Writes what waits, and calls what waited for it. */
  async #write(): Promise<void> {
    const batch = this.#next;
    if (batch.records.length === 0) return;
    this.#current = batch;
    this.#next = new Batch();
    this.#fileBytes += await writeAt(this.#file, batch.records, this.#fileBytes);
    await this.#file.datasync();
    this.#current = undefined;
    for (const call of batch.waiting) call();
  }

  /** Puts a snapshot in the place of the file. Changes since its beginning are written behind it. */
  async #adopt({ file, bytes }: Snapshot): Promise<void> {
    const old = this.#file;
    const batch = this.#next;
    const since = this.#sinceSnapshot ?? [];
    this.#current = batch;
    this.#next = new Batch();
    this.#sinceSnapshot = undefined;
    const more = await writeAt(file, since, bytes);
    await replace(file, this.#path);
    this.#file = file;
    this.#fileBytes = bytes + more;
    this.#snapshotBytes = bytes;
    await old.close();
    this.#current = undefined;
    for (const call of batch.waiting) call();
  }

  #fail(error: Error): void {
    this.#fault = error;
    this.#current = undefined;
    this.#next = new Batch();
    this.#sinceSnapshot = undefined;
    this.#onFault(error);
  }
}

interface Snapshot {
  file: FileHandle;
  bytes: number;
}

/** Bytes of a snapshot of this content, about. */
function snapshotBytesOf(content: Content): number {
  let bytes = 0;
  for (const change of content.changes())
    bytes += change.key.length + (change.kind === 'set' ? change.value.length : 0) + RECORD_BYTES;
  return bytes;
}

function partOf(path: string): string {
  return `${path}.new`;
}

/** Writes the content beside the file. What changes meanwhile may be in it or not. */
async function writeSnapshot(path: string, content: Content, now: () => number): Promise<Snapshot> {
  const file = await open(partOf(path), 'w', 0o600);
  try {
    let bytes = 0;
    let part: Buffer[] = [FILE_HEAD];
    let partBytes = FILE_HEAD.length;
    const add = (record: KeyRecord) => {
      const encoded = encodeRecord(record, now());
      part.push(encoded);
      partBytes += encoded.length;
    };
    const write = async () => {
      bytes += await writeAt(file, part, bytes);
      part = [];
      partBytes = 0;
    };
    // Keys that are created meanwhile are not waited for: their records come behind the snapshot.
    let left = content.size;
    for (const change of content.changes()) {
      if (left-- <= 0) break;
      add(change);
      if (partBytes >= PART_BYTES) await write();
    }
    add({ kind: 'version', version: content.version });
    await write();
    await file.datasync();
    return { file, bytes };
  } catch (error) {
    await file.close();
    await rm(partOf(path), { force: true });
    throw error;
  }
}

/** Gives the file of a snapshot its name, so that it also has it after a power failure. */
async function replace(file: FileHandle, path: string): Promise<void> {
  await file.datasync();
  await rename(partOf(path), path);
  // Windows opens no folders.
  if (process.platform === 'win32') return;
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Returns how many bytes were written. */
async function writeAt(file: FileHandle, records: Buffer[], position: number): Promise<number> {
  const data = Buffer.concat(records);
  for (let at = 0; at < data.length; ) {
    const { bytesWritten } = await file.write(data, at, data.length - at, position + at);
    at += bytesWritten;
  }
  return data.length;
}
