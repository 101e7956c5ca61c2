import type { Scratch } from './scratch';

/** One point of the protocol. */
export interface Point {
  readonly id: string;
  readonly title: string;
  /** Returns a detail for a person. Throws the reason why the point is not supported. */
  check(scratch: Scratch): Promise<string>;
}
