/** The emulator of a store at the place *Emulator*. */
import { join } from 'node:path';
import type { NodeAPI } from 'node-red';
import type { StateStoreClientOptions } from '../../client/options';
import type { Damage } from '../../emulator/file/store-file';
import { DEFAULT_EMULATOR_PORT } from '../../emulator/options';
import { userFile } from '../emulator/file-path';
import { type Keeping, LocalEmulator } from '../emulator/local-emulator';
import { translate } from '../words/translate';
import type { StoreNode } from './store';
import { forgetUnusedEmulators } from './unused-emulators';

/** `started`: resolves when the flows that the store belongs to have started. */
export function emulatorOf(
  RED: NodeAPI,
  node: StoreNode,
  options: StateStoreClientOptions,
  started: Promise<void>,
): LocalEmulator {
  forgetUnusedEmulators(RED);
  return new LocalEmulator(node.id, options, started, keeping(RED, node, options));
}

/** The file for the keys of an emulator at the port of this store, if there is a user directory for it. */
function keeping(
  RED: NodeAPI,
  node: StoreNode,
  { port = DEFAULT_EMULATOR_PORT }: StateStoreClientOptions,
): Keeping | undefined {
  const file = node.settings.keep ? userFile(RED, join('statestore', `emulator-${port}.store`)) : undefined;
  if (file === undefined) return undefined;
  const onDamage = ({ keptAs, bytes }: Damage) =>
    node.warn(translate(RED, 'log.fileDamaged', { file, keptAs, bytes }));
  return { file, onDamage };
}
