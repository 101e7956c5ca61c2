/** Writes of a key that update nodes or a lock protect: they need its lock, and the user's word for it. */
import { badInput, reasonOf } from './runtime';

const PROTECTED = 'FENCING_TOKEN_REQUIRED';

export class Protection {
  readonly #question: string;
  #withLock = false;

  /** `question` is shown when the key turns out to be protected. The next {@link write} acquires its lock. */
  constructor(question: string) {
    this.#question = question;
  }

  async write<T>(write: (options: { withLock?: boolean }) => Promise<T>): Promise<T> {
    try {
      return await write(this.#withLock ? { withLock: true } : {});
    } catch (reason) {
      if (this.#withLock || reasonOf(reason).code !== PROTECTED) throw reason;
      this.#withLock = true;
      throw badInput(this.#question);
    }
  }
}
