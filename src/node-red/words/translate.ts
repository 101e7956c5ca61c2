import type { NodeAPI } from 'node-red';

/** The catalogue of the config node has the texts that all nodes share. */
const CATALOGUE = '@edgestate/node-red-statestore/statestore-config';

/** A text in the language of the runtime. */
export function translate(RED: NodeAPI, key: string, values: Record<string, string | number> = {}): string {
  return RED._(`${CATALOGUE}:statestore.${key}`, values);
}
