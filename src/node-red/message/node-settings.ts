/** Settings of a node that are the same for all messages: plain text in its dialog, or `${NAME}` of the environment. */
import { type ErrorContext, StateStoreError } from '../../errors';
import { fieldText } from '../words/field-text';
import { environmentValue } from './environment-value';

/** What the editor saves; nothing where a node was saved before the field existed. */
export type Setting = string | number | undefined;

/** The text, empty where it was left blank. Throws `BAD_ARGUMENT` that names the field. */
export function readText(field: string, value: Setting, context: ErrorContext): string {
  const unset = (variable: string) =>
    bad(field, `is taken from the environment variable ${variable}, which is not set`, context);
  return environmentValue(fieldText(value).trim(), unset);
}

/** Seconds, given as such, in milliseconds. Throws `BAD_ARGUMENT` that names the field and what it may be. */
export function readSeconds(
  field: string,
  value: Setting,
  { blank, least, most }: { blank: number; least: number; most: number },
  context: ErrorContext,
): number {
  const text = readText(field, value, context);
  const seconds = text === '' ? blank : Number(text);
  if (seconds >= least && seconds <= most) return Math.round(seconds * 1000);
  throw bad(
    field,
    `must be a number of seconds from ${least} to ${most}, not ${JSON.stringify(text)}`,
    context,
  );
}

function bad(field: string, rule: string, context: ErrorContext): StateStoreError {
  return new StateStoreError(
    'BAD_ARGUMENT',
    `The ${field} of this node ${rule}. Correct it in the node.`,
    context,
  );
}
