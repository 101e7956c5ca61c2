import type { KeyChange } from '../client/observation';
import type { SetResult } from '../client/results';
import { StateStoreError } from '../errors';
import type { KeyContext } from './key-context';
import type { KeyReplica } from './key-replica';
import type { KeyWrite, Settle } from './key-write';
import { KeyWrites } from './key-writes';
import { notInTime } from './not-in-time';

/** Sends the writes of one key to the store, one after the other, and has {@link KeyReplica} know their outcome. */
export class KeyWriter {
  readonly #scope: string;
  readonly #name: string;
  readonly #key: string;
  readonly #context: KeyContext;
  readonly #replica: KeyReplica;
  readonly #onIdle: (change: KeyChange | undefined) => void;
  readonly #writes = new KeyWrites();

  /** `onIdle` is called when no write is in flight any more, with the newest change that arrived meanwhile. */
  constructor(
    place: { scope: string; name: string; key: string },
    context: KeyContext,
    replica: KeyReplica,
    onIdle: (change: KeyChange | undefined) => void,
  ) {
    this.#scope = place.scope;
    this.#name = place.name;
    this.#key = place.key;
    this.#context = context;
    this.#replica = replica;
    this.#onIdle = onIdle;
  }

  /** Whether a write is in flight or waits. */
  get busy(): boolean {
    return this.#writes.busy;
  }

  /** Writes the value that the cache has now. `settle` is called once, after the store answered, or with the error. */
  write(deadline: number, settle?: Settle): void {
    if (!this.busy) this.#context.link.writes.begin();
    const write = this.#writes.want(deadline, settle);
    if (write) this.#begin(write);
  }

  /** Writes a text that the store lost, if the key is missing. Only while no write is in flight. */
  restore(deadline: number, text: string): void {
    this.#context.link.writes.begin();
    const write = this.#writes.restore(deadline, text);
    if (write) this.#begin(write);
  }

  /** A change of another process that arrived while a write is in flight. */
  keep(change: KeyChange): void {
    this.#writes.keep(change);
  }

  /** Fails the write that has not gone out. */
  end(): void {
    const write = this.#writes.dropNext();
    if (write) this.#settle(write, notSent(`${this}`));
  }

  /** For people. */
  toString(): string {
    return `${this.#scope} ${this.#name}`;
  }

  /** Puts the name into the index, if need be, and sends the write. Few promises: each costs a busy flow as much as the work between them. */
  #begin(write: KeyWrite): void {
    const { link, values } = this.#context;
    if (link.index.has(this.#scope, this.#name) || !values.has(this.#scope, this.#name)) {
      this.#send(write);
      return;
    }
    link.index.add(this.#scope, [this.#name], write.deadline).then(
      () => {
        this.#writes.joinAll();
        this.#send(write);
      },
      (error: unknown) => this.#end(write, error),
    );
  }

  #send(write: KeyWrite): void {
    const { link, values } = this.#context;
    const { client } = link;
    const failed = (error: unknown) => this.#end(write, error);
    const options = write.options(link.persist, client.timeout);
    if (!options) {
      queueMicrotask(() => failed(notInTime(`${this} was not written in time`, client)));
      return;
    }
    let text = write.restores;
    try {
      text ??= values.encoded(this.#scope, this.#name, client.maximumPacketSize);
    } catch (error) {
      // No callback is called before the call that set the value has returned.
      queueMicrotask(() => failed(error));
      return;
    }
    if (text === undefined) {
      link.index.doubt(this.#scope, this.#name);
      client.delete(this.#key, { timeout: options.timeout }).then(({ version }) => {
        const { text: before, life } = this.#replica;
        if (before !== undefined) this.#context.deleted.add(this.#scope, this.#name, version, life);
        this.#replica.learn(undefined, version, link.connections);
        this.#end(write, undefined);
      }, failed);
      return;
    }
    const written = text;
    client.set(this.#key, text, options).then((result) => this.#onAnswer(write, written, result), failed);
  }

  #onAnswer(write: KeyWrite, text: string, result: SetResult): void {
    const { stored, version } = result;
    const { link } = this.#context;
    if (write.restores !== undefined) {
      void this.#onRestored(write, text, result);
      return;
    }
    if (stored) this.#replica.learn(text, version, link.connections);
    else this.#replica.doubt();
    link.life.track((life) => this.#replica.livesIn(life));
    this.#secureName(write);
  }

  /** While a lost value was restored, another process may have claimed that the key was deleted before the loss. */
  async #onRestored(write: KeyWrite, text: string, { stored, version }: SetResult): Promise<void> {
    const { link } = this.#context;
    const { version: before } = this.#replica;
    try {
      const isDeleted =
        stored && before !== undefined && (await link.restores.isDeleted(this.#scope, this.#name, before));
      if (isDeleted) await link.client.deleteIfValue(this.#key, text);
      // If the value of another process was there first, the key is read, and that value makes way if it is older.
      if (stored) link.life.track((life) => this.#replica.livesIn(life));
      if (stored && !isDeleted) this.#replica.learn(text, version, link.connections);
      this.#secureName(write);
    } catch (error) {
      this.#end(write, error);
    }
  }

  /** Another process may have deleted the key, and removed its name from the index, just before. */
  #secureName(write: KeyWrite): void {
    const { link } = this.#context;
    if (link.index.has(this.#scope, this.#name)) {
      this.#end(write, undefined);
      return;
    }
    link.index.add(this.#scope, [this.#name], write.deadline).then(
      () => this.#end(write, undefined),
      (error: unknown) => this.#end(write, error),
    );
  }

  #end(write: KeyWrite, error: unknown): void {
    const { link, values } = this.#context;
    if (error) this.#replica.doubt();
    // A set in a callback is the next write.
    this.#settle(write, error);
    const next = this.#writes.next();
    if (next) {
      this.#begin(next);
      return;
    }
    // A change that failed must not go out with the next one, whether it was made in place or not.
    if (error) values.take(this.#scope, this.#name, this.#replica.text);
    link.writes.end();
    this.#onIdle(this.#writes.takeChange());
  }

  #settle(write: KeyWrite, error: unknown): void {
    const { link, log } = this.#context;
    if (error) link.writes.fail();
    if (!error) log.written(this);
    else if (write.unwatched) log.notWritten(`${this}`, error);
    write.settle(error, (thrown) => log.error('callbackThrew', thrown));
  }
}

function notSent(key: string): StateStoreError {
  return new StateStoreError('CLOSED', `${key} was not written: the context store was closed.`, {
    applied: 'no',
  });
}
