/** Results as JSON for scripts: the fields of `msg.statestore`, with the value. */
import { isUtf8 } from 'node:buffer';

interface Result {
  operation: 'get' | 'set' | 'delete';
  key: Buffer;
  value?: Buffer;
  version?: string;
  found?: boolean;
  stored?: boolean;
  deleted?: boolean;
}

/** One line. A value that is no UTF-8 text comes as `valueBase64`. */
export function jsonLine({ operation, key, value, ...rest }: Result): string {
  const shown =
    value === undefined
      ? {}
      : isUtf8(value)
        ? { value: value.toString() }
        : { valueBase64: value.toString('base64') };
  return `${JSON.stringify({ operation, key: key.toString(), ...rest, ...shown })}\n`;
}
