import { readFile } from 'node:fs/promises';
import type { StateStoreClient } from '../../client/state-store-client';
import { Rules } from '../../emulator/access/rules';
import { readTlsFiles, type TlsFiles } from '../../emulator/access/tls-files';
import { Emulator } from '../../emulator/broker';
import type { StateStoreEngine } from '../../emulator/engine';
import type { EmulatorOptions } from '../../emulator/options';

const LOOPBACK = /^(localhost|127\.0\.0\.1)$/i;
const WILDCARD = /^(0\.0\.0\.0|::|)$/;

export interface EmulatorAddress {
  host: string;
  port: number;
}

/** An address, and who may do what there. */
export interface EmulatorSettings extends EmulatorAddress {
  /** Path of a file of rules, or the rules (text of more than one line). Empty: every client has full access. */
  rules: string;
  /** Certificate, key and authorities of clients; without them plain TCP. */
  tls: TlsFiles;
  /** Absolute path of the file that keeps the keys; empty: in memory. The file that was there first is used if only stores share. */
  file?: string;
}

/** Another node runs the emulator at this address, with other settings. */
export class OtherSettingsError extends Error {}

interface Shared {
  /** What a node must have as well to share it; the address it listens on is among it. */
  terms: string;
  /** Absolute path; empty: in memory. */
  file: string;
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
 * by side; what is stored outlives a deploy, and Node-RED only with a file.
 */
export class Emulators {
  readonly #running = new Map<string, Shared>();
  readonly #kept = new Map<string, Kept>();
  /** Starts that wait until an ending emulator has released its address. */
  readonly #ending = new Map<string, Promise<void>>();
  /** Nodes that have not got theirs yet. */
  readonly #coming = new Set<object>();
  /** Nodes whose emulator could not be started, and its address. */
  readonly #failed = new Map<object, string>();

  /**
   * The emulator at this address, started if need be, for a node, or for the store with the ID `storeId`; one that only stores use
   * gives way to a node with other settings, if nothing is wrong with these. Rejects with {@link OtherSettingsError} when a node has it
   * with other settings, and with Node's error when the port cannot be had.
   */
  async acquire(user: object, settings: EmulatorSettings, storeId?: string): Promise<Emulator> {
    const id = idOf(settings);
    const present = this.#running.get(id);
    if (present && !isShared(present, settings, storeId)) {
      const isOtherStore = storeId !== undefined && present.terms !== termsOf(settings);
      if (isOtherStore || !isOfStores(present)) throw new OtherSettingsError();
      await this.#giveWay(id, present, user, settings);
    }
    const shared = this.#running.get(id) ?? this.#start(id, settings);
    shared.users.set(user, storeId);
    this.#failed.delete(user);
    try {
      shared.emulator = await shared.starting;
      return shared.emulator;
    } catch (error) {
      if (this.#running.get(id) === shared) this.#running.delete(id);
      if (storeId === undefined) this.#failed.set(user, id);
      throw error;
    }
  }

  /** Stops the emulator when its last user goes; keeps what is stored unless all users were `removed`. */
  async release(user: object, removed: boolean): Promise<void> {
    this.#coming.delete(user);
    this.#failed.delete(user);
    for (const [id, shared] of this.#running) {
      const storeId = shared.users.get(user);
      if (!shared.users.delete(user)) continue;
      if (!removed) shared.left.add(storeId);
      if (shared.users.size === 0) await this.#end(id, shared);
    }
  }

  /** Whether one runs at this address, or is about to. */
  runsAt(address: EmulatorAddress): boolean {
    return this.#running.has(idOf(address));
  }

  /** Whether a node could not start its emulator at this address. */
  hasFailedNodeAt(address: EmulatorAddress): boolean {
    const id = idOf(address);
    return [...this.#failed.values()].includes(id);
  }

  /** The port of the emulator that this user has. */
  portOf(user: object): number | undefined {
    for (const { users, port, emulator } of this.#running.values())
      if (emulator && users.has(user)) return port;
    return undefined;
  }

  /** The emulator that this client is connected to, if it is one of these. Its ID alone is not enough: each broker may have a client with it. */
  serving({ clientId, ends }: Pick<StateStoreClient, 'clientId' | 'ends'>): Emulator | undefined {
    if (ends === undefined) return undefined;
    for (const { emulator } of this.#running.values()) if (emulator?.serves(clientId, ends)) return emulator;
    return undefined;
  }

  /** Drops what is kept for addresses that no node and no store uses any more; call it when flows have started. */
  forgetUnused(isDeployed: (storeId: string) => boolean): void {
    for (const [id, { storeIds }] of this.#kept) if (!storeIds.some(isDeployed)) this.#kept.delete(id);
  }

  #start(id: string, settings: EmulatorSettings): Shared {
    const { file = '' } = settings;
    const ending = this.#ending.get(id);
    let kept = ending ? undefined : this.#take(id);
    const start = async () => {
      try {
        const parts = await partsOf(settings);
        await ending;
        kept ??= this.#take(id);
        const { host, port } = settings;
        const emulator = await Emulator.start({
          ...{ host, port, ...(kept && { engine: kept.engine }), ...parts },
          ...(file !== '' && { file }),
        });
        // Who uses it starts it again, with what is on disk.
        emulator.once('fault', () => {
          if (this.#running.get(id) === shared) this.#running.delete(id);
        });
        if (parts.rules?.grantsNoKey) closed.add(emulator);
        return emulator;
      } catch (error) {
        if (kept) this.#kept.set(id, kept);
        throw error;
      }
    };
    const { port } = settings;
    const shared: Shared = {
      terms: termsOf(settings),
      file,
      starting: start(),
      port,
      users: new Map(),
      left: new Set(),
    };
    this.#running.set(id, shared);
    return shared;
  }

  #take(id: string): Kept | undefined {
    const kept = this.#kept.get(id);
    this.#kept.delete(id);
    return kept;
  }

  /** Ends what stores use for a node that was not closed meanwhile. */
  async #giveWay(id: string, present: Shared, user: object, settings: EmulatorSettings): Promise<void> {
    this.#coming.add(user);
    try {
      await partsOf(settings);
      if (!this.#coming.has(user)) throw new Error('The node was closed before its emulator was started.');
    } finally {
      this.#coming.delete(user);
    }
    if (this.#running.get(id) !== present) return;
    for (const storeId of present.users.values()) present.left.add(storeId);
    this.#end(id, present).catch(() => undefined);
  }

  #end(id: string, shared: Shared): Promise<void> {
    const end = async () => {
      const emulator = await shared.starting.catch(() => undefined);
      try {
        if (emulator && shared.left.size > 0) {
          const storeIds = [...shared.left].filter((one) => one !== undefined);
          this.#kept.set(id, { engine: emulator.engine, storeIds });
        }
        await emulator?.close();
      } finally {
        if (this.#ending.get(id) === ending) this.#ending.delete(id);
      }
    };
    const ending = end();
    this.#running.delete(id);
    this.#ending.set(id, ending);
    return ending;
  }
}

/** Emulators with rules that grant access to no key. */
const closed = new WeakSet<Emulator>();

/** Whether the rules of an emulator grant access to no key. */
export function grantsNoKey(emulator: Emulator): boolean {
  return closed.has(emulator);
}

/** The emulators of this process: nodes run them, the sidebar looks into them. */
export const emulators = new Emulators();

/** What the settings name, read. Rejects with what is wrong with it. */
async function partsOf({ rules: given, tls: files }: EmulatorSettings): Promise<Partial<EmulatorOptions>> {
  const rules = await readRules(given);
  const tls = await readTlsFiles(files);
  return { ...(rules && { rules }), ...(tls && { tls }) };
}

async function readRules(given: string): Promise<Rules | undefined> {
  const text = given.trim();
  if (text === '') return undefined;
  return Rules.parse(text.includes('\n') ? text : await readFile(text, 'utf8'));
}

function isOfStores({ users }: Shared): boolean {
  return [...users.values()].every((one) => one !== undefined);
}

/**
 * True if a user with these settings shares the running emulator. A node decides where its keys are kept. All stores that want a file
 * have the same file.
 */
function isShared(present: Shared, settings: EmulatorSettings, storeId: string | undefined): boolean {
  const { file = '' } = settings;
  if (present.terms !== termsOf(settings)) return false;
  if (present.file === file) return true;
  return storeId !== undefined && (present.file !== '' || file === '' || !isOfStores(present));
}

/** All that nodes which share an emulator must have in common, beside the port, for comparison: as given, with no file read. */
function termsOf({ host, rules, tls }: EmulatorSettings): string {
  const address = LOOPBACK.test(host) ? '127.0.0.1' : host;
  const { cert = '', key = '', ca = '' } = tls;
  return JSON.stringify([address, rules.trim(), cert.trim(), key.trim(), ca.trim()]);
}

/** The same for addresses of which only one can be had at a port: this machine under its names, and all addresses of this machine. */
function idOf({ host, port }: EmulatorAddress): string {
  return LOOPBACK.test(host) || WILDCARD.test(host) ? `:${port}` : `${host}:${port}`;
}
