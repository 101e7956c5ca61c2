/** What a comparison measured: bench/results.json. */
import type { Finding } from './finding';
import type { Job, Measurement } from './measure';
import type { Start } from './start';

/** One load and what each contender made of it. */
export interface Cell extends Job {
  contenders: Record<string, Measurement>;
}

export interface Results {
  machine: { cpu: string; cores: number; node: string; platform: string };
  /** How long the comparison took. */
  seconds: number;
  /** CPU time per operation in microseconds. */
  servers: { emulator: number; aedes: number };
  /** CPU time of Node-RED per message in microseconds, through one *set* node and through {@link MANY_NODES} of them in turns. */
  nodes: { one: number; many: number };
  cells: Cell[];
  /** Milliseconds that `require` takes. */
  require: { library: number; mqtt: number };
  /** Node-RED with this and that in it, the first one with nothing. */
  starts: Record<string, Start>;
  /** Bytes of memory for each message of 16 B that waits for a connection. */
  waiting: number;
  observe: Finding[];
  coordination: Finding[];
  context: Finding[];
}

/** The loads that the goals are about. */
export const GOAL_SIZE = 16;
export const MANY = 256;
export const LARGE_SIZE = 65_536;
export const MANY_NODES = 200;

/** A size with its unit. */
export function sizeOf(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`;
}
