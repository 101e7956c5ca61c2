/** What the emulator node does: runs a state store on this machine, for trying, teaching and testing. */
import { resolve } from 'node:path';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { DEFAULT_EMULATOR_HOST, DEFAULT_EMULATOR_PORT } from '../../emulator/options';
import { EmulatorStatus } from '../emulator/emulator-status';
import { emulators, OtherSettingsError } from '../emulator/emulators';
import { userFile } from '../emulator/file-path';
import { forgetUnusedEmulators } from '../store/unused-emulators';
import { fieldText } from '../words/field-text';

export interface EmulatorNodeDef extends NodeDef {
  host: string;
  port: string | number;
  /** Path of a file with users and rules, or these themselves. */
  rules?: string;
  /** Path of the file that keeps the keys, from the user directory on; blank: in memory. */
  file?: string;
  /** Paths of PEM files: certificate, its private key, and the authorities of clients. */
  cert?: string;
  key?: string;
  ca?: string;
}

/** The emulator nodes of one Node-RED. */
export class EmulatorNodes {
  readonly #RED: NodeAPI;
  /** How to try again, for nodes that found another one with other rules at their address: a deploy may have changed that one. */
  readonly #refused = new Map<Node, () => void>();

  constructor(RED: NodeAPI) {
    this.#RED = RED;
    RED.events.on('flows:started', () => {
      for (const retry of [...this.#refused.values()]) retry();
    });
    forgetUnusedEmulators(RED);
  }

  /** Makes a created node an emulator node. */
  make(node: Node, def: EmulatorNodeDef): void {
    const address = {
      host: fieldText(def.host).trim() || DEFAULT_EMULATOR_HOST,
      port: Number(def.port || DEFAULT_EMULATOR_PORT),
      rules: fieldText(def.rules),
      file: this.#fileOf(def.file),
      tls: { cert: def.cert, key: def.key, ca: def.ca },
    };
    const status = new EmulatorStatus(this.#RED, node, address);
    const start = (flowsStarted: boolean): void => {
      this.#refused.delete(node);
      emulators.acquire(node, address).then(
        (emulator) => status.running(emulator),
        (error: NodeJS.ErrnoException) => {
          const isRefused = error instanceof OtherSettingsError;
          if (isRefused) this.#refused.set(node, () => start(true));
          // A Catch node does not run before the flows have started, so the error is reported again when they have.
          if (!isRefused || flowsStarted) status.failed(error);
        },
      );
    };
    start(false);
    node.on('close', (removed: boolean, done: () => void) => {
      this.#refused.delete(node);
      status.stop();
      void emulators.release(node, removed).then(done, done);
    });
  }

  #fileOf(field: string | undefined): string {
    const path = fieldText(field).trim();
    return path === '' ? '' : (userFile(this.#RED, path) ?? resolve(path));
  }
}
