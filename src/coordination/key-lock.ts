import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bytes } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { Contender } from './contender';
import { connectionTrouble, isClockFault, leaseLost, lockClosed, notConnected } from './coordination-errors';
import { Deferred } from './deferred';
import { HeldLock } from './held-lock';
import type { Hold } from './hold';
import { holderName } from './holder';
import { holderNameOf } from './holder-name';
import { Lease } from './lease';
import { type LockRequest, Waiter, type WaiterEvents } from './lock-request';
import { ProcessTurn } from './process-turn';

/** A pause for clients that do not announce themselves, in milliseconds. */
const PAUSE_MS = 3;
/** How long a client that is being closed leaves the lock to its user, in milliseconds. */
const CLOSING_MS = 1000;

/**
 * One lock of one client. All calls of this process queue here, first come, first served, and share one lease for each duration they ask
 * for, so they do not compete in the store. The lease is renewed at each hand-over, so that each hold has a newer token than the one before.
 */
export class KeyLock {
  readonly #store: StateStoreClient;
  readonly #key: Bytes;
  readonly #id: string;
  readonly #leases = new Map<number, Lease>();
  readonly #contender: Contender;
  readonly #waiters: Waiter[] = [];
  readonly #waiterEvents: WaiterEvents = {
    onTime: (waiter) => void this.#onTime(waiter),
    onEnd: (waiter) => {
      const index = this.#waiters.indexOf(waiter);
      if (index >= 0) this.#waiters.splice(index, 1);
      if (this.#waiters.length === 0) this.#contender.look();
    },
  };
  readonly #onIdle: () => void;
  #serving = false;
  /** Resolves when no caller waits for the lock or holds it. */
  #served = new Deferred();
  #closing = false;
  #trouble: StateStoreError | undefined;
  /** Set while the clock of this machine makes the lock useless. */
  #clockFault: { error: unknown; until: number } | undefined;
  #holder: string | undefined;
  /** The lease that is held for a user. */
  #current: Lease | undefined;
  #lost: ((reason: StateStoreError) => void) | undefined;
  readonly #turn = new ProcessTurn();

  /** `onIdle` is called when no caller waits for the lock or holds it any more. */
  constructor(store: StateStoreClient, key: Bytes, onIdle: () => void) {
    this.#store = store;
    this.#key = key;
    this.#onIdle = onIdle;
    this.#id = `${holderNameOf(store)}:${randomUUID()}`;
    this.#contender = new Contender(
      store,
      key,
      {
        // The lock lasts as long as the waiter asks for whom it is acquired.
        lease: () => (this.#waiters[0] ? this.#leaseOf(this.#waiters[0].duration) : undefined),
        wait: () => Math.max(0, ...this.#waiters.map(({ deadline }) => deadline)) - performance.now(),
        onHolder: (name) => {
          this.#holder = name;
        },
        onTrouble: (error) => {
          // A request without a response in time: the lock is not free, as far as this client knows.
          if (error?.code !== 'TIMEOUT') this.#trouble = error;
        },
      },
      { id: this.#id, turns: true, caution: () => (this.#waiters[0]?.cautious ? 'loss' : 'none') },
    );
  }

  /** True if a caller waits for the lock or holds it. */
  get busy(): boolean {
    return this.#serving;
  }

  /** Whether this client holds it. */
  get held(): boolean {
    return this.#current?.held === true;
  }

  /** How many calls of this process wait. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /** Why the store cannot be asked, if so. */
  get trouble(): StateStoreError | undefined {
    return connectionTrouble(this.#store) ?? this.#trouble;
  }

  /** The holder, as far as it is known; this client while it holds the lock for another waiter of this process. */
  get holder(): string | undefined {
    return this.#current?.held ? holderName(this.#current.holder) : this.#holder;
  }

  /** No caller wants the lock any more: the key is not observed any longer. */
  forget(): void {
    this.#contender.close();
  }

  /** Waits for the lock. Resolves with nothing if it was not free in time; rejects if the store could not be asked. */
  async acquire(request: LockRequest): Promise<Hold | undefined> {
    const refusal = this.#refusal(request.signal);
    if (refusal !== undefined) throw refusal;
    const waiter = new Waiter(request, this.#waiterEvents);
    this.#waiters.push(waiter);
    if (!this.#serving) void this.#serve();
    return waiter.hold;
  }

  /** Why a call cannot even wait. */
  #refusal(signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    if (this.#closing) return lockClosed(this.#key);
    if (this.#clockFault && performance.now() < this.#clockFault.until) return this.#clockFault.error;
    return undefined;
  }

  async #onTime(waiter: Waiter): Promise<void> {
    const { trouble } = this;
    if (trouble) waiter.finish({ error: trouble });
    else if (this.#store.state.kind === 'connected') waiter.finish({ hold: undefined });
    // The first attempt to connect goes on: the client knows how far it came.
    else
      await this.#store.connect({ timeout: 1 }).then(
        () => waiter.finish({ hold: undefined }),
        (error) => waiter.finish({ error: error instanceof StateStoreError ? notConnected(error) : error }),
      );
  }

  #leaseOf(duration: number): Lease {
    const known = this.#leases.get(duration);
    if (known) return known;
    const lease = new Lease(this.#store, this.#key, { duration, id: this.#id });
    lease.on('lost', (reason) => {
      if (lease === this.#current) this.#lost?.(reason);
    });
    this.#leases.set(duration, lease);
    return lease;
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    this.#served = new Deferred();
    const notClosed = this.#store.beforeClose(() => this.#close());
    while (this.#waiters.length > 0) {
      if (this.#turn.goesOn()) this.#lookAtTurn();
      if (this.#turn.takePause() && !this.#contender.hasNext) await pause(PAUSE_MS);
      try {
        const lease = await this.#contender.obtain();
        if (lease) await this.#serveWith(lease);
      } catch (error) {
        this.#onFinal(error);
      }
    }
    this.#current = undefined;
    this.#serving = false;
    notClosed();
    this.#served.resolve();
    this.#onIdle();
  }

  /** An error that waiting does not change ends all waits. */
  #onFinal(error: unknown): void {
    if (isClockFault(error)) {
      const longest = Math.max(...this.#leases.keys());
      this.#clockFault = { error, until: performance.now() + 2 * longest };
    }
    for (const waiter of [...this.#waiters]) waiter.finish({ error });
  }

  /** The client is being closed: no waiter gets the lock, and its user releases it or loses it. */
  async #close(): Promise<void> {
    this.#closing = true;
    for (const waiter of [...this.#waiters]) waiter.finish({ error: lockClosed(this.#key) });
    const timer = setTimeout(
      () => this.#lost?.(leaseLost(this.#key, 'the client was closed', undefined)),
      CLOSING_MS,
    );
    await this.#served.promise;
    clearTimeout(timer);
  }

  /** True if other clients should get the lock now: waiting clients, or now and then clients that do not announce themselves. */
  #lookAtTurn(): boolean {
    if (!this.#turn.isOver) return false;
    if (this.#contender.hasNext) return true;
    void this.#contender.lookForNext();
    this.#contender.rest();
    return this.#turn.renew();
  }

  /** Gives the lock to one waiter after the other while it is the turn of this process, and releases it. */
  async #serveWith(lease: Lease): Promise<void> {
    this.#current = lease;
    let before: Deferred<boolean> | undefined;
    do {
      const [waiter] = this.#waiters;
      // Another duration is another lease.
      if (waiter?.duration !== lease.duration) break;
      if (before && !(await this.#renew(lease))) break;
      before?.resolve(true);
      if (waiter.settled) continue;
      this.#turn.handOver(before !== undefined);
      // The lease went on since the hold before this one, so no other client held the lock meanwhile.
      before = await this.#holdFor(waiter, lease, before === undefined && lease.takenOver);
    } while (lease.held && this.#waiters.length > 0 && !this.#lookAtTurn());
    const released = await lease.release().catch(() => false);
    this.#turn.released();
    before?.resolve(released);
  }

  /** A new token for the next waiter. False if there is none, because the lease ends. */
  async #renew(lease: Lease): Promise<boolean> {
    const left = Math.ceil(lease.expires - performance.now());
    if (!lease.held || left < 1) return false;
    return lease.tryAcquire({ signal: AbortSignal.timeout(left) }).catch(() => false);
  }

  /** Resolves when the hold has ended, with the promise of its release. */
  async #holdFor(waiter: Waiter, lease: Lease, takenOver: boolean): Promise<Deferred<boolean>> {
    const hold = new HeldLock(lease, takenOver);
    this.#lost = (reason) => hold.lose(reason);
    waiter.finish({ hold });
    if (!lease.held) hold.lose(leaseLost(lease.key, 'it could not be renewed in time', undefined));
    await hold.ended.promise;
    this.#lost = undefined;
    return hold.free;
  }
}
