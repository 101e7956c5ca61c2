/** The endpoint behind the button *Test connection* in the dialog of a store. */
import type { NodeAPI } from 'node-red';
import { type TestRequest, testStore } from '../store/test-connection';
import { handler } from './endpoint';
import { ENDPOINTS } from './endpoint-table';
import { type Field, flag, object, optionalText, text } from './fields';
import type { TestedConnection } from './protocol';
import type { Handler } from './route';

/** Characters of a setting. */
const MAX_TEXT = 4096;

const setting = optionalText(MAX_TEXT);

/** A word that is not a choice of the dialog counts as the first choice. */
function choice<Word extends string>(...words: Word[]): Field<Word | undefined> {
  return (value, name) => {
    const found = setting(value, name);
    return words.find((word) => word === found);
  };
}

const settings = object({
  place: choice('emulator', 'aio', 'other', 'environment'),
  source: choice('settings', 'environment'),
  host: setting,
  port: setting,
  tls: choice('', 'public', 'config', 'files'),
  tlsConfig: setting,
  caFile: setting,
  certFile: setting,
  keyFile: setting,
  verify: flag(true),
  login: choice('', 'password', 'token'),
  tokenFile: setting,
  clientId: setting,
  keepAlive: setting,
  sessionExpiry: setting,
  timeout: setting,
  inFlightLimit: setting,
  queueLimit: setting,
  keyPrefix: setting,
  persistName: setting,
  persistValue: setting,
  persistAll: flag(),
  metricCategory: setting,
  highPriority: flag(true),
});

const credentials = object({ username: setting, password: setting, keyPassword: setting });

const body: Field<TestRequest> = object({
  id: (value, name) => (value === undefined ? '' : text(MAX_TEXT)(value, name)),
  settings,
  credentials: (value, name) => credentials(value ?? {}, name),
});

export function testHandler(RED: NodeAPI): Handler {
  return handler(RED, ENDPOINTS.test, body, (call): Promise<TestedConnection> => testStore(RED, call.body));
}
