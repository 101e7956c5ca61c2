/** Which catalogue a text of a dialog is in. */
import { nameOf } from './words';

/** The catalogue with the texts that all dialogs share. */
const SHARED = 'statestore-config';

/** `form.x` is shared by all dialogs; `x` is the node's own; a name with a colon is that of another catalogue. */
export function textOf(type: string, key: string): string {
  if (key.includes(':')) return key;
  if (key.startsWith('form.')) return nameOf(SHARED, `statestore-${key}`);
  return nameOf(type, `${type}.${key}`);
}
