import { isWrite } from '../errors';
import type { Pending } from './pending';

/** Pauses after a rejection double from the first to the longest; a random half is taken off. In milliseconds. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
/** After the last rejection, requests of one key go out one by one for so long, in milliseconds. */
const CAUTION_MS = 10_000;

/** What is known of one key while the broker rejects. */
interface KeyState {
  /** Publishes without a PUBACK. */
  unacknowledged: number;
  /** In their order. */
  rejected: Set<Pending>;
}

/**
 * What follows from PUBACK with QUOTA_EXCEEDED: the broker has no room at the moment (MQTT 5 section 3.4.2.1). It did not accept the
 * publish, so it may be sent again. Everything but urgent requests pauses, then rejected requests go out again, in their order.
 *
 * The order of requests of one key is kept: while the broker rejects, a request waits for the PUBACK of the one before it. A write that
 * was rejected when a later write of its key was on its way already, and was accepted, cannot be sent again.
 */
export class BackPressure {
  readonly #random: () => number;
  readonly #rejected = new Set<Pending>();
  /** Set from the first rejection until there was none for a while. */
  #keys: Map<string, KeyState> | undefined;
  #pausing = false;
  #pauses = -1;
  /** Whether the broker accepted something since the last pause began. */
  #accepted = false;
  #cautionEnd = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Whether the broker rejected something lately. */
  get isOn(): boolean {
    return this.#keys !== undefined;
  }

  /** Requests to be sent again, in the order of their rejections. */
  get rejected(): Iterable<Pending> {
    return this.#rejected;
  }

  /** Whether requests that are not urgent wait. */
  get isPausing(): boolean {
    return this.#pausing && this.#rejected.size > 0;
  }

  endPause(): void {
    this.#pausing = false;
  }

  /** Whether a request would not overtake another one of its key. */
  mayPublish(pending: Pending): boolean {
    const state = this.#keys?.get(pending.request.keyText);
    if (!state || state.unacknowledged > 0) return !state;
    const [first] = state.rejected;
    return first === undefined || first === pending;
  }

  /** A request goes out. */
  publish(pending: Pending): void {
    if (!this.#keys) return;
    this.#forget(pending);
    this.#state(pending).unacknowledged++;
  }

  /**
   * The broker rejected the publish of a request, at `now` on the monotonic clock. `others`: all other publishes without a PUBACK; asked for
   * at the first rejection. Returns the length of the pause that begins with that, in milliseconds.
   */
  reject(pending: Pending, now: number, others: () => Iterable<Pending>): number | undefined {
    this.#cautionEnd = now + CAUTION_MS;
    if (this.#keys) {
      this.#state(pending).unacknowledged--;
    } else {
      this.#keys = new Map();
      for (const other of others()) if (other !== pending) this.#state(other).unacknowledged++;
    }
    if (pending.isOver) {
      this.#clean(pending);
    } else {
      this.#rejected.add(pending);
      this.#state(pending).rejected.add(pending);
    }
    return this.#beginPause();
  }

  /**
   * The broker accepted the publish of a request, or refused it for another reason. Returns the rejected writes that a later write of
   * their key has overtaken by that.
   */
  acknowledge(pending: Pending, accepted: boolean, now: number): Pending[] {
    if (!this.#keys) return [];
    this.#accepted ||= accepted;
    const state = this.#state(pending);
    if (state.unacknowledged > 0) state.unacknowledged--;
    const overtaken =
      accepted && isWrite(pending.request)
        ? [...state.rejected].filter((one) => one.order < pending.order && isWrite(one.request))
        : [];
    for (const one of overtaken) this.#forget(one);
    this.#clean(pending);
    if (this.#rejected.size === 0 && now > this.#cautionEnd) this.#keys = undefined;
    return overtaken;
  }

  /** A request is over, or has no time left. */
  drop(pending: Pending): void {
    this.#forget(pending);
    if (this.#keys) this.#clean(pending);
  }

  /** The connection is lost: what was rejected is sent again on the next one as all else. */
  reset(): void {
    this.#rejected.clear();
    this.#keys = undefined;
    this.#pausing = false;
    this.#pauses = -1;
  }

  #beginPause(): number | undefined {
    if (this.#pausing) return undefined;
    this.#pausing = true;
    this.#pauses = this.#accepted ? 0 : this.#pauses + 1;
    this.#accepted = false;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#pauses, 10));
    return longest * (1 - this.#random() / 2);
  }

  #forget(pending: Pending): void {
    if (!this.#rejected.delete(pending)) return;
    this.#keys?.get(pending.request.keyText)?.rejected.delete(pending);
  }

  #state({ request }: Pending): KeyState {
    const { keyText } = request;
    let state = this.#keys?.get(keyText);
    if (!state) {
      state = { unacknowledged: 0, rejected: new Set() };
      this.#keys?.set(keyText, state);
    }
    return state;
  }

  #clean({ request }: Pending): void {
    const state = this.#keys?.get(request.keyText);
    if (state && state.unacknowledged === 0 && state.rejected.size === 0) this.#keys?.delete(request.keyText);
  }
}
