/** What a page is sent of a key: enough to show it, and no more. */
import { isUtf8 } from 'node:buffer';
import { holderName, isHolder } from '../../coordination/holder';
import type { StateStoreError } from '../../errors';
import type { Shown } from './protocol';

/** What is known of a key. */
export type Known =
  | { found: false }
  | { found: true; value: Buffer; version?: string | undefined }
  | { error: StateStoreError };

/** `most`: bytes of the value. */
export function shownValue(known: Known, most: number, expires?: number): Shown {
  if ('error' in known) return { error: { code: known.error.code, message: known.error.message } };
  if (!known.found) return { found: false };
  const { value, version } = known;
  const cut = value.length > most;
  const content = isUtf8(value)
    ? { text: value.subarray(0, wholeCharacters(value, most)).toString('utf8') }
    : { base64: value.subarray(0, most).toString('base64') };
  return {
    found: true,
    size: value.length,
    ...(cut && { cut }),
    ...content,
    ...(version !== undefined && { version }),
    ...(content.text !== undefined && !cut && isHolder(content.text) && { holder: holderName(content.text) }),
    ...(expires !== undefined && { expires }),
  };
}

/** How many of the first `most` bytes of a text make whole characters: what goes on after them is no continuation (10xxxxxx). */
function wholeCharacters(value: Buffer, most: number): number {
  let length = Math.min(most, value.length);
  while (length > 0 && ((value[length] ?? 0) & 0xc0) === 0x80) length--;
  return length;
}
