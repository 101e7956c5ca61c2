/** Kills an emulator with a file again and again while clients write, and compares what it has then with what was acknowledged. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StateStoreClient } from '../../src/index';
import { compareHlc, parseHlc } from '../../src/protocol/hlc';
import { Lines, ROOT } from '../support/node-red';
import { freePort } from '../support/ports';

export interface KillReport {
  kills: number;
  acknowledged: number;
  /** Keys whose value is older than the last acknowledged write, or newer than the last one that was sent. */
  lost: string[];
  /** Keys whose version is older than an acknowledged one. */
  olderVersions: string[];
  /** How often the file was replaced by a snapshot. */
  snapshots: number;
  damaged: number;
}

const CLIENTS = 4;
const KEYS = 25;
const PADDING = 'x'.repeat(1000);
/** Each write with a number that is a multiple of it deletes the key. */
const DELETES = 7;

/** What is known of a key. Writes of a key have numbers from 1 on. */
interface Known {
  acknowledged: number;
  sent: number;
  version: string;
}

export async function runKills(kills: number): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'kills-'));
  const file = join(folder, 'keys');
  const port = await freePort();
  const known = new Map<string, Known>();
  const report: KillReport = {
    kills: 0,
    acknowledged: 0,
    lost: [],
    olderVersions: [],
    snapshots: -1,
    damaged: 0,
  };
  let inode = 0;
  try {
    for (;;) {
      const emulator = await startEmulator(port, file);
      await compare(port, known, report);
      if (report.kills === kills) {
        emulator.child.kill();
        await emulator.exited;
        return report;
      }
      await writeUntilKilled(port, known, report, emulator);
      report.kills++;
      if (emulator.errors.length > 0) report.damaged++;
      const { ino } = statSync(file);
      if (ino !== inode) report.snapshots++;
      inode = ino;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface RunningEmulator {
  child: ChildProcess;
  exited: Promise<unknown>;
  errors: string[];
}

async function startEmulator(port: number, file: string): Promise<RunningEmulator> {
  const cli = join(ROOT, 'dist', 'src', 'emulator', 'cli.js');
  const child = spawn(process.execPath, [cli, '--port', String(port), '--file', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  child.stderr.on('data', (data) => errors.push(String(data)));
  const exited = once(child, 'exit');
  await new Lines(child).find(/listening on/);
  return { child, exited, errors };
}

async function compare(port: number, known: Map<string, Known>, report: KillReport): Promise<void> {
  const client = new StateStoreClient({ port });
  try {
    for (const [key, { acknowledged, sent, version }] of known) {
      const got = await client.get(key);
      const number = got.found ? Number(got.value.toString().split(' ')[0]) : undefined;
      const isPossible =
        number === undefined ? mayBeMissing(acknowledged, sent) : number >= acknowledged && number <= sent;
      if (!isPossible) report.lost.push(`${key}: ${number}, not ${acknowledged} to ${sent}`);
      if (got.found && isOlder(got.version ?? '', version))
        report.olderVersions.push(`${key}: ${got.version}, not ${version}`);
    }
  } finally {
    await client.close();
  }
}

/** Whether a write that may be the last one deleted the key, or no write was acknowledged. */
function mayBeMissing(acknowledged: number, sent: number): boolean {
  return acknowledged === 0 || Math.floor(sent / DELETES) > Math.floor((acknowledged - 1) / DELETES);
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [parseHlc(version), parseHlc(than)];
  return a !== undefined && b !== undefined && compareHlc(a, b) < 0;
}

async function writeUntilKilled(
  port: number,
  known: Map<string, Known>,
  report: KillReport,
  { child, exited }: RunningEmulator,
): Promise<void> {
  const clients = Array.from({ length: CLIENTS }, () => new StateStoreClient({ port }));
  let isOver = false;
  const write = async (client: StateStoreClient, key: string) => {
    const one = known.get(key) ?? { acknowledged: 0, sent: 0, version: '' };
    known.set(key, one);
    while (!isOver) {
      const number = ++one.sent;
      try {
        const { version } =
          number % DELETES === 0 ? await client.delete(key) : await client.set(key, `${number} ${PADDING}`);
        one.version = version ?? one.version;
      } catch {
        return;
      }
      one.acknowledged = number;
      report.acknowledged++;
    }
  };
  try {
    await Promise.all(clients.map((client) => client.connect()));
    const writing = clients.flatMap((client, index) =>
      Array.from({ length: KEYS }, (_, key) => write(client, `${index}/${key}`)),
    );
    await sleep(50 + Math.random() * 250);
    child.kill('SIGKILL');
    isOver = true;
    await exited;
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(writing);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}
