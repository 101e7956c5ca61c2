/**
 * The lease of a role: acquire, renew, release, takeover, lost connections and a store that loses its memory. Time passes in ticks.
 * Requests are executed late or never, twice, and also after their client has given up; a client may do nothing for any time, which is what a
 * frozen process does. Turns of waiters are left out: any candidate may try at any time.
 */
import type { Model, Step } from './checker';

export interface RoleRules {
  /** Ticks of the lease of each client. The holder believes in it for one tick less. */
  durations: number[];
  /**
   * `session`: after each lost session, for the own duration. `seen`: after a loss of memory, for the longest duration that the client saw
   * at a holder, or its own. `memory`: after a loss of memory, for the longest duration in use.
   */
  caution: 'session' | 'seen' | 'memory';
  /** Whether a client acquires with another holder text after a release whose outcome it does not know. */
  newText: boolean;
  /** Most losses of memory, most further cuts of connections, and most requests of each client. */
  bounds: { losses: number; cuts: number; requests: number[] };
}

interface Request {
  client: number;
  kind: 'set' | 'release';
  /** Distinguishes the holder texts of one client. */
  text: number;
  /** Whether the client still waits for its response. */
  wanted: boolean;
  /** Whether it was executed once, and its response was lost. */
  again: boolean;
}

interface Client {
  connected: boolean;
  /** The memory of the store as the client knows it, and whether it read the marker on this connection. */
  memory: number;
  checked: boolean;
  /** The longest duration that it knows, with `caution: 'seen'`. */
  seen: number;
  /** Ticks for which it acquires nothing. */
  caution: number;
  /** Ticks for which it believes in its lease. */
  belief: number;
  /** Ticks since its request was sent; -1 if it has none. */
  age: number;
  text: number;
  requests: number;
}

interface State {
  memory: number;
  /** The holder of the key in the store, its text, and the remaining ticks. -1 without a holder. */
  holder: number;
  text: number;
  left: number;
  clients: Client[];
  net: Request[];
  losses: number;
  cuts: number;
}

export function roleModel({ durations, caution, newText, bounds }: RoleRules): Model<State> {
  const longest = Math.max(...durations);
  const duration = (client: number) => durations[client] as number;
  const free = { holder: -1, text: 0, left: 0 };

  const change = (state: State, index: number, more: Partial<Client>): State => ({
    ...state,
    clients: state.clients.map((client, i) => (i === index ? { ...client, ...more } : client)),
  });
  const tick = (state: State): State => ({
    ...state,
    ...(state.left > 1 ? { left: state.left - 1 } : free),
    clients: state.clients.map((client) => ({
      ...client,
      caution: Math.max(0, client.caution - 1),
      belief: Math.max(0, client.belief - 1),
      age: client.age < 0 ? -1 : Math.min(client.age + 1, longest),
    })),
  });
  const giveUp = (state: State, index: number): State => {
    const released = state.net.some((one) => one.client === index && one.wanted && one.kind === 'release');
    const { text } = state.clients[index] as Client;
    return {
      ...change(state, index, { age: -1, ...(released && newText && { text: text + 1 }) }),
      net: state.net.map((one) => (one.client === index ? { ...one, wanted: false } : one)),
    };
  };
  const disconnect = (state: State, index: number): State =>
    change(giveUp(state, index), index, { connected: false, checked: false });
  const reconnect = (state: State, index: number): State => {
    const { belief } = state.clients[index] as Client;
    const careful = caution === 'session' && belief === 0;
    return observe(change(state, index, { connected: true, ...(careful && { caution: duration(index) }) }));
  };
  const check = (state: State, index: number): State => {
    const lost = (state.clients[index] as Client).memory !== state.memory;
    return change(state, index, {
      checked: true,
      memory: state.memory,
      ...(lost && { caution: caution === 'seen' ? (state.clients[index] as Client).seen : longest }),
    });
  };
  /** Clients with a connection observe the key. */
  const observe = (state: State): State => {
    if (caution !== 'seen' || state.holder < 0) return state;
    const held = duration(state.holder);
    return {
      ...state,
      clients: state.clients.map((client) =>
        client.connected ? { ...client, seen: Math.max(client.seen, held) } : client,
      ),
    };
  };
  const send = (state: State, index: number, kind: Request['kind']): State => {
    const { text, requests } = state.clients[index] as Client;
    const belief = kind === 'release' ? { belief: 0 } : {};
    const sent = change(state, index, { age: 0, requests: requests + 1, ...belief });
    return { ...sent, net: [...sent.net, { client: index, kind, text, wanted: true, again: false }] };
  };
  /** The store executes a request; the response arrives at once, since a client may send late and a request may be executed late. */
  const execute = (state: State, at: number, again: boolean): State => {
    const { client, kind, text, wanted } = state.net[at] as Request;
    const mine = state.holder === client && state.text === text;
    const stored = kind === 'set' && (mine || state.holder < 0);
    const key = stored
      ? { holder: client, text, left: duration(client) }
      : kind === 'release' && mine
        ? free
        : {};
    const net = again
      ? state.net.map((one, i) => (i === at ? { ...one, again } : one))
      : state.net.filter((_, i) => i !== at);
    const done = observe({ ...state, ...key, net });
    if (!wanted || again) return done;
    const { age } = state.clients[client] as Client;
    const belief = stored ? Math.max(0, duration(client) - 1 - age) : 0;
    return change(done, client, { age: -1, belief });
  };

  return {
    initial: {
      memory: 1,
      ...free,
      clients: durations.map((own) => ({
        connected: true,
        seen: caution === 'seen' ? own : 0,
        memory: 1,
        checked: true,
        caution: 0,
        belief: 0,
        age: -1,
        text: 0,
        requests: 0,
      })),
      net: [],
      losses: 0,
      cuts: 0,
    },
    steps: (state) => {
      const steps: Step<State>[] = [{ name: 'tick', next: tick(state) }];
      const add = (name: string, next: State) => steps.push({ name, next });
      if (state.losses < bounds.losses) {
        const all = state.clients.reduce((lost, _, i) => disconnect(lost, i), state);
        add('the store loses its memory', {
          ...all,
          ...free,
          memory: state.memory + 1,
          losses: state.losses + 1,
        });
      }
      for (const [i, client] of state.clients.entries()) {
        const name = `client ${i}`;
        if (!client.connected) {
          add(`${name} reconnects`, reconnect(state, i));
          continue;
        }
        if (state.cuts < bounds.cuts)
          add(`${name} loses its connection`, { ...disconnect(state, i), cuts: state.cuts + 1 });
        if (caution !== 'session' && !client.checked) add(`${name} reads the marker`, check(state, i));
        if (client.age >= 0) {
          add(`${name} gives up its request`, giveUp(state, i));
        } else if (client.requests < (bounds.requests[i] ?? 0)) {
          const ready = client.caution === 0 && (caution === 'session' || client.checked);
          if (client.belief > 0) {
            add(`${name} renews`, send(state, i, 'set'));
            add(`${name} releases`, send(state, i, 'release'));
          } else if (ready) add(`${name} tries`, send(state, i, 'set'));
        }
      }
      for (const [i, { client, kind, wanted, again }] of state.net.entries()) {
        add(`${kind} of client ${client} is executed`, execute(state, i, false));
        if (wanted && !again)
          add(`${kind} of client ${client} is executed without a response`, execute(state, i, true));
      }
      return steps;
    },
    violation: ({ clients }) => {
      const active = clients.flatMap(({ belief }, i) => (belief > 0 ? [i] : []));
      return active.length > 1 ? `clients ${active.join(' and ')} believe in the lease` : undefined;
    },
  };
}
