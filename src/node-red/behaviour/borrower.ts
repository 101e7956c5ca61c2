/** What a message carries of the locks that it holds. */
import type { NodeMessageInFlow } from 'node-red';
import { printableValue, StateStoreError } from '../../errors';
import type { Loan } from './loan';
import { loans } from './loans';

/** Properties that {@link Loan} adds to a message. Locks are nested: the last one is released first. */
interface Borrower extends NodeMessageInFlow {
  /** IDs of its loans. Copies of the message share the list, so it is replaced, never changed. */
  statestoreLock?: unknown;
  fencingToken?: unknown;
}

/** Puts a loan and its token into the message. */
export function putLoan(msg: Borrower, loan: Loan, token: string): void {
  const { statestoreLock: before } = msg;
  msg.statestoreLock = [...(isListOfLoans(before) ? before : []), loan.id];
  msg.fencingToken = token;
}

/** Takes the last loan out of the message, which then is as it was before. Throws `BAD_ARGUMENT` where there is none. */
export function takeLoan(msg: Borrower): Loan {
  const { statestoreLock: ids } = msg;
  if (!isListOfLoans(ids) || ids.length === 0) throw noLock(ids);
  const loan = loans.find(ids.at(-1) as string);
  if (ids.length > 1) msg.statestoreLock = ids.slice(0, -1);
  else delete msg.statestoreLock;
  if (!loan) throw unknownLock();
  if (loan.tokenBefore === undefined) delete msg.fencingToken;
  else msg.fencingToken = loan.tokenBefore;
  return loan;
}

function isListOfLoans(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function noLock(found: unknown): StateStoreError {
  const fault =
    found === undefined
      ? 'msg.statestoreLock is missing'
      : `Its msg.statestoreLock is ${printableValue(found)}`;
  return new StateStoreError(
    'BAD_ARGUMENT',
    `This message does not hold a lock. ${fault}. Connect only messages that passed a lock node, and do not remove this property.`,
    { operation: 'unlock' },
  );
}

function unknownLock(): StateStoreError {
  return new StateStoreError(
    'BAD_ARGUMENT',
    'The lock in msg.statestoreLock is unknown. Another Node-RED instance acquired it, it was acquired before a restart, or it was released long ago.',
    { operation: 'unlock' },
  );
}
