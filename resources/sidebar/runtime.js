/** What the tab asks Node-RED for, and what Node-RED tells it of the keys that are seen. */
(() => {
  window.stateStoreSidebar ??= {};
  const sidebar = window.stateStoreSidebar;
  const TOPIC = 'statestore/watch';
  /** How often a watch is renewed, and how soon it is tried again, in milliseconds. */
  const RENEWAL_MS = 5000;
  /** Every so many renewals, keys that could not be observed are tried again. */
  const RENEWALS_WITH_KEYS = 4;
  const RETRY_MS = 2000;
  /** How long a watch may say nothing at first. */
  const SILENCE_MS = 5000;

  const ask = (type, path, body) =>
    $.ajax({
      type,
      url: `statestore/${path}`,
      dataType: 'json',
      ...(body && { contentType: 'application/json', data: JSON.stringify(body) }),
    });

  /** The reason why a request failed: `forbidden`, `offline`, `gone`, or what the runtime said. */
  function reasonOf(xhr) {
    if (xhr.status === 401 || xhr.status === 403) return { kind: 'forbidden' };
    if (xhr.status === 0 || xhr.status === 502 || xhr.status === 504) return { kind: 'offline' };
    const { error, code } = xhr.responseJSON ?? {};
    return { kind: xhr.status === 404 ? 'gone' : 'refused', message: error || xhr.statusText, code };
  }

  /** A watch on one store: from {@link start} to {@link end}, through everything that may happen to Node-RED and the way to it. */
  class Watch {
    #store;
    #tell;
    #trouble;
    #id;
    #keys = [];
    #renewal;
    #silence;
    #retry;
    #ended = false;
    #number = 0;
    #onComms = (_topic, message) => this.#onMessage(message);
    #onConnect = () => this.#open();

    /** `tell(message)` takes what is new, `trouble(reason)` why nothing comes. */
    constructor(store, { tell, trouble }) {
      this.#store = store;
      this.#tell = tell;
      this.#trouble = trouble;
    }

    start() {
      RED.comms.subscribe(TOPIC, this.#onComms);
      RED.comms.on('connect', this.#onConnect);
      this.#open();
    }

    /** These keys are seen now. */
    see(keys) {
      this.#keys = keys;
      if (this.#id) this.#renew({ keys });
    }

    /** The next page of all keys there are. */
    list(anew) {
      return ask('GET', `watches/${this.#id}/keys?anew=${anew}`);
    }

    end() {
      this.#ended = true;
      RED.comms.unsubscribe(TOPIC, this.#onComms);
      RED.comms.off('connect', this.#onConnect);
      this.#stop();
    }

    async #open() {
      this.#stop();
      const number = ++this.#number;
      try {
        const { watch } = await ask('POST', 'watches', { store: this.#store });
        if (this.#ended || number !== this.#number) {
          ask('DELETE', `watches/${watch}`).catch(() => undefined);
          return;
        }
        this.#id = watch;
        RED.comms.send(TOPIC, { watch, seq: 0 });
        this.#silence = setTimeout(() => this.#open(), SILENCE_MS);
        let count = 0;
        this.#renewal = setInterval(
          () => this.#renew(++count % RENEWALS_WITH_KEYS === 0 ? { keys: this.#keys } : {}),
          RENEWAL_MS,
        );
        if (this.#keys.length > 0) this.#renew({ keys: this.#keys });
      } catch (xhr) {
        if (number === this.#number) this.#failed(xhr);
      }
    }

    /** Forgets the watch, and has it ended. */
    #stop() {
      clearTimeout(this.#silence);
      clearTimeout(this.#retry);
      clearInterval(this.#renewal);
      if (this.#id) ask('DELETE', `watches/${this.#id}`).catch(() => undefined);
      this.#id = undefined;
    }

    async #renew(body) {
      const id = this.#id;
      try {
        await ask('PUT', `watches/${id}`, body);
      } catch (xhr) {
        if (!this.#ended && id === this.#id) this.#failed(xhr);
      }
    }

    #failed(xhr) {
      if (this.#ended) return;
      const reason = reasonOf(xhr);
      this.#stop();
      this.#trouble(reason);
      if (reason.kind !== 'forbidden') this.#retry = setTimeout(() => this.#open(), RETRY_MS);
    }

    #onMessage(message) {
      const { watch, seq } = message;
      if (this.#ended || watch !== this.#id) return;
      clearTimeout(this.#silence);
      this.#tell(message);
      // The next one comes when this one was painted, so that no page is told more than it can show.
      requestAnimationFrame(() => {
        if (watch === this.#id) RED.comms.send(TOPIC, { watch, seq });
      });
    }
  }

  sidebar.runtime = {
    Watch,
    reasonOf,
    stores: () => ask('GET', 'stores'),
    namedKeys: (store) => ask('GET', `stores/${store}/named-keys`),
    test: (store) => ask('POST', `stores/${store}/test`, {}),
    value: (store, key) => ask('POST', 'value', { store, key }),
    set: (change) => ask('POST', 'set', change),
    remove: (change) => ask('POST', 'delete', change),
  };
})();
