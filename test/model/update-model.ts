/**
 * Updates of one key under a lock: acquire, get, claim, set, release. Time passes in ticks. Requests are executed late or never, also after their
 * client has given up and another client holds the lock. Each client adds a number of its own to a set of numbers.
 */
import type { Model, Step } from './checker';

export interface UpdateRules {
  /** Whether a client claims the key under its new token before it writes, unless it skips that. */
  claims: boolean;
  /** When the claim is skipped after the own release: if this client has `guarded` the key before, or always if it `released` the lock. */
  skips: 'guarded' | 'released';
  /** Whether the key exists at first. */
  exists: boolean;
  /** Most updates of each client. */
  updates: number[];
  /** Most acquisitions that each client tries. */
  tries: number[];
  /** Most requests on their way at a time. */
  inNet: number;
}

type Phase =
  | 'idle'
  | 'acquire'
  | 'locked'
  | 'get'
  | 'read'
  | 'claim'
  | 'claimed'
  | 'set'
  | 'written'
  | 'release';

interface Request {
  client: number;
  text: number;
  kind: 'acquire' | 'get' | 'claim' | 'set' | 'release';
  token: number;
  value: number;
  /** With `claim` and `set`: the value that the key must have; -2 for any. */
  before: number;
  wanted: boolean;
}

interface Client {
  phase: Phase;
  age: number;
  belief: number;
  token: number;
  /** The set that was read, as bits; -1 if the key is missing. */
  read: number;
  /** Whether the key carries a token of this client, and no other client can have held the lock since. */
  guarded: boolean;
  /** Ticks since the start of its confirmed release, if all of its writes had an answer; -1 otherwise. */
  released: number;
  /** Whether one of its writes has no answer. */
  unknown: boolean;
  /** Its holder text: another one after each release that has no answer. */
  text: number;
  updates: number;
  tries: number;
}

interface State {
  version: number;
  holder: number;
  left: number;
  value: number;
  token: number;
  clients: Client[];
  net: Request[];
  /** The numbers whose updates were reported as applied, as bits. */
  applied: number;
}

/** Ticks of a lease. */
const LEASE = 2;
const MISSING = -1;
const ANY = -2;

export function updateModel({ claims, skips, exists, updates, tries, inNet }: UpdateRules): Model<State> {
  const change = (state: State, index: number, more: Partial<Client>): State => ({
    ...state,
    clients: state.clients.map((client, i) => (i === index ? { ...client, ...more } : client)),
  });
  const clientAt = (state: State, index: number) => state.clients[index] as Client;
  const tick = (state: State): State => ({
    ...state,
    ...(state.left > 1 ? { left: state.left - 1 } : { left: 0, holder: -1 }),
    clients: state.clients.map((client) => ({
      ...client,
      belief: Math.max(0, client.belief - 1),
      age: client.age < 0 ? -1 : Math.min(client.age + 1, LEASE),
      // The shortest lease is one tick.
      released: -1,
    })),
  });
  const send = (
    state: State,
    index: number,
    kind: Request['kind'],
    { value = 0, before = ANY } = {},
  ): State => {
    const { token, text } = clientAt(state, index);
    const sent = change(state, index, {
      phase: kind,
      age: 0,
      ...(kind === 'release' && { belief: 0, released: 0 }),
    });
    return { ...sent, net: [...sent.net, { client: index, text, kind, token, value, before, wanted: true }] };
  };
  const giveUp = (state: State, index: number): State => {
    const { phase, text } = clientAt(state, index);
    const next: Phase = phase === 'acquire' || phase === 'release' ? 'idle' : 'written';
    const unknown = phase === 'set' || phase === 'claim';
    const more = {
      phase: next,
      age: -1,
      ...(unknown && { unknown }),
      ...(phase === 'release' && { released: -1, text: text + 1 }),
    };
    return {
      ...change(state, index, more),
      net: state.net.map((one) => (one.client === index ? { ...one, wanted: false } : one)),
    };
  };
  const bit = (state: State, index: number) => 1 << (2 * index + clientAt(state, index).updates);

  const execute = (state: State, at: number): State => {
    const request = state.net[at] as Request;
    const { client, kind, token, value, before, wanted } = request;
    const holder = 10 * client + request.text;
    let next: State = { ...state, net: state.net.filter((_, i) => i !== at) };
    const { age, released, guarded } = clientAt(state, client);
    const answer = (more: Partial<Client>) => {
      if (wanted) next = change(next, client, { age: -1, ...more });
    };
    switch (kind) {
      case 'acquire': {
        if (state.holder >= 0 && state.holder !== holder) {
          answer({ phase: 'idle' });
          break;
        }
        next = { ...next, holder, left: LEASE, version: state.version + 1 };
        const belief = LEASE - 1 - age;
        if (belief > 0)
          answer({
            phase: 'locked',
            belief,
            token: next.version,
            guarded: released >= 0 && (guarded || skips === 'released'),
            unknown: false,
          });
        else answer({ phase: 'idle' });
        break;
      }
      case 'get':
        answer({ phase: 'read', read: state.value });
        break;
      case 'claim':
      case 'set': {
        const fits = before === ANY || before === state.value;
        const isOld = state.value !== MISSING && token < state.token;
        const stored = fits && !isOld;
        if (stored)
          next = { ...next, value, token: Math.max(token, state.value === MISSING ? 0 : state.token) };
        if (kind === 'claim')
          answer({
            phase: stored ? 'claimed' : isOld ? 'written' : 'locked',
            ...(stored && { guarded: true }),
          });
        else if (stored) {
          if (wanted) next = { ...next, applied: next.applied | bit(state, client) };
          answer({ phase: 'written', guarded: true, updates: clientAt(state, client).updates + 1 });
        } else answer({ phase: isOld ? 'written' : 'locked' });
        break;
      }
      case 'release':
        if (state.holder === holder) next = { ...next, holder: -1, left: 0 };
        answer({
          phase: 'idle',
          ...((state.holder !== holder || clientAt(state, client).unknown) && { released: -1 }),
        });
        break;
    }
    return next;
  };

  return {
    initial: {
      version: 1,
      holder: -1,
      left: 0,
      value: exists ? 0 : MISSING,
      token: 0,
      clients: updates.map(() => ({
        phase: 'idle' as const,
        age: -1,
        belief: 0,
        token: 0,
        read: 0,
        guarded: false,
        released: -1,
        unknown: false,
        text: 0,
        updates: 0,
        tries: 0,
      })),
      net: [],
      applied: 0,
    },
    steps: (state) => {
      const steps: Step<State>[] = [{ name: 'tick', next: tick(state) }];
      const add = (name: string, next: State) => steps.push({ name, next });
      for (const [i, client] of state.clients.entries()) {
        const { phase, belief, read, guarded } = client;
        const name = `client ${i}`;
        if (client.age >= 0) add(`${name} gives up its ${phase}`, giveUp(state, i));
        if (state.net.length >= inNet) continue;
        const mustClaim = claims && !guarded && read !== MISSING;
        const before = claims && read === MISSING ? MISSING : ANY;
        const value = (read === MISSING ? 0 : read) | bit(state, i);
        if (phase === 'idle' && client.updates < (updates[i] ?? 0) && client.tries < (tries[i] ?? 0))
          add(`${name} acquires`, change(send(state, i, 'acquire'), i, { tries: client.tries + 1 }));
        if (phase === 'written') add(`${name} releases`, send(state, i, 'release'));
        if (belief <= 0) {
          if (['locked', 'read', 'claimed'].includes(phase))
            add(`${name} has lost the lock`, change(state, i, { phase: 'idle', released: -1 }));
          continue;
        }
        if (phase === 'locked') add(`${name} reads`, send(state, i, 'get'));
        if (phase === 'read' && mustClaim)
          add(`${name} claims`, send(state, i, 'claim', { value: read, before: read }));
        if (phase === 'claimed' || (phase === 'read' && !mustClaim))
          add(`${name} writes`, send(state, i, 'set', { value, before }));
      }
      for (const [i, { client, kind }] of state.net.entries())
        add(`${kind} of client ${client} is executed`, execute(state, i));
      return steps;
    },
    violation: ({ value, applied, clients: all }) => {
      const active = all.flatMap(({ belief }, i) => (belief > 0 ? [i] : []));
      if (active.length > 1) return `clients ${active.join(' and ')} hold the lock`;
      const kept = value === MISSING ? 0 : value;
      return (applied & ~kept) !== 0 ? 'an update that was reported as applied is lost' : undefined;
    },
  };
}
