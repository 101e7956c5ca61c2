import { Throttle } from '../words/throttle';

/**
 * A status that many requests change. It is shown at once if none of them is under way, and at most twice a second until then: a thousand keys
 * that are observed together are not a thousand statuses.
 */
export class GatheredStatus {
  readonly #show: () => void;
  readonly #throttle: Throttle;
  #underWay = 0;

  constructor(show: () => void) {
    this.#show = show;
    this.#throttle = new Throttle(show);
  }

  /** A request that may change the status begins. */
  begin(): void {
    this.#underWay++;
  }

  end(): void {
    this.#underWay--;
  }

  changed(): void {
    if (this.#underWay > 0) {
      this.#throttle.call();
      return;
    }
    this.#throttle.stop();
    this.#show();
  }

  /** Nothing is shown later. */
  stop(): void {
    this.#throttle.stop();
  }
}
