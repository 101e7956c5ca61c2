/**
 * The state store as a context store of Node-RED: docs/context.md.
 *
 * ```js
 * contextStorage: {
 *   default: 'memory',
 *   memory: { module: 'memory' },
 *   shared: { module: require('@edgestate/node-red-statestore/context'), config: { host: 'localhost', port: 1883 } },
 * },
 * ```
 */
import { CachedStore } from './cached-store';
import type { ContextStore } from './context-store';
import { DirectStore } from './direct-store';
import { endWithFailure, loadNodeRed } from './node-red';
import { type ContextStoreOptions, resolveContextOptions } from './options';
import { ProcessLocalStore } from './process-local-store';
import { StoreLog } from './store-log';
import { Words } from './words';

/** Makes a context store; Node-RED opens it. Throws `BAD_ARGUMENT` that names the option that is wrong. */
function contextStore(config: ContextStoreOptions = {}): ContextStore {
  try {
    const options = resolveContextOptions(config);
    const nodeRed = loadNodeRed();
    const log = new StoreLog(nodeRed.log, new Words(nodeRed.i18n));
    const shared = options.cache
      ? new CachedStore(options, nodeRed, log)
      : new DirectStore(options, nodeRed, log);
    return new ProcessLocalStore(shared, options, nodeRed.util, log);
  } catch (error) {
    endWithFailure();
    throw error;
  }
}

/** What Node-RED's log calls it. */
Object.defineProperty(contextStore, 'toString', { value: () => 'statestore' });

namespace contextStore {
  /** `config` in settings.js. */
  export type Options = ContextStoreOptions;
  /** What Node-RED, or a program, calls. */
  export type Store = ContextStore;
}

export = contextStore;
