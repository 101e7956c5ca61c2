import { resolve } from 'node:path';
import type { NodeAPI } from 'node-red';

/** The absolute path of a file whose path may be relative to the user directory; `undefined` if it is and there is none. */
export function userFile(RED: NodeAPI, path: string): string | undefined {
  const { userDir } = RED.settings;
  return typeof userDir === 'string' ? resolve(userDir, path) : undefined;
}
