/** A request that an endpoint does not serve. */

/** The catalogue has a sentence for each, `statestore.error.*`. */
export type RefusalCode =
  | 'badContentType'
  | 'badJson'
  | 'badRequest'
  | 'foreignOrigin'
  | 'noKeyList'
  | 'noSuchPlace'
  | 'noSuchStore'
  | 'noSuchWatch'
  | 'tooLarge'
  | 'tooManyWatches';

export class Refusal extends Error {
  readonly code: RefusalCode;
  /** Of the HTTP response. */
  readonly status: number;

  constructor(status: number, code: RefusalCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** A body of the wrong shape. `rule`: "settings must be an object". */
  static malformed(rule: string): Refusal {
    return new Refusal(400, 'badRequest', `The request is not valid: ${rule}.`);
  }
}
