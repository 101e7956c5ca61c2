import type { Message } from '../mqtt/publish';
import { type Notification, parseNotification } from '../protocol/notifications';
import { TIMESTAMP } from '../protocol/user-properties';
import type { Change } from './observed-key';

/** The change that a message on the topic of a key reports. `undefined` if it is not a notification. */
export function notifiedChange(message: Message): Change | undefined {
  let notification: Notification;
  try {
    notification = parseNotification(message.payload);
  } catch {
    return undefined;
  }
  const version = message.userProperty(TIMESTAMP);
  return version === undefined ? notification : { ...notification, version };
}
