/** Tests the connection of a store: as it is deployed, or with settings that are not. */
import type { NodeAPI } from 'node-red';
import { type Diagnosis as ClientDiagnosis, diagnose } from '../../client/diagnosis';
import type { StateStoreClientOptions } from '../../client/options';
import { StateStoreError } from '../../errors';
import { ConnectionError } from '../../mqtt/connection-error';
import { LocalEmulator } from '../emulator/local-emulator';
import { variablesOf } from '../message/environment';
import { deployedStore, runningInstance, runningStoreNode } from './deployed-stores';
import { isAutomatic, type StoreCredentials, type StoreSettings } from './settings';
import type { StoreNode } from './store';
import { readStoreSettings } from './store-options';

/** What Node-RED's editor shows instead of a password that is stored. */
const STORED = '__PWRD__';

export type Diagnosis = ClientDiagnosis & {
  /** The port of the emulator, if another program has the port in the settings. */
  movedTo?: number;
};

/** What the dialog sends: its values, saved or not. */
export interface TestRequest {
  /** ID of the config node, for what only the server knows. */
  id: string;
  settings: StoreSettings;
  credentials: StoreCredentials;
}

/** Tests settings and typed credentials. A `BAD_ARGUMENT` in them is a result. */
export function testStore(RED: NodeAPI, request: TestRequest): Promise<Diagnosis> {
  const { id, settings } = request;
  return diagnosed(RED, runningInstance(id) ?? null, id, settings, () => credentialsOf(RED, request));
}

/** Tests the store that runs with this ID. */
export async function testDeployedStore(RED: NodeAPI, id: string): Promise<Diagnosis> {
  const node = runningStoreNode(id);
  return diagnosed(RED, node ?? null, id, node?.settings ?? {}, () => node?.credentials ?? {});
}

async function diagnosed(
  RED: NodeAPI,
  node: StoreNode | null,
  id: string,
  settings: StoreSettings,
  credentials: () => StoreCredentials,
): Promise<Diagnosis> {
  const failed = (step: Diagnosis['results'][number]['step'], reason: string, message: string) => ({
    results: [{ step, ok: false, message, reason }],
  });
  try {
    const options = readStoreSettings(RED, settings, credentials(), variablesOf(RED, node));
    return isAutomatic(settings, options) ? await withEmulator(id, options) : await diagnose(options);
  } catch (error) {
    if (error instanceof ConnectionError) return failed('network', error.reason, error.message);
    if (error instanceof StateStoreError) return failed('settings', error.code, error.message);
    throw error;
  }
}

/** The emulator that a deploy would use or start; one that runs for this test alone ends with it. */
async function withEmulator(id: string, options: StateStoreClientOptions): Promise<Diagnosis> {
  const emulator = new LocalEmulator(id, options);
  try {
    const address = await emulator.locate();
    const { movedTo } = emulator;
    return { ...(await diagnose({ ...options, ...address })), ...(movedTo !== undefined && { movedTo }) };
  } finally {
    await emulator.release(false);
  }
}

/**
 * The entered credentials, and for each placeholder the stored ones of this store. A stored password is sent
 * only as the deployed store would send it: a wrong host must not get it, and without TLS the network must not see
 * it. The password of the key is not sent.
 */
function credentialsOf(RED: NodeAPI, { id, settings, credentials }: TestRequest): StoreCredentials {
  const store = deployedStore(RED, id);
  const stored: StoreCredentials = (store && RED.nodes.getCredentials(id)) ?? {};
  const { username, password, keyPassword } = credentials;
  const isSent = settings.login === 'password' && settings.source !== 'environment';
  if (
    isSent &&
    password === STORED &&
    !(store && stored.password && destination(store) === destination(settings))
  ) {
    throw new StateStoreError(
      'BAD_ARGUMENT',
      'The password of this store is only sent to the host, port and TLS settings that are deployed. Enter it again, or deploy these settings first.',
    );
  }
  return {
    ...(username && { username }),
    ...withStored('password', password, stored),
    ...withStored('keyPassword', keyPassword, stored),
  };
}

function withStored<Name extends keyof StoreCredentials>(
  name: Name,
  typed: string | undefined,
  stored: StoreCredentials,
): { [N in Name]?: string } {
  const value = typed === STORED ? stored[name] : typed;
  return (value ? { [name]: value } : {}) as { [N in Name]?: string };
}

/** Where a password goes and who can read it on the way, for comparison. */
function destination({ host, port, tls, tlsConfig, caFile, verify }: StoreSettings): string {
  const texts = [host, port, tls, tlsConfig, caFile].map((value) => String(value ?? '').trim());
  return JSON.stringify([...texts, verify !== false]);
}
