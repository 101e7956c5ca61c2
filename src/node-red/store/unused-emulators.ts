/** Emulators whose keys are kept for a store or a node that is gone. */
import type { NodeAPI } from 'node-red';
import { emulators } from '../emulator/emulators';
import { deployedStore, runningStore } from './deployed-stores';

const served = new WeakSet<object>();

/** From now on drops, whenever flows have started, the keys of emulators that no node and no store of them uses. */
export function forgetUnusedEmulators(RED: NodeAPI): void {
  if (served.has(RED.events)) return;
  served.add(RED.events);
  RED.events.on('flows:started', () => {
    emulators.forgetUnused((storeId) => (runningStore(storeId) ?? deployedStore(RED, storeId)) !== undefined);
  });
}
