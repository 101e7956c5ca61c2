/** How the command `statestore` tells a script what happened: docs/command.md. */
import { isWrite, StateStoreError } from '../errors';
import { ServiceError } from '../protocol/errors';
import { UsageError } from './usage-error';

export const EXIT = {
  done: 0,
  /** The key is not there, or the condition does not hold. */
  notSo: 1,
  usage: 2,
  /** No connection, or no usable answer to a reading: nothing was changed. */
  unreachable: 3,
  /** The broker or the store said no: nothing was changed. */
  refused: 4,
  /** A write that may or may not have been applied. */
  unknown: 5,
  /** Something else, such as a full disk behind stdout. */
  failed: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof ServiceError) return EXIT.refused;
  switch ((error as { code?: unknown }).code) {
    case 'BAD_ARGUMENT':
      return EXIT.usage;
    case 'NOT_CONNECTED':
      return EXIT.unreachable;
    case 'REFUSED':
      return EXIT.refused;
    default:
      if (!(error instanceof StateStoreError)) return EXIT.failed;
      return isWrite(error) ? EXIT.unknown : EXIT.unreachable;
  }
}
