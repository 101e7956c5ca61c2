/** The exit codes of the command `statestore`: docs/command.md. */
import { StateStoreError } from '../errors';
import { ServiceError } from '../protocol/errors';
import { connectionFailure } from './connection-failure';
import { UsageError } from './usage-error';

export const EXIT = {
  done: 0,
  /** The key does not exist, or the condition does not hold. */
  notSo: 1,
  usage: 2,
  /** No connection, or no usable answer to a reading: nothing was changed. */
  unreachable: 3,
  /** The broker or the store refused: nothing was changed. */
  refused: 4,
  /** A write that may or may not have been applied. */
  unknown: 5,
  /** Something else, such as a full disk behind stdout. */
  failed: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof StateStoreError)) return EXIT.failed;
  if (error.applied === 'unknown') return EXIT.unknown;
  const failure = connectionFailure(error);
  // A file that an option names is missing or not valid.
  if (error.code === 'BAD_ARGUMENT' || (failure?.stage === 'settings' && failure.retry === 'slowly'))
    return EXIT.usage;
  const { code } = failure ?? error;
  const refused = code === 'REFUSED' || code === 'NOT_SUPPORTED' || error instanceof ServiceError;
  return refused ? EXIT.refused : EXIT.unreachable;
}
