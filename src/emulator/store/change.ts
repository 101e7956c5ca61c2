/** A change of one key in the store, with all that must outlive the process. */
export type Change =
  | {
      kind: 'set';
      key: Buffer;
      value: Buffer;
      version: string;
      /** The fencing token that protects the key. */
      fence: string | undefined;
      /** Milliseconds until the key expires; `undefined` if it does not. */
      lifeMs: number | undefined;
    }
  | { kind: 'delete'; key: Buffer; version: string };

/** A key and the value it gets when the store starts. */
export interface LoadedKey {
  /** Its name. */
  key: Buffer;
  /** Its value. */
  value: Buffer;
}
