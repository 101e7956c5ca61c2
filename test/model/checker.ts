/** An explicit-state model checker: visits every state that a model can reach, breadth first. */

/** What may happen next in a state. */
export interface Step<State> {
  name: string;
  next: State;
}

export interface Model<State> {
  initial: State;
  /** All that may happen in a state, in any order. States are not changed. */
  steps(state: State): Step<State>[];
  /** What is wrong with a state; `undefined` if nothing is. */
  violation(state: State): string | undefined;
}

export interface Outcome {
  states: number;
  /** The shortest way to a violation, and what that is; `undefined` if no state violates the rules. */
  trace: string[] | undefined;
}

/** Throws if there are more than `limit` states: then nothing is shown. */
export function explore<State>(model: Model<State>, limit = 400_000): Outcome {
  const { initial } = model;
  /** How each state was reached first. */
  const reached = new Map<string, { from: string; name: string } | undefined>([
    [JSON.stringify(initial), undefined],
  ]);
  const wayTo = (id: string, end: string) => {
    const trace = [end];
    for (let at = reached.get(id); at; at = reached.get(at.from)) trace.unshift(at.name);
    return trace;
  };
  let frontier: { id: string; state: State }[] = [{ id: JSON.stringify(initial), state: initial }];
  while (frontier.length > 0) {
    const next: typeof frontier = [];
    for (const { id, state } of frontier) {
      const wrong = model.violation(state);
      if (wrong !== undefined) return { states: reached.size, trace: wayTo(id, wrong) };
      for (const step of model.steps(state)) {
        const stepId = JSON.stringify(step.next);
        if (reached.has(stepId)) continue;
        reached.set(stepId, { from: id, name: step.name });
        next.push({ id: stepId, state: step.next });
      }
    }
    if (reached.size > limit) throw new Error(`more than ${limit} states`);
    frontier = next;
  }
  return { states: reached.size, trace: undefined };
}
