import type { Observation } from '../client/observation';
import type { Bytes } from '../client/options';
import { toBytes } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { isRetryable } from './coordination-errors';
import { Turns, type Waiter } from './turns';

/** What a waiter writes under the key: that it waits, or that it waits no longer. */
type Notice = { waiting: string; roundTrip: number } | { left: string };

const KEY_END = Buffer.from('/next');
/** How long a notice that is not of use any more stays, in milliseconds. */
const SHORT_MS = 1000;
/** How long a waiter waits for its own notice before it writes it again, in milliseconds. */
const REPEAT_MS = 1000;
const NEVER = Number.NEGATIVE_INFINITY;
const REQUEST = { repeatable: true, urgent: true } as const;

/**
 * The next waiters of a lock, under the key of the lock with `/next` at its end. A waiter writes its ID there once; all other waiters
 * observe the key, so they learn of it without a request. The key holds the latest notice only.
 *
 * It decides about turns, never about safety: without it (the store does not allow the key, other clients do not use it) the lock
 * excludes as before. So its errors are ignored.
 */
export class NextWaiter {
  readonly turns = new Turns();
  readonly #store: StateStoreClient;
  readonly #key: Buffer;
  readonly #onNotice: () => void;
  #opening: Promise<void> | undefined;
  #observation: Observation | undefined;
  /** When the waiter of this client announced itself, on the monotonic clock in milliseconds. */
  #announcedAt = NEVER;
  /** The latest notice of a waiter, and its text. */
  #latest: { id?: string; text?: string } = {};

  constructor(store: StateStoreClient, lock: Bytes, onNotice: () => void) {
    this.#store = store;
    this.#key = Buffer.concat([toBytes('lock', lock), KEY_END]);
    this.#onNotice = onNotice;
  }

  /** Resolves when further notices are received, or cannot be. */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      // The next waiter that needs it tries again.
      if (isRetryable(error)) this.#opening = undefined;
    });
    return this.#opening;
  }

  close(): void {
    this.#opening = undefined;
    this.#observation?.close().catch(() => undefined);
    this.#observation = undefined;
  }

  /** Whether a waiter other than `id` has announced itself, by a single request. */
  async hasOther(id: string): Promise<boolean> {
    const got = await this.#store.get(this.#key).catch(() => undefined);
    const notice = got?.found ? parseNotice(got.value.toString()) : undefined;
    return notice !== undefined && 'waiting' in notice && notice.waiting !== id;
  }

  /**
   * Announces a waiter that waits for `wait` milliseconds at most, unless it is announced already. It has its place when its own notice
   * comes back: all waiters see the notices in the same order.
   */
  announce({ id, roundTrip }: Waiter, wait: number): void {
    const now = performance.now();
    if (!this.#observation || this.turns.has(id) || now - this.#announcedAt < REPEAT_MS) return;
    this.#announcedAt = now;
    this.#write({ waiting: id, roundTrip: Math.ceil(roundTrip) }, Math.max(SHORT_MS, Math.ceil(wait)));
  }

  /** A waiter gave up. */
  leave(id: string): void {
    if (!this.turns.has(id) && this.#announcedAt === NEVER) return;
    this.#announcedAt = NEVER;
    this.turns.left(id);
    this.#write({ left: id }, SHORT_MS);
  }

  /** Another client acquired the lock. A waiter that was overtaken or has missed its turn announces itself again. */
  acquiredBy(other: string, id: string): void {
    const hadPlace = this.turns.has(id);
    if (this.turns.isOvertaken(id, other)) this.turns.left(id);
    this.turns.acquired(other);
    if (hadPlace && !this.turns.has(id)) this.#announcedAt = NEVER;
  }

  /** This waiter acquired the lock: its notice is removed, unless another waiter has replaced it. */
  acquired(id: string): void {
    this.#announcedAt = NEVER;
    this.turns.acquired(id);
    const { text } = this.#latest;
    if (this.#latest.id !== id || text === undefined) return;
    this.#latest = {};
    this.#store.deleteIfValue(this.#key, text, REQUEST).catch(() => undefined);
  }

  async #write(notice: Notice, expiry: number): Promise<void> {
    await this.#store.set(this.#key, JSON.stringify(notice), { ...REQUEST, expiry }).catch(() => undefined);
  }

  async #open(): Promise<void> {
    const observation = await this.#store.observe(
      this.#key,
      (change) => {
        if (change.operation === 'set') this.#onWritten(change.value.toString());
      },
      { current: true },
    );
    if (this.#opening) this.#observation = observation;
    else await observation.close();
  }

  #onWritten(text: string): void {
    const notice = parseNotice(text);
    if (!notice) return;
    if ('waiting' in notice) {
      this.#latest = { id: notice.waiting, text };
      this.turns.announced({ id: notice.waiting, roundTrip: notice.roundTrip });
    } else {
      this.turns.left(notice.left);
    }
    this.#onNotice();
  }
}

function parseNotice(text: string): Notice | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if ('left' in value && typeof value.left === 'string') return { left: value.left };
  if (!('waiting' in value) || typeof value.waiting !== 'string') return undefined;
  const roundTrip = 'roundTrip' in value && typeof value.roundTrip === 'number' ? value.roundTrip : 0;
  return { waiting: value.waiting, roundTrip };
}
