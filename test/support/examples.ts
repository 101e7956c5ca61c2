import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './node-red';

export type FlowNode = Record<string, unknown> & { id: string; type: string };

const DIRECTORY = join(ROOT, 'examples');

/** Names of all examples, as the import menu shows them. */
export function exampleNames(): string[] {
  return readdirSync(DIRECTORY).map((file) => file.replace(/\.json$/, ''));
}

/** An example with its emulator on another port and everything its debug nodes say in the log. */
export function loadExample(name: string, port: number): FlowNode[] {
  const nodes = JSON.parse(readFileSync(join(DIRECTORY, `${name}.json`), 'utf8')) as FlowNode[];
  for (const node of nodes) {
    if (node.type === 'statestore-emulator' || node.type === 'statestore-config') node.port = port;
    if (node.type === 'debug') node.console = true;
  }
  return nodes;
}
