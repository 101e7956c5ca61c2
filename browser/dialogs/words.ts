/** The texts of this package in the language of the editor. */
const MODULE = '@edgestate/node-red-statestore';

/** Returns the text of a key; `values` fill its placeholders. */
export type Words = (key: string, values?: Record<string, unknown>) => string;

/** The full name of a text: the catalogue of a node or plugin, and the key in it. */
export const nameOf = (type: string, key: string): string => `${MODULE}/${type}:${key}`;

/** The texts of a node or plugin: `words('label.key')`. */
export const wordsOf =
  (type: string): Words =>
  (key, values) =>
    RED._(nameOf(type, `${type}.${key}`), values);

/** The text for an error code or reason in the language of the editor; `detail` is known in English only. */
export function failure(reason: string, detail: string): string {
  const text = RED._(nameOf('statestore-config', `statestore.error.${reason}`), { detail });
  return text.endsWith(`error.${reason}`) ? detail : text;
}

/** The short status text for an error code; undefined for an unknown code. */
export function shortError(code: string): string | undefined {
  const text = RED._(nameOf('statestore-config', `statestore.status.error.${code}`));
  return text.endsWith(`error.${code}`) ? undefined : text;
}
