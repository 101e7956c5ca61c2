import type { KeyChange } from '../client/observation';
import { compareHlc, parseHlc } from '../protocol/hlc';

/**
 * The content of one key in the store, as far as this process knows it. No I/O, and no object that a flow could change: the value is
 * kept as text.
 */
export class KeyReplica {
  #text: string | undefined;
  #version: string | undefined;
  /** Number of the connection on which that was learned. */
  #connection = 0;
  #life = 0;
  #doubtful = false;

  /** The value as text, `undefined` if the key is missing. */
  get text(): string | undefined {
    return this.#text;
  }

  get version(): string | undefined {
    return this.#version;
  }

  /** The life of the store in which the key had this content, 0 if it never had one. */
  get life(): number {
    return this.#life;
  }

  /** Whether the store may have another content by now. */
  get doubtful(): boolean {
    return this.#doubtful;
  }

  doubt(): void {
    this.#doubtful = true;
  }

  /** The store answered, or sent a change, on this connection. */
  learn(text: string | undefined, version: string | undefined, connection: number): void {
    this.#text = text;
    this.#version = version;
    this.#connection = connection;
    this.#doubtful = false;
  }

  /** The key is known to be in the store in this life. */
  livesIn(life: number): void {
    this.#life = life;
  }

  /** Whether a change is news, is known, or leaves doubt about the content of the store. */
  judge(change: KeyChange, connection: number): 'news' | 'known' | 'doubt' {
    const order = this.#compare(change.version);
    if (order === undefined) return 'doubt';
    if (order > 0) return 'news';
    // Only another store, which serves the broker by now, sends an older change on another connection.
    return order < 0 && this.#connection !== connection ? 'doubt' : 'known';
  }

  /** Positive if `version` is newer than the known one, `undefined` if that is unknown. */
  #compare(version: string | undefined): number | undefined {
    if (version === undefined) return undefined;
    if (this.#version === undefined) return 1;
    if (version === this.#version) return 0;
    const [theirs, ours] = [parseHlc(version), parseHlc(this.#version)];
    return theirs && ours ? compareHlc(theirs, ours) : undefined;
  }
}
