/** Variables of the environment in fields of nodes: `${NAME}`, alone or as a part of the text. */
import type { Node, NodeAPI } from 'node-red';
import { fieldText } from '../words/field-text';

/** The value of a variable, as text; `undefined` if it is not set. */
export type Variables = (name: string) => string | undefined;

const VARIABLES = /\$\{([^{}]+)\}/g;
const WHOLE = /^\s*\$\{([^{}]+)\}\s*$/;

/** A variable that is not set. */
export class UnsetVariableError extends Error {
  constructor(name: string) {
    super(`the environment variable ${name} is not set`);
  }
}

/** The variables a node sees: of its group, subflow instance, tab, of all flows, and of the process. */
export function variablesOf(RED: NodeAPI, node: Node | null): Variables {
  if (!node) return (name) => process.env[name];
  return (name) => {
    const value: unknown = RED.util.getSetting(node, name);
    return value === undefined ? undefined : fieldText(value);
  };
}

/**
 * The text with the values of its variables. Node-RED does the same before, but only if the text is one variable and nothing else.
 * Throws what `unset` returns for a variable that is not set.
 */
export function withVariables(
  text: string,
  variables: Variables,
  unset: (variable: string) => Error,
): string {
  return text.replace(VARIABLES, (_match, name: string) => {
    const value = variables(name);
    if (value === undefined) throw unset(name);
    return value;
  });
}

/** As {@link withVariables}, for secrets, which may contain `${` themselves: only if the text is one variable and nothing else. */
export function wholeVariable(
  text: string,
  variables: Variables,
  unset: (variable: string) => Error,
): string {
  return WHOLE.test(text) ? withVariables(text.trim(), variables, unset) : text;
}

/** The names of the variables in a text. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(VARIABLES)].map(([, name = '']) => name);
}
