/** Locks that messages of this Node-RED hold: what lock nodes lend, and unlock nodes give back. */
import { randomUUID } from 'node:crypto';
import type { NodeMessageInFlow } from 'node-red';
import type { Hold } from '../../coordination/hold';
import { printableValue, StateStoreError } from '../../errors';
import { type Key, keyContext } from '../message/key';

interface LoanTerms {
  key: Key;
  tokenBefore: unknown;
  /** Milliseconds. */
  limit: number;
  /** Why it ends then. */
  tooLong(): StateStoreError;
  /** Called once, with the reason where the message did not give it back itself. */
  onEnd(reason: StateStoreError | undefined): void;
}

/** A lock, lent to a message, which carries the ID. */
export class Loan {
  readonly id = randomUUID();
  readonly key: Key;
  /** The fencing token the message had before. */
  readonly tokenBefore: unknown;
  readonly #limit: NodeJS.Timeout;
  /** Nothing once it has ended: it is remembered, but not the message. */
  #lent: { hold: Hold; onEnd: LoanTerms['onEnd']; onLost(): void } | undefined;
  #reason: StateStoreError | undefined;

  constructor(hold: Hold, { key, tokenBefore, limit, tooLong, onEnd }: LoanTerms) {
    this.key = key;
    this.tokenBefore = tokenBefore;
    const onLost = () => void this.end(hold.signal.reason as StateStoreError);
    this.#lent = { hold, onEnd, onLost };
    this.#limit = setTimeout(() => void this.end(tooLong()), limit);
    hold.signal.addEventListener('abort', onLost, { once: true });
    loans.add(this);
  }

  /**
   * Gives it back for its message. Resolves when others can have it, with false when that is not known. Rejects with the reason when it
   * had ended before, or was given back already.
   */
  async giveBack(): Promise<boolean> {
    // In a process that stood still the lease may be over, though no timer has said so yet.
    if (this.#lent?.hold.held === false) void this.end(lost(this.key));
    if (!this.#lent) throw this.#reason ?? givenBackAlready(this.key);
    return this.end(undefined);
  }

  /** Ends it for a reason that is not its message's. Resolves as {@link giveBack}. */
  async end(reason: StateStoreError | undefined): Promise<boolean> {
    const lent = this.#lent;
    if (!lent) return false;
    this.#lent = undefined;
    this.#reason = reason;
    clearTimeout(this.#limit);
    lent.hold.signal.removeEventListener('abort', lent.onLost);
    loans.ended(this);
    lent.onEnd(reason);
    return lent.hold.release();
  }
}

/** How many loans are remembered after they ended, to tell a message why. */
const REMEMBERED = 1000;

/** All loans of this Node-RED, and the last ones that ended, by ID. */
class Loans {
  readonly #running = new Map<string, Loan>();
  readonly #ended = new Map<string, Loan>();

  add(loan: Loan): void {
    this.#running.set(loan.id, loan);
  }

  ended(loan: Loan): void {
    this.#running.delete(loan.id);
    this.#ended.set(loan.id, loan);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > REMEMBERED && oldest !== undefined) this.#ended.delete(oldest);
  }

  find(id: string): Loan | undefined {
    return this.#running.get(id) ?? this.#ended.get(id);
  }
}

/** Lock and unlock nodes are modules of their own, and share this. */
const loans = new Loans();

/** What {@link Loan} adds to a message. Locks are nested: the one taken last is given back first. */
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
  const what =
    found === undefined
      ? 'There is no msg.statestoreLock in it'
      : `Its msg.statestoreLock is ${printableValue(found)}`;
  return new StateStoreError(
    'BAD_ARGUMENT',
    `This message holds no lock. ${what}. Lead only messages here that came through a lock node, and keep that property on the way.`,
    { operation: 'unlock' },
  );
}

function unknownLock(): StateStoreError {
  return new StateStoreError(
    'BAD_ARGUMENT',
    'The lock in msg.statestoreLock is not known here: another Node-RED took it, or this one before it was started, or it was given back long ago.',
    { operation: 'unlock' },
  );
}

function givenBackAlready(key: Key): StateStoreError {
  const context = keyContext('unlock', key);
  return new StateStoreError(
    'BAD_ARGUMENT',
    `The lock ${context.key} in msg.statestoreLock was given back already. Where a flow splits, lead only one of its branches to an unlock node.`,
    context,
  );
}

function lost(key: Key): StateStoreError {
  const context = keyContext('unlock', key);
  return new StateStoreError(
    'LEASE_LOST',
    `The lock ${context.key} was lost: it could not be renewed in time. What it protected must stop.`,
    context,
  );
}
