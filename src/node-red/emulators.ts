import { readFile } from 'node:fs/promises';
import { Emulator } from '../emulator/broker';
import type { StateStoreEngine } from '../emulator/engine';
import { Rules } from '../emulator/rules';
import { readTlsFiles, type TlsFiles } from '../emulator/tls-files';

export interface EmulatorAddress {
  host: string;
  port: number;
}

/** An address, and who may do what there. */
export interface EmulatorSettings extends EmulatorAddress {
  /** Path of a file of rules, or the rules themselves (anything of more than one line); empty: everybody may do anything. */
  rules: string;
  /** Certificate, key and authorities of clients; without them plain TCP. */
  tls: TlsFiles;
}

/** Another node runs the emulator at this address, with other settings. */
export class OtherSettingsError extends Error {}

interface Shared {
  /** What a node must have as well to share it. */
  terms: string;
  starting: Promise<Emulator>;
  port: number;
  /** Once it has started. */
  emulator?: Emulator;
  /** Nodes that run it, and what started it for a store, with the ID of that store. */
  users: Map<object, string | undefined>;
  /** Stores that have left it, and `undefined` for nodes, though not removed: they may come back with the deploy that is under way. */
  left: Set<string | undefined>;
}

interface Kept {
  engine: StateStoreEngine;
  /** The stores it was started for. */
  storeIds: string[];
}

/**
 * The emulators of this Node-RED, by address. Nodes and stores with the same address share one, so that several examples run side
 * by side; what is stored outlives a deploy, though not Node-RED.
 */
export class Emulators {
  readonly #running = new Map<string, Shared>();
  readonly #kept = new Map<string, Kept>();

  /**
   * The emulator at this address, started if need be, for a node, or for the store with the ID `storeId`; one that only stores use
   * gives way to a node with other settings. Rejects with {@link OtherSettingsError} when a node has it with other settings, and
   * with Node's error when the port cannot be had.
   */
  async acquire(user: object, settings: EmulatorSettings, storeId?: string): Promise<Emulator> {
    const { rules: given, tls: files, ...address } = settings;
    const id = idOf(address);
    const terms = termsOf(settings);
    let shared = this.#running.get(id);
    let before: Emulator | undefined;
    if (shared && shared.terms !== terms) {
      const givesWay = storeId === undefined && [...shared.users.values()].every((one) => one !== undefined);
      if (!givesWay) throw new OtherSettingsError();
      before = shared.emulator;
      shared = undefined;
    }
    if (!shared) {
      const engine = before?.engine ?? this.#kept.get(id)?.engine;
      this.#kept.delete(id);
      const starting = readRules(given).then(async (rules) => {
        const tls = await readTlsFiles(files);
        await before?.close();
        return Emulator.start({
          ...address,
          ...(engine && { engine }),
          ...(rules && { rules }),
          ...(tls && { tls }),
        });
      });
      shared = { terms, starting, port: settings.port, users: new Map(), left: new Set() };
      this.#running.set(id, shared);
    }
    shared.users.set(user, storeId);
    try {
      shared.emulator = await shared.starting;
      return shared.emulator;
    } catch (error) {
      if (this.#running.get(id) === shared) this.#running.delete(id);
      throw error;
    }
  }

  /** Stops the emulator when its last user goes; keeps what is stored unless all users were `removed`. */
  async release(user: object, removed: boolean): Promise<void> {
    for (const [id, shared] of this.#running) {
      const storeId = shared.users.get(user);
      if (!shared.users.delete(user)) continue;
      if (!removed) shared.left.add(storeId);
      if (shared.users.size > 0) continue;
      this.#running.delete(id);
      const emulator = await shared.starting.catch(() => undefined);
      if (!emulator) continue;
      if (shared.left.size > 0) {
        const storeIds = [...shared.left].filter((one) => one !== undefined);
        this.#kept.set(id, { engine: emulator.engine, storeIds });
      }
      await emulator.close();
    }
  }

  /** Whether one runs at this address, or is about to. */
  runsAt(address: EmulatorAddress): boolean {
    return this.#running.has(idOf(address));
  }

  /** The port of the emulator that this user has. */
  portOf(user: object): number | undefined {
    for (const { users, port, emulator } of this.#running.values())
      if (emulator && users.has(user)) return port;
    return undefined;
  }

  /** The emulator that this client is connected to, if it is one of these. */
  serving(clientId: string): Emulator | undefined {
    for (const { emulator } of this.#running.values()) if (emulator?.serves(clientId)) return emulator;
    return undefined;
  }

  /** Drops what is kept for addresses that no node and no store uses any more; call it when flows have started. */
  forgetUnused(isDeployed: (storeId: string) => boolean): void {
    for (const [id, { storeIds }] of this.#kept) if (!storeIds.some(isDeployed)) this.#kept.delete(id);
  }
}

/** The emulators of this process: nodes run them, the sidebar looks into them. */
export const emulators = new Emulators();

async function readRules(given: string): Promise<Rules | undefined> {
  const text = given.trim();
  if (text === '') return undefined;
  return Rules.parse(text.includes('\n') ? text : await readFile(text, 'utf8'));
}

/** All that nodes which share an emulator must have in common, beside the address, for comparison: as given, with no file read. */
function termsOf({ rules, tls }: EmulatorSettings): string {
  return JSON.stringify([rules.trim(), tls.cert?.trim() ?? '', tls.key?.trim() ?? '', tls.ca?.trim() ?? '']);
}

function idOf({ host, port }: EmulatorAddress): string {
  return `${host}:${port}`;
}
