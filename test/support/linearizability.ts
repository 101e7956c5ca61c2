/**
 * Whether a history of concurrent calls on one object is linearizable: whether every call can be given one moment between its
 * begin and its end so that the object, taking the calls one after the other, gives exactly the observed answers.
 *
 * The search is that of Wing and Gong with the memory of Lowe: "Testing for linearizability", 2017. Written here rather than
 * from porcupine, so that the tests need only Node.js. Calls without an outcome may have
 * happened later or never. They make the general search exponential, while the versions of the store make it almost linear.
 */

/** A call of a history. Moments are numbers of events, in their order; no two events have the same. */
export interface HistoryCall {
  begin: number;
  /** `Infinity` for a call that may take effect at any later time. */
  end: number;
  /** A call of unknown outcome may have happened or not. */
  optional: boolean;
}

/** One object: what a call makes of a state. */
export interface Model<Call, State> {
  initial: State;
  /** The state after the call. `undefined` if this state does not give the observed answer. */
  step(state: State, call: Call): State | undefined;
  /** Two states with the same text are the same. */
  describe(state: State): string;
  /** Where it is known by other means in which order some calls happened: their rank. */
  rank?(call: Call): number | undefined;
}

export type Verdict<Call, State> =
  | { kind: 'legal' }
  /** The search was given up after this many states. */
  | { kind: 'undecided'; states: number }
  /** The longest beginning that is legal, the state after it, and the calls of which none can come next. */
  | { kind: 'illegal'; order: Call[]; state: State; stuck: Call[] };

interface Step<Call, State> {
  state: State;
  /** The calls that may come next and were not tried yet, and what they lead to. */
  next: { index: number; state: State }[];
  /** The calls that led here, after the choice that led here. */
  taken: number[];
  call: Call | undefined;
}

/** Searches an order, at most through `limit` states. */
export function checkHistory<Call extends HistoryCall, State>(
  history: readonly Call[],
  model: Model<Call, State>,
  limit = 300_000,
): Verdict<Call, State> {
  const calls = [...history].sort((a, b) => a.begin - b.begin);
  const done = new Uint8Array(calls.length);
  const ranks = calls.map((call) => model.rank?.(call));
  const byRank = calls.map((_, i) => i).filter((i) => ranks[i] !== undefined);
  byRank.sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
  const required = calls.filter(({ optional }) => !optional).length;
  const seen = new Set<string>();
  const order: number[] = [];
  let taken = 0;
  let best: { order: Call[]; state: State; stuck: Call[] } | undefined;
  let states = 0;

  /** Calls that began before the end of every call that is still to come. */
  const candidates = (): number[] => {
    const open: number[] = [];
    let firstEnd = Number.POSITIVE_INFINITY;
    for (let i = 0; i < calls.length; i++) {
      const call = calls[i] as Call;
      if (call.begin > firstEnd) break;
      if (done[i]) continue;
      open.push(i);
      if (!call.optional && call.end < firstEnd) firstEnd = call.end;
    }
    return open.filter((i) => (calls[i] as Call).begin < firstEnd);
  };

  const take = (index: number): void => {
    done[index] = 1;
    order.push(index);
    if (!(calls[index] as Call).optional) taken++;
  };

  const enter = (from: State): Step<Call, State> => {
    const step: Step<Call, State> = { state: from, next: [], taken: [], call: undefined };
    for (;;) {
      const open = candidates();
      // A call that is true now and changes nothing can as well happen now: no other choice can need it later.
      const idle = open.filter((i) => {
        const call = calls[i] as Call;
        const after = call.optional ? undefined : model.step(from, call);
        return after !== undefined && model.describe(after) === model.describe(from);
      });
      for (const index of idle) {
        take(index);
        step.taken.push(index);
      }
      if (idle.length > 0) continue;
      const lowest = byRank.find((i) => !done[i]);
      for (const index of open) {
        if (ranks[index] !== undefined && index !== lowest) continue;
        const after = model.step(from, calls[index] as Call);
        if (after !== undefined) step.next.push({ index, state: after });
      }
      // The last is tried first: what certainly happened before what may have happened.
      step.next.reverse().sort((a, b) => Number(isOptional(b.index)) - Number(isOptional(a.index)));
      if (!best || order.length > best.order.length) {
        const stuck = open.filter((i) => !isOptional(i)).map((i) => calls[i] as Call);
        best = { order: order.map((i) => calls[i] as Call), state: from, stuck };
      }
      return step;
    }
  };
  const isOptional = (index: number): boolean => (calls[index] as Call).optional;

  const path: Step<Call, State>[] = [enter(model.initial)];
  while (path.length > 0) {
    if (taken === required) return { kind: 'legal' };
    const step = path.at(-1) as Step<Call, State>;
    const choice = step.next.pop();
    if (choice) {
      take(choice.index);
      const id = `${Buffer.from(done).toString('latin1')}${model.describe(choice.state)}`;
      if (!seen.has(id)) {
        seen.add(id);
        if (++states > limit) return { kind: 'undecided', states: limit };
        const entered = enter(choice.state);
        entered.taken.unshift(choice.index);
        path.push(entered);
        continue;
      }
      order.pop();
      done[choice.index] = 0;
      if (!isOptional(choice.index)) taken--;
      continue;
    }
    path.pop();
    for (const index of step.taken) {
      done[index] = 0;
      if (!isOptional(index)) taken--;
    }
    order.length -= step.taken.length;
  }
  return { kind: 'illegal', ...(best as NonNullable<typeof best>) };
}
