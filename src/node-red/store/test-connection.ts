/** The admin endpoint behind the button "Test connection". */
import type { NodeAPI } from 'node-red';
import { type Diagnosis as ClientDiagnosis, diagnose } from '../../client/diagnosis';
import type { StateStoreClientOptions } from '../../client/options';
import { StateStoreError } from '../../errors';
import { ConnectionError } from '../../mqtt/connection-error';
import { LocalEmulator } from '../emulator/local-emulator';
import { withEnvironment } from '../message/environment-value';
import { deployedStore } from './deployed-stores';
import { isAutomatic, readStoreSettings, type StoreCredentials, type StoreSettings } from './settings';

/** What Node-RED's editor shows instead of a password that is stored. */
const STORED = '__PWRD__';

type Diagnosis = ClientDiagnosis & {
  /** The port of the emulator, where it could not have the one that was chosen. */
  movedTo?: number;
};

/** What the dialog sends: its values, saved or not. */
interface TestRequest {
  /** ID of the config node, for what only the server knows. */
  id: string;
  settings: StoreSettings;
  credentials: StoreCredentials;
}

/**
 * Serves `POST statestore/test`; only for people who may also deploy such settings, because a test uses the files and variables that they
 * name. Neither answer nor log has a secret.
 */
export function serveTestConnection(RED: NodeAPI): void {
  RED.httpAdmin.post(
    '/statestore/test',
    RED.auth.needsPermission('flows.write'),
    RED.auth.needsPermission('statestore.write'),
    (request, response) => {
      test(RED, request.body).then(
        (diagnosis) => response.json(diagnosis),
        (error) =>
          response.status(400).json({ error: error instanceof Error ? error.message : String(error) }),
      );
    },
  );
}

/** Rejects when the body is no request. */
async function test(RED: NodeAPI, body: unknown): Promise<Diagnosis> {
  const request = readRequest(body);
  return diagnosed(RED, request.id, request.settings, () => credentialsOf(RED, request));
}

/** Tests a store as it is deployed. */
export function testDeployedStore(RED: NodeAPI, id: string): Promise<Diagnosis> {
  return diagnosed(RED, id, deployedStore(RED, id) ?? {}, () => RED.nodes.getCredentials(id) ?? {});
}

/** What is wrong with the settings is a result. */
async function diagnosed(
  RED: NodeAPI,
  id: string,
  settings: StoreSettings,
  credentials: () => StoreCredentials,
): Promise<Diagnosis> {
  try {
    const options = readStoreSettings(RED, withEnvironment(RED, id, settings), credentials());
    return isAutomatic(settings, options) ? await withEmulator(id, options) : await diagnose(options);
  } catch (error) {
    if (!(error instanceof StateStoreError)) throw error;
    return { results: [{ step: 'settings', ok: false, message: error.message, reason: error.code }] };
  }
}

/** The emulator that a deploy would use or start; one that runs for this test alone ends with it. */
async function withEmulator(id: string, options: StateStoreClientOptions): Promise<Diagnosis> {
  const emulator = new LocalEmulator(id, options);
  try {
    const address = await emulator.locate();
    const { movedTo } = emulator;
    return { ...(await diagnose({ ...options, ...address })), ...(movedTo !== undefined && { movedTo }) };
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    return { results: [{ step: 'network', ok: false, message: error.message, reason: error.reason }] };
  } finally {
    await emulator.release(false);
  }
}

/**
 * The typed credentials, and where the dialog has the placeholder, those that are stored for this very store. A stored password leaves
 * this machine only as its deployed store would send it: a slip in the host must not hand it to a stranger, nor TLS switched off to
 * everybody on the way. The key's password stays here.
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
      'The password of this store is kept for the host, port and TLS settings that are deployed. Enter it again, or deploy these settings first.',
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

/** Throws what is wrong with the shape of a body. A word that is no choice of the dialog counts as the first one. */
function readRequest(body: unknown): TestRequest {
  const { id = '', settings, credentials = {} } = object(body, 'the body');
  if (typeof id !== 'string') throw malformed('id', 'text');
  const { verify = true, ...rest } = object(settings, 'settings');
  if (typeof verify !== 'boolean') throw malformed('settings.verify', 'true or false');
  return {
    id,
    settings: { ...(texts(rest, 'settings') as StoreSettings), verify },
    credentials: texts(object(credentials, 'credentials'), 'credentials') as StoreCredentials,
  };
}

function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw malformed(name, 'an object');
}

/** The fields as text; one that is null is blank. */
function texts(fields: Record<string, unknown>, name: string): Record<string, string> {
  const read = Object.entries(fields).flatMap(([field, value]) => {
    if (value === null) return [];
    if (typeof value === 'string' || typeof value === 'number') return [[field, String(value)]];
    throw malformed(`${name}.${field}`, 'text or a number');
  });
  return Object.fromEntries(read);
}

function malformed(name: string, what: string): Error {
  return new Error(`This is no test of a connection: ${name} must be ${what}.`);
}
