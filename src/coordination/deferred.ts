/** A promise that is settled from outside. */
export class Deferred<Value = void> {
  readonly promise: Promise<Value>;
  #resolve: (value: Value) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  resolve(value: Value): void {
    this.#resolve(value);
  }
}
