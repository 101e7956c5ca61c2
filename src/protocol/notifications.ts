/** Notifications of a key for an observer: docs/protocol.md section 2. */
import { StateStoreError } from '../errors';
import { encodeArray, parseArray, parseItem } from './resp3';

/** A change of one key. Expiry is a delete. */
export type Notification = { operation: 'set'; value: Uint8Array } | { operation: 'delete' };

/** What comes before the value. */
const SET_BEGIN = encodeArray(['NOTIFY', 'SET', 'VALUE', '']).subarray(0, -'$0\r\n\r\n'.length);

/** Writes a notification's payload. */
export function encodeNotification(notification: Notification): Buffer {
  return notification.operation === 'set'
    ? encodeArray(['NOTIFY', 'SET', 'VALUE', notification.value])
    : encodeArray(['NOTIFY', 'DELETE']);
}

/** Reads a notification's payload; `DEL` and `DELETE` are the same. Throws `BAD_RESPONSE` for anything else. */
export function parseNotification(payload: Buffer): Notification {
  // Almost all notifications have exactly this form, so only the value is parsed.
  if (
    payload.length > SET_BEGIN.length &&
    payload.compare(SET_BEGIN, 0, SET_BEGIN.length, 0, SET_BEGIN.length) === 0
  ) {
    const item = parseItem(payload.subarray(SET_BEGIN.length));
    if (item.type === 'blob' && item.value) return { operation: 'set', value: item.value };
  }
  const items = parseArray(payload);
  const words = items.slice(0, 3).map((item) => item.toString('latin1'));
  const value = items[3];
  if (items.length === 4 && value !== undefined && words.join(' ') === 'NOTIFY SET VALUE') {
    return { operation: 'set', value };
  }
  if (items.length === 2 && (words[1] === 'DELETE' || words[1] === 'DEL') && words[0] === 'NOTIFY') {
    return { operation: 'delete' };
  }
  throw new StateStoreError('BAD_RESPONSE', 'A notification of the state store could not be understood.');
}
