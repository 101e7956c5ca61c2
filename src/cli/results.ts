/** Results as JSON for scripts: the fields of `msg.statestore`, with the value. */
import { isUtf8 } from 'node:buffer';
import { printableBytes, printableJson } from './printable';
import { StreamError, writeStdout } from './streams';

interface Result {
  operation: 'get' | 'set' | 'delete';
  key: Buffer;
  value?: Buffer;
  version?: string;
  found?: boolean;
  stored?: boolean;
  deleted?: boolean;
}

/** One line. A value that is not UTF-8 comes as `valueBase64`. */
export function jsonLine({ operation, key, value, ...rest }: Result): string {
  const shown =
    value === undefined
      ? {}
      : isUtf8(value)
        ? { value: value.toString() }
        : { valueBase64: value.toString('base64') };
  return `${printableJson(JSON.stringify({ operation, ...shownKey(key), ...rest, ...shown }))}\n`;
}

function shownKey(key: Buffer): { key: string } | { keyBase64: string } {
  return isUtf8(key) ? { key: key.toString() } : { keyBase64: key.toString('base64') };
}

/** A value as it goes to stdout: its bytes, but to a terminal as text that cannot control it, unless `raw`. */
export function forStdout(value: Buffer, raw: boolean): Buffer | string {
  return process.stdout.isTTY && !raw ? printableBytes(value) : value;
}

/** Writes a result. If its reader has ended, the exit code still reports it. */
export async function show(result: Buffer | string): Promise<void> {
  try {
    await writeStdout(result);
  } catch (error) {
    if (!(error instanceof StreamError) || error.code !== 'EPIPE') throw error;
  }
}
