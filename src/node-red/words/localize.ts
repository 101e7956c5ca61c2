import type { NodeAPI } from 'node-red';
import type { StateStoreError } from '../../errors';
import { translate } from './translate';

/**
 * What happened and what to do, in the language of the runtime. The catalogue of a language has a sentence for every code of an
 * error and every reason why there is no connection, around what is known of this very case in English (`detail`). In the
 * English catalogue that is all there is to say.
 */
export function errorText(RED: NodeAPI, code: string, detail: string): string {
  const key = `error.${code}`;
  const text = translate(RED, key, { detail });
  return text.endsWith(key) ? detail : text;
}

/** Errors that are translated already: several nodes may report one error. */
const translated = new WeakSet<StateStoreError>();

/** The same error with its message in the language of the runtime. */
export function localize(RED: NodeAPI, error: StateStoreError): StateStoreError {
  if (!translated.has(error)) error.message = errorText(RED, error.reason ?? error.code, error.message);
  translated.add(error);
  return error;
}
