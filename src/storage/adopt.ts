/** The flows of an instance that used files before: they become the first version in an empty store. */
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, parse, resolve } from 'node:path';
import { readJson } from './json-file';
import type { FlowNode } from './runtime';
import type { EncryptedCredentials, Secret } from './secret';

export interface AdoptedFlows {
  flows: FlowNode[];
  credentials: object;
  /** The file that the flows came from. */
  path: string;
}

/** The settings of Node-RED that say where the files are. */
interface FileSettings {
  userDir: string;
  flowFile?: string;
}

/**
 * Reads the flow file of Node-RED and its credentials, which are encrypted with `secret` afterwards. Returns `undefined` if there is no flow
 * file that was changed after `newerThanMs` (milliseconds since 1970). Throws an error that names the file if it cannot be read, or if its
 * credentials were encrypted with another secret.
 */
export async function adoptFiles(
  settings: FileSettings,
  secret: Secret,
  text: string,
  newerThanMs: number,
): Promise<AdoptedFlows | undefined> {
  const name = settings.flowFile ?? `flows_${hostname()}.json`;
  for (const candidate of new Set([name, 'flows.json'])) {
    const path = await pathOf(candidate, settings);
    const flows = await readJson(path);
    if (flows === undefined) continue;
    if ((await changedAt(path)) <= newerThanMs) return undefined;
    if (!Array.isArray(flows)) throw new Error(`The flow file ${path} is not a list of nodes.`);
    const credentials = await readJson(credentialsFileOf(path, settings));
    return { flows, credentials: await readable(credentials, settings, secret, text, path), path };
  }
  return undefined;
}

/** The place where Node-RED looks for a flow file: in the current folder first, and then in the user directory. */
async function pathOf(name: string, { userDir }: FileSettings): Promise<string> {
  const here = resolve(name);
  return name.startsWith('./') || (await changedAt(here)) > 0 ? here : resolve(userDir, name);
}

/** `flows_cred.json` for `flows.json`, in the user directory wherever the flow file is. */
function credentialsFileOf(path: string, { userDir }: FileSettings): string {
  const { name, ext } = parse(path);
  return join(userDir, `${name}_cred${ext}`);
}

/** In milliseconds since 1970. 0 if there is no such file. */
async function changedAt(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.mtimeMs ?? 0;
}

async function readable(
  credentials: unknown,
  settings: FileSettings,
  secret: Secret,
  text: string,
  path: string,
): Promise<object> {
  if (typeof credentials !== 'object' || credentials === null) return {};
  if (!('$' in credentials)) return secret.encryptCredentials(JSON.stringify(credentials));
  for (const from of [text, await generatedSecret(settings)]) {
    if (typeof from !== 'string') continue;
    try {
      return secret.reencrypt(credentials as EncryptedCredentials, from);
    } catch {
      // Node-RED's cipher has no check of its own: with another secret the text is not JSON.
    }
  }
  throw new Error(
    `The credentials of the flow file ${path} cannot be decrypted with the credentialSecret of settings.js.`,
  );
}

/** The secret that Node-RED made for itself while settings.js had none. */
async function generatedSecret({ userDir }: FileSettings): Promise<unknown> {
  const settings = await readJson(join(userDir, '.config.runtime.json'));
  return (settings as { _credentialSecret?: unknown } | undefined)?._credentialSecret;
}
