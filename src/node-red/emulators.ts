import { readFile } from 'node:fs/promises';
import type { Node } from 'node-red';
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
  /** Once it has started. */
  emulator?: Emulator;
  users: Set<Node>;
}

/**
 * The emulators of this Node-RED, by address. Nodes with the same address share one, so that several examples run side
 * by side; what is stored outlives a deploy, though not Node-RED.
 */
export class Emulators {
  readonly #running = new Map<string, Shared>();
  readonly #kept = new Map<string, StateStoreEngine>();

  /**
   * The emulator at this address, started if need be. Rejects with {@link OtherSettingsError} when another node has it with other
   * settings, and with Node's error when the port cannot be had.
   */
  async acquire(node: Node, settings: EmulatorSettings): Promise<Emulator> {
    const { rules: given, tls: files, ...address } = settings;
    const id = idOf(address);
    const terms = termsOf(settings);
    let shared = this.#running.get(id);
    if (shared && shared.terms !== terms) throw new OtherSettingsError();
    if (!shared) {
      const engine = this.#kept.get(id);
      this.#kept.delete(id);
      const starting = readRules(given).then(async (rules) => {
        const tls = await readTlsFiles(files);
        return Emulator.start({
          ...address,
          ...(engine && { engine }),
          ...(rules && { rules }),
          ...(tls && { tls }),
        });
      });
      shared = { terms, starting, users: new Set() };
      this.#running.set(id, shared);
    }
    shared.users.add(node);
    try {
      shared.emulator = await shared.starting;
      return shared.emulator;
    } catch (error) {
      if (this.#running.get(id) === shared) this.#running.delete(id);
      throw error;
    }
  }

  /** Stops the emulator when its last node goes; keeps what is stored unless that node is `removed`. */
  async release(node: Node, address: EmulatorAddress, removed: boolean): Promise<void> {
    const id = idOf(address);
    const shared = this.#running.get(id);
    if (!shared?.users.delete(node) || shared.users.size > 0) return;
    this.#running.delete(id);
    const emulator = await shared.starting.catch(() => undefined);
    if (!emulator) return;
    if (!removed) this.#kept.set(id, emulator.engine);
    await emulator.close();
  }

  /** The emulator that this client is connected to, if it is one of these. */
  serving(clientId: string): Emulator | undefined {
    for (const { emulator } of this.#running.values()) if (emulator?.serves(clientId)) return emulator;
    return undefined;
  }

  /** Drops what is kept for addresses that no node uses any more; call it when flows have started. */
  forgetUnused(): void {
    this.#kept.clear();
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
