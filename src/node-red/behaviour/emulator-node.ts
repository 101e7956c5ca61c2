/** What the emulator node does: runs a state store on this machine, for trying, teaching and testing. */
import { resolve } from 'node:path';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { DEFAULT_EMULATOR_HOST, DEFAULT_EMULATOR_PORT } from '../../emulator/options';
import { EmulatorStatus } from '../emulator/emulator-status';
import { emulators, OtherSettingsError } from '../emulator/emulators';
import { userFile } from '../emulator/file-path';
import { FlowsStart } from '../store/flows-start';
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

/** Makes a created node an emulator node. */
export function makeEmulatorNode(RED: NodeAPI, node: Node, def: EmulatorNodeDef): void {
  const address = {
    host: fieldText(def.host).trim() || DEFAULT_EMULATOR_HOST,
    port: Number(def.port || DEFAULT_EMULATOR_PORT),
    rules: fieldText(def.rules),
    file: fileOf(RED, def.file),
    tls: { cert: def.cert, key: def.key, ca: def.ca },
  };
  const status = new EmulatorStatus(RED, node, address);
  let isClosed = false;
  const start = (flowsStarted: boolean): void => {
    emulators.acquire(node, address).then(
      (emulator) => status.running(emulator),
      (error: NodeJS.ErrnoException) => {
        const isRefused = error instanceof OtherSettingsError;
        if (isRefused) startAgain();
        // A Catch node does not run before the flows have started, so the error is reported again when they have.
        if (!isRefused || flowsStarted) status.failed(error);
      },
    );
  };
  /** Another emulator with other settings has the address. A deploy may change that one. */
  const startAgain = (): void => {
    void FlowsStart.of(RED).next.then(() => {
      if (!isClosed) start(true);
    });
  };
  forgetUnusedEmulators(RED);
  start(false);
  node.on('close', (removed: boolean, done: () => void) => {
    isClosed = true;
    status.stop();
    void emulators.release(node, removed).then(done, done);
  });
}

function fileOf(RED: NodeAPI, field: string | undefined): string {
  const path = fieldText(field).trim();
  return path === '' ? '' : (userFile(RED, path) ?? resolve(path));
}
