import type { StateStoreError } from '../errors';
import { type Change, ObservedKey, type Reading } from './observed-key';

/** What receives the changes of a key. */
export interface Observer {
  /** The key as the caller knows it. */
  readonly key: Buffer;
  deliver(change: Change): void;
  /** No change follows: because of the error, or because the client is closed. */
  end(error?: StateStoreError): void;
}

const NEVER = new Promise<never>(() => undefined);
/** Nothing uses this reading: an observer that joins later reads the key itself. */
export const STARTED = Promise.resolve<Reading>({ found: false });

/** An observed key with its observers. */
export class ObservedEntry {
  /** As the store knows it. */
  readonly key: Buffer;
  readonly knowledge = new ObservedKey();
  readonly observers = new Set<Observer>();
  /** Settles when the key is observed and was read for the first time. */
  started: Promise<Reading> = NEVER;
  /** Milliseconds that a request may take until then: as long as the most patient observer waits, and at least the client's timeout. */
  timeout: number;
  /** Number of the connection on which the key was last observed and read. 0 before the first time. */
  connection = 0;
  /** Whether the store may be observing the key for this client. */
  mayBeStored = false;

  constructor(key: Buffer, timeout: number) {
    this.key = key;
    this.timeout = timeout;
  }

  deliver(change: Change | undefined): void {
    if (change) for (const observer of [...this.observers]) observer.deliver(change);
  }

  end(error?: StateStoreError): void {
    for (const observer of this.observers) observer.end(error);
  }
}
