/** A lock that a message holds, from the lock node to the unlock node. */
import { randomUUID } from 'node:crypto';
import type { Hold } from '../../coordination/hold';
import { StateStoreError } from '../../errors';
import { type Key, keyContext } from '../message/key';

export interface LoanTerms {
  key: Key;
  tokenBefore: unknown;
  /** Milliseconds. */
  limit: number;
  /** Why it ends then. */
  tooLong(): StateStoreError;
  /** Called once, with the reason if the message did not release the lock. */
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
  }

  /**
   * Releases the lock of the message. Resolves with true when it is free, with false if that is not known. Rejects with the reason if the
   * loan ended before or was released before.
   */
  async giveBack(): Promise<boolean> {
    // In a process that was paused the lease may have expired before its timer runs.
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
    lent.onEnd(reason);
    return lent.hold.release();
  }
}

function givenBackAlready(key: Key): StateStoreError {
  const context = keyContext('unlock', key);
  return new StateStoreError(
    'BAD_ARGUMENT',
    `The lock ${context.key} in msg.statestoreLock was already released. If a flow splits, connect only one of its branches to an unlock node.`,
    context,
  );
}

function lost(key: Key): StateStoreError {
  const context = keyContext('unlock', key);
  return new StateStoreError(
    'LEASE_LOST',
    `The lock ${context.key} was lost: it could not be renewed in time. Stop the protected work.`,
    context,
  );
}
