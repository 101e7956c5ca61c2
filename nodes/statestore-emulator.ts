/** A state store on this machine, for trying, teaching and testing. */
import { resolve } from 'node:path';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { DEFAULT_EMULATOR_HOST, DEFAULT_EMULATOR_PORT } from '../src/emulator/options';
import { EmulatorStatus } from '../src/node-red/emulator/emulator-status';
import { emulators, OtherSettingsError } from '../src/node-red/emulator/emulators';
import { userFile } from '../src/node-red/emulator/file-path';
import { deployedStore, runningStore } from '../src/node-red/store/deployed-stores';
import { fieldText } from '../src/node-red/words/field-text';

interface StateStoreEmulatorDef extends NodeDef {
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

function fileOf(RED: NodeAPI, field: string | undefined): string {
  const path = fieldText(field).trim();
  return path === '' ? '' : (userFile(RED, path) ?? resolve(path));
}

export = (RED: NodeAPI): void => {
  /** How to try again, for nodes that found another one with other rules at their address: a deploy may have changed that one. */
  const refused = new Map<Node, () => void>();
  RED.events.on('flows:started', () => {
    for (const again of [...refused.values()]) again();
    emulators.forgetUnused((storeId) => (runningStore(storeId) ?? deployedStore(RED, storeId)) !== undefined);
  });

  function StateStoreEmulator(this: Node, def: StateStoreEmulatorDef): void {
    RED.nodes.createNode(this, def);
    const address = {
      host: fieldText(def.host).trim() || DEFAULT_EMULATOR_HOST,
      port: Number(def.port || DEFAULT_EMULATOR_PORT),
      rules: fieldText(def.rules),
      file: fileOf(RED, def.file),
      tls: { cert: def.cert, key: def.key, ca: def.ca },
    };
    const status = new EmulatorStatus(RED, this, address);
    const start = (flowsStarted: boolean): void => {
      refused.delete(this);
      emulators.acquire(this, address).then(
        (emulator) => status.running(emulator),
        (error: NodeJS.ErrnoException) => {
          const isRefused = error instanceof OtherSettingsError;
          if (isRefused) refused.set(this, () => start(true));
          // Before the flows have started no Catch node would hear of it; it is tried again when they have.
          if (!isRefused || flowsStarted) status.failed(error);
        },
      );
    };
    start(false);
    this.on('close', (removed: boolean, done: () => void) => {
      refused.delete(this);
      status.stop();
      void emulators.release(this, removed).then(done, done);
    });
  }
  RED.nodes.registerType('statestore-emulator', StateStoreEmulator);
};
