/** Counts the changes that arrive in this process, and what they cost it. */

export interface CountJob {
  /** How many changes will arrive. */
  count: number;
}

export interface CountReply {
  /** Microseconds of CPU time (user and system) of this process per change, from the job to the last change. */
  cpu: number;
}

export class Counter {
  #left = 0;
  #count = 0;
  #cpu = process.cpuUsage();

  /** Serves the jobs of the parent. */
  serve(): void {
    process.on('message', ({ count }: CountJob) => {
      this.#count = count;
      this.#left = count;
      this.#cpu = process.cpuUsage();
      process.send?.({ ready: true });
    });
    process.on('disconnect', () => process.exit());
    process.send?.({ ready: true });
  }

  /** A change of 16 B arrived. */
  seen(value: { length: number }): void {
    if (value.length !== 16) throw new Error(`a value has the length ${value.length}`);
    if (--this.#left !== 0) return;
    const { user, system } = process.cpuUsage(this.#cpu);
    process.send?.({ cpu: (user + system) / this.#count } satisfies CountReply);
  }
}

/** The keys that an observer of this name observes. */
export function observedKeys(name: string, count: number): string[] {
  return Array.from({ length: count }, (_none, index) => `observed/${name}/${index}`);
}
