/** Checks that a state store answers on a connection, because an MQTT broker alone is not enough. */
import type { StateStoreClient } from '../../client/state-store-client';
import { StateStoreError } from '../../errors';
import { ServiceError } from '../../protocol/errors';
import { ReasonCode } from '../../reason-codes';

/** A key that does not exist. */
const KEY = 'statestore-test/is-there-a-store';
/** How long after a request without an answer the next one follows, in milliseconds. */
const PAUSE_MS = 10_000;
/** How long an answer holds for {@link StorePresence.check}, in milliseconds. */
const ANSWER_HOLDS_MS = 2000;

/** Why a connection cannot be used: a name for the status, and the advice. */
export interface Absence {
  reason: 'noStateStore' | 'noStateStoreAnswer' | 'noAnswer' | 'notAuthorized';
  message: string;
  retry: 'slowly';
}

/** Asks with a request of its own after each connect, and again and again until there is an answer. */
export class StorePresence {
  readonly #client: StateStoreClient;
  readonly #where: () => string;
  readonly #onChange: () => void;
  #end: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #found: 'there' | Absence | undefined;
  /** On the monotonic clock, in milliseconds. */
  #foundAt = 0;
  #asking = false;

  /** `where` names the broker. `onChange` is called when an answer, or no answer within the timeout, changes {@link found}. */
  constructor(client: StateStoreClient, where: () => string, onChange: () => void) {
    this.#client = client;
    this.#where = where;
    this.#onChange = onChange;
  }

  /** What is known of this connection; nothing before the first answer. */
  get found(): 'there' | Absence | undefined {
    return this.#found;
  }

  /** The client has connected again. */
  connected(): void {
    this.lost();
    void this.#ask(new AbortController());
  }

  /** The client is not connected any more. */
  lost(): void {
    clearTimeout(this.#timer);
    this.#end?.abort();
    this.#found = undefined;
  }

  /**
   * Asks once more if the last answer is old. A store that stopped answering, or a connection that is dead without a close, is found
   * so even when no other request is made.
   */
  check(): void {
    const isOld = performance.now() - this.#foundAt > ANSWER_HOLDS_MS;
    if (this.#found === 'there' && isOld && !this.#asking && this.#end) void this.#ask(this.#end);
  }

  async #ask(end: AbortController): Promise<void> {
    this.#end = end;
    this.#asking = true;
    const { answers, received } = this.#client;
    let found: 'there' | Absence | undefined;
    try {
      await this.#client.get(KEY, { signal: end.signal });
      found = 'there';
    } catch (error) {
      const heard =
        this.#client.answers > answers ? 'responses' : this.#client.received > received ? 'bytes' : 'nothing';
      found = readError(error, this.#where(), heard, this.#client.timeout);
    }
    if (end.signal.aborted) return;
    this.#asking = false;
    if (found !== 'there') this.#timer = setTimeout(() => void this.#ask(end), PAUSE_MS);
    if (!found) return;
    const isSame = found === 'there' && this.#found === 'there';
    this.#found = found;
    this.#foundAt = performance.now();
    if (!isSame) this.#onChange();
  }
}

/** What came on the connection while a request waited: responses to other requests, other bytes of the broker, or nothing. */
type Heard = 'responses' | 'bytes' | 'nothing';

/**
 * What an error says of the store; nothing if it says that there was no room for the request, or that the connection was lost.
 * `timeout`: of the request, in milliseconds.
 */
function readError(
  error: unknown,
  where: string,
  heard: Heard,
  timeout: number,
): 'there' | Absence | undefined {
  if (!(error instanceof StateStoreError) || error instanceof ServiceError) return 'there';
  const { code, reasonCode } = error;
  const advice =
    'Check that host and port are those of the MQTT broker of Azure IoT Operations, or of an emulator';
  if (code === 'BAD_RESPONSE' || reasonCode === ReasonCode.NO_MATCHING_SUBSCRIBERS) {
    return absence('noStateStore', `The broker at ${where} does not have a state store. ${advice}.`);
  }
  if (code === 'TIMEOUT') {
    if (heard === 'responses') return 'there';
    if (heard === 'nothing') {
      const silence = `The broker at ${where} has sent nothing for ${timeout} ms`;
      return absence('noAnswer', `${silence}. Check the network and the load of the broker.`);
    }
    const isUnheard = error.reason === 'noStateStoreAnswer';
    const what = isUnheard ? error.advice : `${advice}, and that the state store runs.`;
    return absence(
      'noStateStoreAnswer',
      `The broker at ${where} responds, but the state store does not. ${what}`,
    );
  }
  if (reasonCode === ReasonCode.NOT_AUTHORIZED) return absence('notAuthorized', error.message);
  return code === 'REFUSED' ? 'there' : undefined;
}

function absence(reason: Absence['reason'], message: string): Absence {
  return { reason, message, retry: 'slowly' };
}
