/** Values of environment variables in settings that are `${NAME}`, and nothing else. */
import type { NodeAPI } from 'node-red';

/** The name of the variable, where a text is one. */
export function variableIn(text: string): string | undefined {
  return /^\s*\$\{([^}]+)\}\s*$/.exec(text)?.[1];
}

/**
 * The text of a setting. Node-RED has put in the values of environment variables (`${NAME}`) before; what still looks like one is not
 * set there. Throws what `unset` makes when it is not set for this process either.
 */
export function environmentValue(value: string, unset: (variable: string) => Error): string {
  const variable = variableIn(value);
  if (variable === undefined) return value;
  const found = process.env[variable];
  if (found === undefined) throw unset(variable);
  return found;
}

/** Settings as they were written, with the values that Node-RED knows for the node with this ID: those of its flow and of all flows, too. */
export function withEnvironment<Settings extends object>(
  RED: NodeAPI,
  id: string,
  settings: Settings,
): Settings {
  const node = RED.nodes.getNode(id);
  if (!node) return settings;
  const resolved = Object.entries(settings).map(([name, value]) => {
    const variable = typeof value === 'string' ? variableIn(value) : undefined;
    const found: unknown =
      variable === undefined ? undefined : RED.util.evaluateNodeProperty(variable, 'env', node, {});
    // Node-RED says blank of what is not set.
    return [name, found === undefined || found === '' ? value : found];
  });
  return Object.fromEntries(resolved) as Settings;
}
