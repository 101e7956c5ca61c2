/** Why there is no connection, in words a person can act on. */
import { ReasonCodes } from 'mqtt';
import { StateStoreError } from '../protocol/errors';
import type { Address } from './transport';

/** The error behind a failed attempt or a lost connection: a socket error, a CONNACK or a DISCONNECT reason. */
export function connectionError(cause: unknown, { host, port }: Address): StateStoreError {
  const code = (cause as { code?: unknown } | undefined)?.code;
  const where = `${host}:${port}`;
  if (typeof code === 'number') return refusedBy(where, code, cause);
  return new StateStoreError('NOT_CONNECTED', socketWords(String(code), where, cause), { cause });
}

/** The broker said no, with an MQTT 5 reason code (section 2.4). */
export function refusedBy(where: string, reasonCode: number, cause?: unknown): StateStoreError {
  return new StateStoreError(
    'REFUSED',
    `The broker at ${where} refused the connection: ${reasonWords(reasonCode)}.`,
    { cause },
  );
}

/** "not authorized (0x87)". */
export function reasonWords(reasonCode: number): string {
  const words = (ReasonCodes as Record<number, string>)[reasonCode] ?? 'unknown reason';
  return `${words.toLowerCase()} (0x${reasonCode.toString(16).padStart(2, '0')})`;
}

function socketWords(code: string, where: string, cause: unknown): string {
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host name of ${where} was not found. Check the host in the settings of the store.`;
    case 'ECONNREFUSED':
      return `Nothing listens at ${where}. Check host and port, and that the broker or the emulator is running.`;
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${where} cannot be reached. Check host, port, network and firewall.`;
    default:
      return `The connection to ${where} ended${cause instanceof Error ? `: ${cause.message}` : ''}.`;
  }
}
