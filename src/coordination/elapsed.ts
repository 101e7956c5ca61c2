import { uptime } from 'node:os';

/** The clocks of a machine, all in milliseconds. */
export interface Clocks {
  /** Nothing sets this clock, but on some systems, such as Linux, it stops while the computer is suspended. */
  monotonic(): number;
  /** Goes on meanwhile, but may be set. */
  wall(): number;
  /** Time since the machine was started: is never set, and goes on meanwhile. Costs a system call or more. */
  boot(): number;
}

const MACHINE: Clocks = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  boot: () => {
    try {
      return uptime() * 1000;
    } catch {
      // Some sandboxes keep it secret: then no suspension is known, and the token has to do.
      return performance.now();
    }
  },
};

/** How far the wall clock may get away from the monotonic one before the time since the start is looked at, in milliseconds. */
const SUSPICION_MS = 20;
/** Resolution of the time since the start, in milliseconds: hundredths of seconds on Linux, whole seconds on other systems. */
const EXACTNESS_MS = process.platform === 'linux' ? 50 : 2000;

/**
 * A clock for durations that may end while the computer is suspended: the monotonic clock plus the time of suspensions.
 *
 * The wall clock is cheap, so it raises the suspicion. But it may be set, so only the time since the start of the computer
 * counts. If all clocks of a virtual machine stop while it is paused, a program inside it cannot detect the pause.
 */
export class ElapsedClock {
  readonly #clocks: Clocks;
  readonly #exactness: number;
  /** Time since the start less monotonic time, at first. */
  readonly #bootAhead: number;
  /** Wall clock less monotonic time, when it was last looked at closely. */
  #wallAhead: number;
  #suspended = 0;

  constructor(clocks: Clocks = MACHINE, exactness = EXACTNESS_MS) {
    this.#clocks = clocks;
    this.#exactness = exactness;
    const monotonic = clocks.monotonic();
    this.#bootAhead = clocks.boot() - monotonic;
    this.#wallAhead = clocks.wall() - monotonic;
  }

  /** Milliseconds of monotonic time and of all suspensions that are known. */
  now(): number {
    const monotonic = this.#clocks.monotonic();
    const wallAhead = this.#clocks.wall() - monotonic;
    if (Math.abs(wallAhead - this.#wallAhead) > SUSPICION_MS) {
      this.#wallAhead = wallAhead;
      const suspended = this.#clocks.boot() - monotonic - this.#bootAhead;
      if (suspended - this.#suspended > this.#exactness) this.#suspended = suspended;
    }
    return monotonic + this.#suspended;
  }

  /** A time of this clock on the monotonic one, as far as it is known now. */
  onMonotonic(time: number): number {
    return time - this.#suspended;
  }
}

/** That of this machine. */
export const elapsed = new ElapsedClock();
