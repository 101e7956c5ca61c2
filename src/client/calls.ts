/** Makes the request of a call: checks its arguments, and puts the prefix of the client before the key. */
import type { Operation } from '../errors';
import { bytes, checkRules, type Rules } from '../option-rules';
import { commandItems, type KeyCommand } from '../protocol/commands';
import type { UserProperties } from '../protocol/user-properties';
import { type Bytes, ownKey, type ResolvedOptions, type SetOptions } from './options';
import { type ReadAnswer, Request } from './request';
import type { Requests } from './requests';

export class Calls {
  readonly #requests: Requests;
  readonly #options: ResolvedOptions;
  readonly #prefix: Buffer;

  constructor(requests: Requests, options: ResolvedOptions) {
    this.#requests = requests;
    this.#options = options;
    this.#prefix = Buffer.from(options.keyPrefix);
  }

  /** Submits the request of a call. An argument that is wrong ends as a rejection, too. */
  submit<Result, Options extends SetOptions>(
    operation: Operation,
    command: KeyCommand<Bytes>,
    read: ReadAnswer<Result>,
    options: Options,
    rules: Rules<Options>,
  ): Promise<Result> {
    try {
      const { keyPrefix } = this.#options;
      const key = ownKey(command.key, operation);
      const given = options ?? {};
      const timeout = given.timeout ?? this.#options.timeout;
      const properties = this.#userProperties(given);
      const request = new Request(operation, key, read, given, timeout, properties, keyPrefix);
      checkRules(options, rules, request);
      if ('value' in command) bytes('value', command.value, request);
      command.key = this.#inStore(key);
      return this.#requests.submit(request, commandItems(command));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Bytes of the packet that stores a value, without a fencing token. */
  sizeOfSet(key: Bytes, value: Bytes, options: SetOptions): number {
    const { condition, expiry: expiryMs } = options;
    const command = { verb: 'SET', key: this.#inStore(key), value, condition, expiryMs } as const;
    return this.#requests.sizeOf(commandItems(command), this.#userProperties(options));
  }

  #inStore(key: Bytes): Bytes {
    return this.#prefix.length === 0 ? key : Buffer.concat([this.#prefix, Buffer.from(key)]);
  }

  #userProperties({ persist }: SetOptions): UserProperties | undefined {
    const { name, value } = this.#options.persistence;
    return persist ? { [name]: value } : undefined;
  }
}
