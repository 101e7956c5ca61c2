/** Lists of keys: docs/protocol.md section 13. */
import { causeFirst, type ErrorContext, notDone, printableKey, StateStoreError } from '../errors';
import type { Connection } from '../mqtt/connection';
import { checkRules } from '../option-rules';
import { commandItems } from '../protocol/commands';
import { ServiceError } from '../protocol/errors';
import { escapePattern, Glob, PatternError } from '../protocol/glob';
import type { Page } from '../protocol/resp3';
import { parseScanReply } from '../protocol/responses';
import { type Bytes, ownKey, REQUEST_RULES, type RequestOptions } from './options';
import { type Answer, Request } from './request';
import type { Requests } from './requests';

/** Asks for the page after `token`. */
type AskPage = (token: Buffer | undefined) => Promise<Page>;

/**
 * The keys that match a pattern, each as a `Buffer` of its own. Pages are asked for as they are needed, so a list of any length takes little memory. A
 * key that exists from the first page to the last is listed exactly once; a key that is created or deleted meanwhile may be listed or not.
 *
 * `for await` ends with the error if a page cannot be read. A caller of `next()` may call it again after an error: it asks for the same page.
 */
export class KeyList implements AsyncIterableIterator<Buffer> {
  readonly #ask: AskPage;
  #keys: Buffer[] = [];
  #index = 0;
  #token: Buffer | undefined;
  #phase: 'first' | 'more' | 'end' = 'first';
  /** Calls of `next` are served one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(ask: AskPage) {
    this.#ask = ask;
  }

  /** The next key. Asks for a page if no key is left of the one before. */
  next(): Promise<IteratorResult<Buffer, undefined>> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Ends the list. No further page is asked for. */
  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#phase = 'end';
    this.#keys = [];
    return { done: true, value: undefined };
  }

  /** The list itself, for `for await`. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<Buffer, undefined>> {
    while (this.#index >= this.#keys.length) {
      if (this.#phase === 'end') return { done: true, value: undefined };
      const { keys, token } = await this.#ask(this.#token);
      this.#keys = keys;
      this.#index = 0;
      this.#token = token;
      this.#phase = token ? 'more' : 'end';
    }
    return { done: false, value: this.#keys[this.#index++] as Buffer };
  }
}

interface ScanOptions {
  keyPrefix: string;
  /** Milliseconds. */
  timeout: number;
}

/** The lists of keys of one client. */
export class Scans {
  readonly #requests: Requests;
  readonly #options: ScanOptions;
  /** Whether the store of this connection answered that it does not know SCAN. */
  #isUnknown = false;

  constructor(connection: Connection, requests: Requests, options: ScanOptions) {
    this.#requests = requests;
    this.#options = options;
    // Another connection may reach another store, or the same one after an update.
    connection.on('state', () => {
      this.#isUnknown = false;
    });
  }

  /** `timeout` is for each page. */
  keys(pattern: Bytes, options: RequestOptions): KeyList {
    const prefix = Buffer.from(this.#options.keyPrefix);
    const escaped = escapePattern(this.#options.keyPrefix);
    return new KeyList(async (token) => {
      const own = ownKey(pattern, 'keys');
      checkPattern(own);
      checkRules(options, REQUEST_RULES, { operation: 'keys', key: printableKey(Buffer.from(own)) });
      const { keyPrefix, timeout } = this.#options;
      const wait = options.timeout ?? timeout;
      const request = new Request('keys', own, readPage, options, wait, undefined, keyPrefix);
      const inStore = escaped === '' ? own : Buffer.concat([Buffer.from(escaped), Buffer.from(own)]);
      const { keys, token: next } = await this.#ask(request, inStore, token);
      return { keys: keys.map((key) => key.subarray(prefix.length)), token: next };
    });
  }

  async #ask(request: Request<Page>, pattern: Bytes, token: Buffer | undefined): Promise<Page> {
    if (this.#isUnknown) throw notSupported(request);
    try {
      return await this.#requests.submit(request, commandItems({ verb: 'SCAN', pattern, token }));
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'UNKNOWN_COMMAND') throw error;
      this.#isUnknown = true;
      throw notSupported(request, error);
    }
  }
}

/** Copies, because the payload is a view into the bytes from the socket. */
function readPage({ payload }: Answer, _version: string | undefined, context: ErrorContext): Page {
  const { keys, token } = parseScanReply(payload, context);
  return { keys: keys.map((key) => Buffer.from(key)), token: token && Buffer.from(token) };
}

function checkPattern(pattern: string | Buffer): void {
  try {
    new Glob(pattern.toString());
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new StateStoreError('BAD_ARGUMENT', `The pattern is not valid: ${error.message}.`, {
      operation: 'keys',
    });
  }
}

function notSupported(request: Request<Page>, cause?: Error): StateStoreError {
  const { operation, key } = request;
  const advice =
    'Update Azure IoT Operations, or keep the names of your keys in one key and read that. Keys with known names can still be read.';
  const words = causeFirst('This broker cannot list keys (it does not know SCAN)', notDone(request), advice);
  return new StateStoreError('NOT_SUPPORTED', words, { operation, key, cause });
}
