/** Runs one piece of work after the other. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** Settles as `work` does, which begins when all earlier work has settled. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
