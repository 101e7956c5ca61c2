/**
 * The text of a setting. Node-RED has put in the values of environment variables (`${NAME}`) before; what still looks like one is not
 * set there. Throws what `unset` makes when it is not set for this process either.
 */
export function environmentValue(value: string, unset: (variable: string) => Error): string {
  const variable = /^\$\{([^}]+)\}$/.exec(value.trim())?.[1];
  if (variable === undefined) return value.trim();
  const found = process.env[variable];
  if (found === undefined) throw unset(variable);
  return found;
}
