import type { Bytes } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { timeLeft } from '../client/time-left';
import type { StateStoreError } from '../errors';
import { Contender } from './contender';
import { leaseLost, lockClosed } from './coordination-errors';
import { Deferred } from './deferred';
import type { Hold } from './hold';
import { holderName } from './holder';
import { Lease } from './lease';

interface Waiter {
  duration: number;
  /** On the monotonic clock, in milliseconds. */
  deadline: number;
  /** Milliseconds of which the wait is the rest. */
  timeout: number;
  /** Settles the wait, unless it is settled. */
  finish(outcome: { hold: Hold | undefined } | { error: unknown }): void;
  settled: boolean;
}

/**
 * How long a process has the lock, with or without pauses, before others have their turn, in milliseconds, and to how many of its own
 * waiters it hands it on meanwhile. Where nobody else wants it, each turn is twice as long as the one before, up to the longest.
 */
const TURN = { ms: 50, handOvers: 16 };
const LONGEST_TURN = 4;
/**
 * How long it then waits for others to take the lock: so many of its own round trips, and at least so many milliseconds; more where
 * somebody wanted it lately.
 */
const GRACE_ROUND_TRIPS = 6;
const GRACE_MS = 3;
const CONTESTED_GRACE_MS = 10;
/** How long before the end of a wait its last request ends, in milliseconds; a tenth of what is left if that is less. */
const LAST_WORD_MS = 100;
/** How long a lock that nobody wants any more is remembered, in milliseconds. */
const KEPT_MS = 5000;
/** How long a client that is being closed leaves the lock to its borrower, in milliseconds. */
const CLOSING_MS = 1000;
/** Given back for so long, in milliseconds, a turn has ended by itself. */
const IDLE_MS = 50;

/**
 * One lock of one client, shared by all who want it in this process: they queue here, first come first served, and one lease
 * stands for all of them in the store, so that they do not compete there. With each hand-over it is renewed, so that each holder
 * has a token newer than the one before.
 */
export class KeyLock {
  readonly #store: StateStoreClient;
  readonly #lease: Lease;
  readonly #contender: Contender;
  readonly #waiters: Waiter[] = [];
  #serving = false;
  /** Resolves when nobody waits for it or holds it. */
  #served = new Deferred();
  #closing = false;
  #trouble: StateStoreError | undefined;
  #holder: string | undefined;
  #lost: ((reason: StateStoreError) => void) | undefined;
  readonly #onIdle: () => void;
  /** On the monotonic clock, in milliseconds. */
  #turnBegan = Number.NEGATIVE_INFINITY;
  #handOvers = 0;
  /** How long this turn is, in times of {@link TURN}. */
  #turn = 1;
  #givenBackAt = Number.NEGATIVE_INFINITY;

  /** `onIdle` is called when nobody waits for it or holds it any more. */
  constructor(store: StateStoreClient, key: Bytes, onIdle: () => void) {
    this.#onIdle = onIdle;
    this.#store = store;
    this.#lease = new Lease(store, key);
    this.#lease.on('lost', (reason) => this.#lost?.(reason));
    this.#contender = new Contender(store, this.#lease, {
      wanted: () => this.#waiters.length > 0,
      patience: () => this.#patience,
      onHolder: (name) => {
        this.#holder = name;
      },
      onTrouble: (error) => {
        this.#trouble = error;
      },
    });
  }

  /** Whether somebody waits for it or holds it. */
  get busy(): boolean {
    return this.#serving;
  }

  /** How many wait here. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /** Why the store could not be asked, when that was so the last time. */
  get trouble(): StateStoreError | undefined {
    return this.#trouble;
  }

  /** Who holds it, as far as it is known; this client, while it is lent to another waiter of this process. */
  get holder(): string | undefined {
    return this.#lease.held ? holderName(this.#lease.holder) : this.#holder;
  }

  /** Nobody wants it any more: the key is not observed any longer. */
  forget(): void {
    this.#contender.close();
  }

  /**
   * Waits for `timeout` milliseconds at most, which are the rest of `whole`; then resolves with nothing, or rejects when the store could
   * not be asked.
   */
  acquire(
    duration: number,
    timeout: number,
    signal?: AbortSignal,
    whole = timeout,
  ): Promise<Hold | undefined> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted || this.#closing) {
        reject(signal?.aborted ? signal.reason : lockClosed(this.#lease.key));
        return;
      }
      const waiter: Waiter = {
        ...{ duration, deadline: performance.now() + timeout, timeout: whole, settled: false },
        finish: (outcome) => {
          if (waiter.settled) return;
          waiter.settled = true;
          clearTimeout(timer);
          signal?.removeEventListener('abort', abort);
          this.#leave(waiter);
          if ('error' in outcome) reject(outcome.error);
          else resolve(outcome.hold);
        },
      };
      const abort = () => waiter.finish({ error: signal?.reason });
      const onTime = () => {
        // A timer that was set late in a long turn of the event loop fires early, before the request that tells why.
        const left = waiter.deadline - performance.now();
        if (left > 0) timer = setTimeout(onTime, Math.ceil(left));
        else waiter.finish(this.#trouble ? { error: this.#trouble } : { hold: undefined });
      };
      let timer = setTimeout(onTime, timeout);
      signal?.addEventListener('abort', abort);
      this.#waiters.push(waiter);
      if (!this.#serving) void this.#serve();
    });
  }

  #leave(waiter: Waiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
    if (this.#waiters.length === 0) this.#contender.look();
  }

  /** A request ends a little before the last of those who wait gives up, so that it can be told why. Nothing where there is no time left. */
  get #patience(): number | undefined {
    const now = performance.now();
    const left = this.#waiters.reduce(
      (most, { deadline, timeout }) => Math.max(most, timeLeft(deadline, timeout, now) ?? 0),
      0,
    );
    return left > 0 ? Math.max(1, Math.ceil(left - Math.min(LAST_WORD_MS, left / 10))) : undefined;
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    this.#served = new Deferred();
    const wished = this.#store.beforeClose(() => this.#close());
    while (this.#waiters.length > 0) {
      if (this.#turnIsOver) await this.#letOthers();
      const [first] = this.#waiters;
      if (!first) break;
      this.#lease.duration = first.duration;
      try {
        if (!(await this.#contender.obtain())) continue;
      } catch (error) {
        for (const waiter of [...this.#waiters]) waiter.finish({ error });
        continue;
      }
      if (this.#contender.contested) this.#turn = 1;
      if (performance.now() - this.#givenBackAt > IDLE_MS) this.#beginTurn();
      await this.#lend();
      this.#givenBackAt = performance.now();
    }
    this.#serving = false;
    wished();
    this.#served.resolve();
    this.#onIdle();
  }

  /** The client is being closed: nobody new gets the lock, and who has it gives it back, or loses it. */
  async #close(): Promise<void> {
    this.#closing = true;
    for (const waiter of [...this.#waiters]) waiter.finish({ error: lockClosed(this.#lease.key) });
    const timer = setTimeout(
      () => this.#lost?.(leaseLost(this.#lease.key, 'the client was closed', undefined)),
      CLOSING_MS,
    );
    await this.#served.promise;
    clearTimeout(timer);
  }

  #beginTurn(): void {
    this.#turnBegan = performance.now();
    this.#handOvers = 0;
  }

  get #turnIsOver(): boolean {
    if (this.#handOvers >= TURN.handOvers * this.#turn) return true;
    return performance.now() - this.#turnBegan > TURN.ms * this.#turn;
  }

  async #letOthers(): Promise<void> {
    const { contested } = this.#contender;
    const grace = Math.max(
      contested ? CONTESTED_GRACE_MS : GRACE_MS,
      GRACE_ROUND_TRIPS * this.#lease.roundTrip,
    );
    if (performance.now() - this.#givenBackAt < IDLE_MS) {
      await this.#contender.yield(grace);
      this.#turn = contested ? 1 : Math.min(LONGEST_TURN, 2 * this.#turn);
    }
    this.#beginTurn();
  }

  /** Lends the lock to one waiter after the other, as long as it is our turn, and gives it back. */
  async #lend(): Promise<void> {
    let borrowed: Deferred<boolean> | undefined;
    do {
      const [waiter] = this.#waiters;
      if (!waiter || (borrowed && !(await this.#renew(waiter)))) break;
      borrowed?.resolve(true);
      if (waiter.settled) continue;
      if (borrowed) this.#handOvers++;
      // The lease went on since the hold before this one, so no other client held the lock meanwhile.
      borrowed = await this.#lendTo(waiter, borrowed === undefined && this.#lease.takenOver);
    } while (this.#lease.held && !this.#turnIsOver);
    // Also where the last who waited left just when it was obtained: nobody else would give it back.
    const released = await this.#lease.release().catch(() => false);
    borrowed?.resolve(released);
  }

  /** A new token for the next one. False where it was not to be had, or there is no time left to ask for it. */
  async #renew({ duration, deadline, timeout }: Waiter): Promise<boolean> {
    const lease = this.#lease;
    const ofLease = timeLeft(lease.expires, lease.duration);
    const ofWaiter = timeLeft(deadline, timeout);
    lease.duration = duration;
    if (!lease.held || ofLease === undefined || ofWaiter === undefined) return false;
    return lease.tryAcquire({ timeout: Math.min(ofLease, ofWaiter) }).catch(() => false);
  }

  /** Resolves when the lock is not lent any more, with what tells the borrower that others can have it. */
  async #lendTo(waiter: Waiter, takenOver: boolean): Promise<Deferred<boolean>> {
    const lease = this.#lease;
    const abort = new AbortController();
    let returned = false;
    const free = new Deferred<boolean>();
    const back = new Deferred<void>();
    this.#lost = (reason) => {
      if (!returned) abort.abort(reason);
      back.resolve();
    };
    waiter.finish({
      hold: {
        get held() {
          return !returned && !abort.signal.aborted && lease.held;
        },
        get fencingToken() {
          return returned || abort.signal.aborted ? undefined : lease.token;
        },
        get deadline() {
          return lease.expires;
        },
        takenOver,
        signal: abort.signal,
        release: () => {
          returned = true;
          back.resolve();
          return free.promise;
        },
      },
    });
    if (!lease.held) this.#lost(leaseLost(lease.key, 'it could not be renewed in time', undefined));
    await back.promise;
    this.#lost = undefined;
    return free;
  }
}

const known = new WeakMap<StateStoreClient, Map<string, KeyLock>>();

/** The lock of this client and key; there is one as long as somebody waits for it or holds it, and a little longer. */
export function keyLockOf(store: StateStoreClient, key: Uint8Array): KeyLock {
  const locks = known.get(store) ?? new Map<string, KeyLock>();
  known.set(store, locks);
  const id = Buffer.from(key).toString('latin1');
  const existing = locks.get(id);
  if (existing) return existing;
  let idle: NodeJS.Timeout | undefined;
  const forgetLater = () => {
    clearTimeout(idle);
    idle = setTimeout(() => {
      if (lock.busy) return;
      locks.delete(id);
      lock.forget();
    }, KEPT_MS).unref();
  };
  const lock = new KeyLock(store, key, forgetLater);
  locks.set(id, lock);
  // Who only asks who holds it does not wait for it.
  forgetLater();
  return lock;
}
