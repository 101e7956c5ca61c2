/** Node-RED's storage in the state store: docs/flow-storage.md. */
import { hostname } from 'node:os';
import { StateStoreError } from '../errors';
import type { Meta, Names } from './documents';
import { type OpenStorage, openStorage, type Settings } from './open';
import { type FlowStorageOptions, resolveStorageOptions } from './options';
import type { FlowNode, Runtime } from './runtime';

/** A storage module as Node-RED calls it. */
interface NodeRedStorage {
  init(settings: object, runtime: object): Promise<void>;
  getFlows(): Promise<object[]>;
  saveFlows(flows: object[], user?: { username?: string }): Promise<void>;
  getCredentials(): Promise<object>;
  saveCredentials(credentials: object): Promise<void>;
  getSettings(): Promise<object>;
  saveSettings(settings: object): Promise<void>;
  getSessions(): Promise<object>;
  saveSessions(sessions: object): Promise<void>;
  getLibraryEntry(type: string, path: string): Promise<unknown>;
  saveLibraryEntry(type: string, path: string, meta: object, body: string): Promise<void>;
}

/**
 * A storage for the setting `storageModule` of Node-RED: all instances with the same prefix run the same flows, and a deploy in one editor
 * reaches all of them. Throws `BAD_ARGUMENT` that names a wrong option.
 *
 * ```js
 * storageModule: require('@edgestate/node-red-statestore/storage')({ from: 'environment' }),
 * ```
 */
function flowStorage(options: FlowStorageOptions = {}): NodeRedStorage {
  const resolved = resolveStorageOptions(options, hostname());
  let opened: OpenStorage | undefined;
  const use = (): OpenStorage => {
    if (opened) return opened;
    throw new StateStoreError('CLOSED', 'The flow storage is not open.');
  };
  return {
    async init(settings, runtime) {
      opened = await openStorage(resolved, settings as Settings, runtime as Runtime);
    },
    getFlows: async () => use().flows.flows(),
    saveFlows: (flows, user) => use().flows.save(flows as FlowNode[], user?.username),
    getCredentials: async () => use().flows.credentials(),
    saveCredentials: async (credentials) => use().flows.keepCredentials(credentials),
    getSettings: () => use().settings.read(),
    saveSettings: (settings) => use().settings.write(settings as Names),
    getSessions: () => use().sessions.read(),
    saveSessions: (sessions) => use().sessions.write(sessions as Names),
    getLibraryEntry: (type, path) => use().library.read(type, path),
    saveLibraryEntry: (type, path, meta, body) => use().library.write(type, path, meta as Meta, body),
  };
}

namespace flowStorage {
  /** The options of the storage. */
  export type Options = FlowStorageOptions;
  /** A storage module as Node-RED, or a program, calls it. */
  export type Storage = NodeRedStorage;
}

export = flowStorage;
