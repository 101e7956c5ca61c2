/** The start of a flow storage: checks, connection, and the flows of the store, or the copy on disk if the store is away. */
import { mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { addHealthPart } from '../health/parts';
import { adoptFiles } from './adopt';
import { Library, SharedNames } from './documents';
import { FlowStorage } from './flow-storage';
import { FlowStore } from './flow-store';
import { InstanceSettings } from './instance-settings';
import { writeJson } from './json-file';
import { LocalCopy } from './local-copy';
import type { ResolvedStorageOptions } from './options';
import type { Runtime } from './runtime';
import { Secret } from './secret';

/** The settings of Node-RED that the storage reads. */
export interface Settings {
  userDir?: string;
  flowFile?: string;
  credentialSecret?: unknown;
  editorTheme?: { projects?: { enabled?: boolean } };
}

/** The parts that answer Node-RED's calls. */
export interface OpenStorage {
  flows: FlowStorage;
  settings: InstanceSettings;
  sessions: SharedNames;
  library: Library;
}

/** Folder of this instance's copies, in the user directory. */
const FOLDER = '.statestore';

/** Rejects with an error that names the setting, or with the reason why there are no flows. Node-RED does not start then. */
export async function openStorage(
  options: ResolvedStorageOptions,
  settings: Settings,
  runtime: Runtime,
): Promise<OpenStorage> {
  const text = checkSettings(settings);
  const userDir = await prepareUserDir(settings);
  const { prefix, persist, instance, versions, maxBytes } = options;
  const secret = new Secret(text);
  const client = new StateStoreClient(options.client);
  const flows = new FlowStorage({
    client,
    store: new FlowStore(client, { prefix, persist, maxBytes, keep: versions }),
    copy: new LocalCopy(join(userDir, FOLDER, 'flows.json')),
    secret,
    secretKey: `${prefix}/secret`,
    runtime,
    instance,
  });
  try {
    await loadFlows(flows, client, options, runtime, (newerThanMs) =>
      adoptFiles({ ...settings, userDir }, secret, text, newerThanMs),
    );
  } catch (error) {
    await client.close();
    throw error;
  }
  flows.follow();
  addHealthPart({
    ...{ name: 'flows in the state store', problem: () => flows.problem() },
    client,
  });
  const shared = (name: string, title: string, encrypted?: Secret) =>
    new SharedNames(client, {
      ...{ key: `${prefix}/${name}`, title, persist, warn: (line) => runtime.log.warn(line) },
      ...(encrypted && { secret: encrypted }),
    });
  return {
    flows,
    settings: new InstanceSettings(
      join(userDir, FOLDER, 'settings.json'),
      shared('settings', 'The settings of the editor'),
    ),
    sessions: shared('sessions', 'The login sessions', secret),
    library: new Library(client, prefix, persist),
  };
}

async function loadFlows(
  flows: FlowStorage,
  client: StateStoreClient,
  { startTimeout }: ResolvedStorageOptions,
  runtime: Runtime,
  adopt: Parameters<FlowStorage['load']>[0],
): Promise<void> {
  try {
    await client.connect({ timeout: startTimeout });
    await flows.load(adopt);
  } catch (error) {
    if (!(error instanceof StateStoreError) || !error.retryable) throw error;
    const copy = await flows.loadCopy();
    if (!copy) throw noFlows(error, startTimeout);
    runtime.log.warn(
      `Node-RED starts with its copy of the flows that ${copy.user ?? copy.by} deployed at ${copy.at}, because the state store cannot be used: ${error.message}`,
    );
  }
}

function checkSettings({ credentialSecret, editorTheme }: Settings): string {
  if (editorTheme?.projects?.enabled === true) {
    throw refused(
      'Projects cannot be used with flows in the state store',
      'Each instance would have its own Git folder. Set editorTheme.projects.enabled to false in settings.js.',
    );
  }
  if (typeof credentialSecret === 'string' && credentialSecret !== '') return credentialSecret;
  throw refused(
    'Flows in the state store need the setting credentialSecret in settings.js',
    'Without it, credentials would be readable by every client that can read the keys. Enter the same long text in all instances.',
  );
}

/** Node-RED's own storage prepares this folder, which other parts of Node-RED rely on. */
async function prepareUserDir(settings: Settings): Promise<string> {
  settings.userDir ??= join(process.env.HOME ?? homedir(), '.node-red');
  const { userDir } = settings;
  await mkdir(join(userDir, 'node_modules'), { recursive: true });
  const manifest = join(userDir, 'package.json');
  const found = await stat(manifest).catch(() => undefined);
  if (!found) {
    await writeJson(manifest, {
      name: 'node-red-project',
      description: 'A Node-RED Project',
      version: '0.0.1',
      private: true,
    });
  }
  return userDir;
}

function noFlows(cause: StateStoreError, startTimeout: number): StateStoreError {
  return new StateStoreError(
    cause.code,
    {
      problem: `The flows could not be loaded from the state store within ${startTimeout} ms, and this instance has no copy of them`,
      advice: `Node-RED does not start. ${cause.message}`,
    },
    { cause },
  );
}

function refused(problem: string, advice: string): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', { problem, advice });
}
