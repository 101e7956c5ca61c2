/** A watch on one store: from {@link Watch.start} to {@link Watch.end}, through every loss of Node-RED and of the way to it. */
import { isTooLong } from './key';
import type {
  KeyPage,
  OpenedWatch,
  OpenWatch,
  RenewWatch,
  WatchAcknowledgement,
  WatchMessage,
} from './messages';
import { ask, type Reason, reasonOf } from './runtime';

const TOPIC = 'statestore/watch';
/** How often a watch is renewed, and how soon it is tried again, in milliseconds. */
const RENEWAL_MS = 5000;
const RETRY_MS = 2000;
/** Every so many renewals, keys that could not be observed are tried again. */
const RENEWALS_WITH_KEYS = 4;
/** Characters of the keys in one request to the runtime, which takes no request of 5 MB. */
const MAX_SEEN = 3_000_000;
/** How long a watch may send nothing at first. */
const SILENCE_MS = 5000;

type Timer = ReturnType<typeof setTimeout>;

interface Listener {
  /** Takes what is new. */
  onMessage(message: WatchMessage): void;
  /** Takes the reason why nothing comes. */
  onTrouble(reason: Reason): void;
}

export class Watch {
  readonly #store: string;
  readonly #listener: Listener;
  #id: string | undefined;
  #keys: string[] = [];
  #renewal: Timer | undefined;
  #silence: Timer | undefined;
  #retry: Timer | undefined;
  #ended = false;
  #number = 0;
  readonly #onComms = (_topic: string, message: WatchMessage) => this.#onMessage(message);
  readonly #onConnect = () => void this.#open();

  constructor(store: string, listener: Listener) {
    this.#store = store;
    this.#listener = listener;
  }

  start(): void {
    RED.comms.subscribe(TOPIC, this.#onComms);
    RED.comms.on('connect', this.#onConnect);
    void this.#open();
  }

  /** These keys are seen now, the most important one first: the runtime takes as many as fit into one request. */
  see(keys: string[]): void {
    let left = MAX_SEEN;
    this.#keys = keys.filter((id) => {
      if (isTooLong(id) || id.length > left) return false;
      left -= id.length;
      return true;
    });
    if (this.#id) void this.#renew({ keys: this.#keys });
  }

  /** A page of all keys, or of those with this prefix if the store lists keys on request: the first page, or the page at `place`. */
  list(prefix: string, place: string | undefined): Promise<KeyPage> {
    const query = place === undefined ? { prefix } : { after: place };
    return ask('GET', `watches/${this.#id}/keys?${new URLSearchParams(query)}`);
  }

  end(): void {
    this.#ended = true;
    RED.comms.unsubscribe(TOPIC, this.#onComms);
    RED.comms.off('connect', this.#onConnect);
    this.#stop();
  }

  async #open(): Promise<void> {
    this.#stop();
    const number = ++this.#number;
    try {
      const { watch } = await ask<OpenedWatch>('POST', 'watches', { store: this.#store } satisfies OpenWatch);
      if (this.#ended || number !== this.#number) {
        endWatch(watch);
        return;
      }
      this.#id = watch;
      acknowledge({ watch, seq: 0 });
      this.#silence = setTimeout(() => void this.#open(), SILENCE_MS);
      let count = 0;
      this.#renewal = setInterval(
        () => void this.#renew(++count % RENEWALS_WITH_KEYS === 0 ? { keys: this.#keys } : {}),
        RENEWAL_MS,
      );
      if (this.#keys.length > 0) void this.#renew({ keys: this.#keys });
    } catch (xhr) {
      if (number === this.#number) this.#onFailure(xhr);
    }
  }

  /** Forgets the watch, and has it ended. */
  #stop(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    clearInterval(this.#renewal);
    if (this.#id) endWatch(this.#id);
    this.#id = undefined;
  }

  async #renew(body: RenewWatch): Promise<void> {
    const id = this.#id;
    try {
      await ask('PUT', `watches/${id}`, body);
    } catch (xhr) {
      if (!this.#ended && id === this.#id) this.#onFailure(xhr);
    }
  }

  #onFailure(xhr: unknown): void {
    if (this.#ended) return;
    const reason = reasonOf(xhr);
    this.#stop();
    this.#listener.onTrouble(reason);
    if (reason.kind !== 'forbidden') this.#retry = setTimeout(() => void this.#open(), RETRY_MS);
  }

  #onMessage(message: WatchMessage): void {
    const { watch, seq } = message;
    if (this.#ended || watch !== this.#id) return;
    clearTimeout(this.#silence);
    this.#listener.onMessage(message);
    // The next message comes when this one was painted: no page gets more than it can show.
    requestAnimationFrame(() => {
      if (watch === this.#id) acknowledge({ watch, seq });
    });
  }
}

/** A watch that cannot be ended now ends without renewals. */
function endWatch(watch: string): void {
  ask('DELETE', `watches/${watch}`).catch(() => undefined);
}

function acknowledge(message: WatchAcknowledgement): void {
  RED.comms.send(TOPIC, message);
}
