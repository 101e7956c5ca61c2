/** One process at a time uses a file of keys: beside the file is another one that names the process. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { codeOf } from '../../errors';

/** How often the holder touches the lock file, for processes of other hosts. */
const TOUCH_MS = 10_000;
/** The lock of another host is given up after so long without a touch. */
const ABANDONED_MS = 60_000;
/** Attempts, in case others take or release the lock at the same moment. */
const ATTEMPTS = 5;

/** Who has a file. */
interface Holder {
  pid: number;
  host: string;
  /** When the process was started, if the system says so: numbers of processes are used again. */
  started: string | undefined;
}

/** Another process, or another emulator of this process, uses the file. */
export class FileInUseError extends Error {}

/** Files that this process uses. */
const own = new Set<string>();

export class FileLock {
  readonly #path: string;
  readonly #touching: NodeJS.Timeout;

  private constructor(path: string) {
    this.#path = path;
    this.#touching = setInterval(() => {
      const now = new Date();
      utimes(path, now, now).catch(() => undefined);
    }, TOUCH_MS).unref();
  }

  /** Rejects with {@link FileInUseError}, and with Node's error if the lock cannot be written. */
  static async acquire(file: string): Promise<FileLock> {
    const path = `${file}.lock`;
    if (own.has(path)) throw new FileInUseError(`${file} is in use by another emulator of this process`);
    own.add(path);
    try {
      await take(file, path);
    } catch (error) {
      own.delete(path);
      throw error;
    }
    return new FileLock(path);
  }

  async release(): Promise<void> {
    clearInterval(this.#touching);
    await rm(this.#path, { force: true });
    own.delete(this.#path);
  }
}

async function take(file: string, path: string): Promise<void> {
  const holder: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      await writeFile(path, JSON.stringify(holder), { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const found = await readFile(path, 'utf8').catch(() => undefined);
    if (found === undefined) continue;
    if (await isUsed(found, path)) throw new FileInUseError(`${file} is in use by ${nameOf(found)}`);
    await remove(path, found);
  }
  throw new FileInUseError(`${file} is in use by other processes`);
}

/** Removes an abandoned lock, unless another process has replaced it. */
async function remove(path: string, found: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) !== found) await link(aside, path);
  } catch {
    // Another process was faster; the next attempt finds its lock.
  }
  await rm(aside, { force: true });
}

async function isUsed(found: string, path: string): Promise<boolean> {
  const holder = parse(found);
  // Empty for a moment while it is written.
  if (!holder || holder.host !== hostname()) {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
    return Date.now() - mtimeMs < (holder ? ABANDONED_MS : 2000);
  }
  if (holder.pid === process.pid) return false;
  return isRunning(holder.pid) && holder.started === startOf(holder.pid);
}

function parse(text: string): Holder | undefined {
  try {
    const { pid, host, started } = JSON.parse(text);
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host, started } : undefined;
  } catch {
    return undefined;
  }
}

function nameOf(found: string): string {
  const holder = parse(found);
  if (!holder) return 'another process';
  return holder.host === hostname()
    ? `the process ${holder.pid}`
    : `the process ${holder.pid} on ${holder.host}`;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** The 22nd field of `/proc/PID/stat` (proc_pid_stat(5)), on Linux only. The second one is a name, which may have spaces. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
