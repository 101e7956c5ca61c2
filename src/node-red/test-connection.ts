/** The admin endpoint behind the button "Test connection". */
import type { NodeAPI } from 'node-red';
import { type Diagnosis, diagnose } from '../client/diagnosis';
import { StateStoreError } from '../protocol/errors';
import { readStoreSettings, type StoreCredentials, type StoreSettings } from './settings';

/** What Node-RED's editor shows instead of a password that is stored. */
const STORED = '__PWRD__';

/** What the dialog sends: its values, saved or not. */
interface TestRequest {
  /** ID of the config node, for what only the server knows. */
  id?: string;
  settings: StoreSettings;
  credentials: StoreCredentials;
}

/** Serves `POST statestore/test`; only for people who may write flows. Neither answer nor log has a secret. */
export function serveTestConnection(RED: NodeAPI): void {
  RED.httpAdmin.post(
    '/statestore/test',
    RED.auth.needsPermission('statestore.write'),
    (request, response) => {
      test(RED, request.body as TestRequest).then(
        (diagnosis) => response.json(diagnosis),
        (error) => response.status(400).json({ error: String(error) }),
      );
    },
  );
}

async function test(RED: NodeAPI, { id, settings, credentials }: TestRequest): Promise<Diagnosis> {
  const stored =
    (id ? (RED.nodes.getCredentials(id) as StoreCredentials | null | undefined) : undefined) ?? {};
  try {
    return await diagnose(readStoreSettings(RED, settings ?? {}, merge(stored, credentials ?? {})));
  } catch (error) {
    if (!(error instanceof StateStoreError)) throw error;
    return { results: [{ step: 'settings', ok: false, message: error.message, reason: error.code }] };
  }
}

/** The dialog has the placeholder where a password was not touched. */
function merge(stored: StoreCredentials, typed: StoreCredentials): StoreCredentials {
  return Object.fromEntries(
    (['username', 'password', 'keyPassword'] as const).flatMap((name) => {
      const value = typed[name] === STORED ? stored[name] : typed[name];
      return value ? [[name, value]] : [];
    }),
  );
}
