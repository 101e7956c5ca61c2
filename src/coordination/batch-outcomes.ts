/**
 * Decides the outcome of the steps of a batch. Each value contains all changes before it. So a step whose own write failed was applied
 * if a later one was applied, and its outcome is unknown if that of a later one is.
 */

/** The answer to one step. `raced`: the key was not missing any more when the step was to create it. */
export type Answer = 'written' | 'unchanged' | 'raced' | 'refused' | 'unknown';

/** `again`: the step was made from a value that the key does not have. */
export type Verdict = 'applied' | 'again' | 'refused' | 'unknown';

/** The verdicts on the steps, in their order. */
export function verdictsOn(answers: readonly Answer[]): Verdict[] {
  const allWell = answers.every((answer) => answer === 'written' || answer === 'unchanged');
  /** The outcome of the later steps, all of which contain this one. */
  let later: 'applied' | 'unknown' | 'none' = 'none';
  const verdicts: Verdict[] = [];
  for (const answer of [...answers].reverse()) {
    if (answer === 'written') later = 'applied';
    else if (answer === 'unknown' && later === 'none') later = 'unknown';
    verdicts.push(verdictOn(answer, later, allWell));
  }
  return verdicts.reverse();
}

function verdictOn(answer: Answer, later: 'applied' | 'unknown' | 'none', allWell: boolean): Verdict {
  if (answer === 'written' || later === 'applied') return 'applied';
  if (answer === 'unchanged') return allWell ? 'applied' : 'again';
  if (later === 'unknown') return 'unknown';
  return answer === 'raced' ? 'again' : 'refused';
}
