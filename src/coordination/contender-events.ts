import type { StateStoreError } from '../errors';
import type { Lease } from './lease';

/** What a contender asks and reports while it waits. */
export interface ContenderEvents {
  /** The lease to acquire now; `undefined` if none is wanted any more. Asked after every wait. */
  lease(): Lease | undefined;
  /** Milliseconds for which the lease is wanted at most. */
  wait(): number;
  /** Another client holds the lease now, or none, as far as this client knows. */
  onHolder(name: string | undefined): void;
  /** The store could not be asked, or can be asked again (`undefined`). */
  onTrouble(error: StateStoreError | undefined): void;
}

export interface ContenderOptions {
  /** Identifies the contender: its holder texts without the duration. */
  id: string;
  /** Whether waiters take turns. Without turns, all candidates try as soon as the lease is free. */
  turns: boolean;
  /** `loss`: waits after the store lost its memory. `suspicion`: also after a lost session, if that cannot be found out. */
  caution(): 'none' | 'loss' | 'suspicion';
}
