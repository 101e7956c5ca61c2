/** A list of keys that a page of the editor reads part by part. */
import { randomUUID } from 'node:crypto';
import type { KeyPage } from './protocol';
import { Refusal } from './refusal';

/** Keys of one answer. */
export const PAGE = 2000;

/** Keys that were read from a store, and whether there may be more. */
export interface KeyPart {
  keys: Buffer[];
  more: boolean;
}

/** Reads the next keys. After an error, the same keys can be read again. */
export type ReadKeys = () => KeyPart | Promise<KeyPart>;

/** Each answer has the place of the next one. A place is valid for one answer, so no key is left out or sent twice. */
export class KeyPages {
  readonly #read: ReadKeys;
  /** Undefined while keys are read, and at the end. */
  #place: string | undefined;

  constructor(read: ReadKeys) {
    this.#read = read;
  }

  first(): Promise<KeyPage> {
    return this.#next(undefined);
  }

  async after(place: string): Promise<KeyPage> {
    if (place !== this.#place) throw noSuchPlace();
    return this.#next(place);
  }

  async #next(place: string | undefined): Promise<KeyPage> {
    this.#place = undefined;
    try {
      const { keys, more } = await this.#read();
      if (more) this.#place = randomUUID();
      return {
        keys: keys.map((key) => key.toString('base64')),
        ...(this.#place !== undefined && { next: this.#place }),
      };
    } catch (error) {
      this.#place = place;
      throw error;
    }
  }
}

export function noSuchPlace(): Refusal {
  return new Refusal(
    404,
    'noSuchPlace',
    'The list of keys cannot be continued from this place. Begin the list again.',
  );
}
