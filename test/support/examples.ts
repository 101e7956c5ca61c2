import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NodeRed, ROOT } from './node-red';
import { freePort } from './ports';

export type FlowNode = Record<string, unknown> & { id: string; type: string };

const DIRECTORY = join(ROOT, 'examples');

/** Names of all examples, as the import menu shows them. */
export function exampleNames(): string[] {
  return readdirSync(DIRECTORY).map((file) => file.replace(/\.json$/, ''));
}

/** An example as it is in the package. */
export function readExample(name: string): FlowNode[] {
  return JSON.parse(readFileSync(join(DIRECTORY, `${name}.json`), 'utf8')) as FlowNode[];
}

/** Whether it has nodes of FlowFuse Dashboard. */
export function needsDashboard(name: string): boolean {
  return readExample(name).some(({ type }) => type === 'ui-base');
}

/** An example with its emulator on another port and everything its debug nodes say in the log. */
export function loadExample(name: string, port: number): FlowNode[] {
  // A list of modules is for the import dialog: the editor does not import it.
  const nodes = readExample(name).filter(({ type }) => type !== 'global-config');
  for (const node of nodes) {
    if (node.type === 'statestore-emulator' || node.type === 'statestore-config') node.port = port;
    if (node.type === 'debug') node.console = true;
  }
  return nodes;
}

/** What each example says after it was imported and deployed, in any order. */
export const EXPECTED: Record<string, RegExp[]> = {
  '01 Quickstart': [
    /Successfully set key demo\/key with value someValue$/,
    /Current value of key demo\/key in the state store is someValue$/,
    /Successfully deleted key demo\/key from the state store$/,
  ],
  '02 Counter shared by two flows': [/flow [AB] counted to 1$/, /flow [AB] counted to 2$/],
  '03 Remember the last reading of each machine': [
    /Remembered demo\/machine\/press$/,
    /Remembered demo\/machine\/mixer$/,
    /Remembered demo\/machine\/oven$/,
    /'demo\/machine\/press': \{ machine: 'press', temperature: 71\.5, rpm: 1200 \}/,
    /'demo\/machine\/oven': \{ machine: 'oven', temperature: 203\.9, rpm: 0 \}/,
  ],
  '04 Only the first one wins': [/(Ada|Grace) got the job$/, /The job is taken by (Ada|Grace)$/],
  '05 Observe a set point and act on it': [/Heating the oven to 20 degrees$/],
  '06 Shared configuration with a default': [/Line 1 runs at 100 m\/min \(the default\)$/],
  '07 Lease with expiry and renewal': [/The lease on the press belongs to line 1$/],
  '08 Active and standby': [/[AB] runs the pump$/, /[AB] stands by$/],
  '09 Cache in front of a slow call': [/From the slow service: bread$/, /From the cache: bread$/],
  '13 A lock around a device': [
    /[AB] uses the printer$/,
    /A is done with the printer$/,
    /B is done with the printer$/,
  ],
  '10 Not authorized': [/Stored demo\/line1\/state$/, /Not allowed to set recipes\/bread$/],
  '11 Shopping list': [/To buy: \w+, \w+, \w+$/],
  '14 One memory for several Node-REDs': [/Line 1 has 71\.5 degrees, says the memory$/],
  '15 Reference data for a data flow': [
    /Table: left press up to 85, right press up to 80, mixer up to 60$/,
    /Changed: left press up to 85, right press up to 75, mixer up to 60$/,
    /Removed: right press up to 75, mixer up to 60$/,
    /In the store: right press up to 75, mixer up to 60$/,
  ],
  '20 Heartbeat and alarm': [
    /ALARM: no report of the oven$/,
    /Report of the press: good for 3 s$/,
    /The press works$/,
  ],
  '21 Shift counters with a reset': [/This shift: 1 good$/, /This shift: 1 scrap$/],
  '22 Order queue': [/Waiting: 4 loaves, 20 rolls$/, /Station A makes 4 loaves$/],
  '23 Recipe download with acknowledge': [/Sent: bread$/, /Acknowledged: the oven has bread at 230 degrees$/],
  // A reading is from 70 to 80.
  '24 Last readings as a list': [
    /The last 1: (7\d(\.\d)?|80)$/,
    /On average: (7\d(\.\d)?|80)$/,
    /The highest of 1: (7\d(\.\d)?|80)$/,
  ],
  '25 Dashboard slider and gauge': [/Set point: 20 degrees$/],
  '26 Dashboard alarm list': [/Alarms: press too hot \(active\)$/],
  '12 Maximum per shift': [
    /New maximum of the early shift: 71\.5$/,
    /The maximum of the early shift stays 71\.5$/,
    /New maximum of the late shift: 64\.2$/,
  ],
};

/** Inject nodes of examples that do nothing on their own, as a user presses them. */
const PRESSED: Record<string, string[]> = {
  '25 Dashboard slider and gauge': ['5e1b250000000011'],
  '26 Dashboard alarm list': ['5e1b260000000011'],
};

/** A user of the store. */
export interface Login {
  username: string;
  password: string;
}

/** An example whose store is a broker at `port`, with a login if it asks for one, instead of its emulator. */
export function loadExampleFor(name: string, port: number, credentials?: Login): FlowNode[] {
  return loadExample(name, port)
    .filter(({ type }) => type !== 'statestore-emulator')
    .map((node) => {
      if (node.type !== 'statestore-config') return node;
      const login = credentials ? { login: 'password', credentials } : {};
      return { ...node, place: 'other', host: '127.0.0.1', tls: '', ...login };
    });
}

/** The context store that an example needs, on the store at `port`, as settings.js has it. */
export function exampleStorage(port: number, login?: Login): string {
  const config = JSON.stringify({ host: '127.0.0.1', port, ...login });
  return `{
    default: 'memory',
    memory: { module: 'memory' },
    shared: { module: require('@edgestate/node-red-statestore/context'), config: ${config} },
  }`;
}

/** Deploys every example, one after the other, and waits for what it says; a warning or an error is a fault. */
export async function runExample(nodeRed: NodeRed, name: string): Promise<void> {
  await runFlow(nodeRed, name, loadExample(name, await freePort()));
}

/** Deploys the flow of an example, and waits for what the example says. */
export async function runFlow(nodeRed: NodeRed, name: string, flow: FlowNode[]): Promise<void> {
  const after = nodeRed.lines.all.length;
  await nodeRed.deploy(flow);
  for (const id of PRESSED[name] ?? []) await nodeRed.inject(id);
  for (const pattern of EXPECTED[name] as RegExp[]) await nodeRed.lines.find(pattern, after);
  const trouble = nodeRed.lines.all.slice(after).filter((line) => /\[(warn|error)\]/.test(line));
  assert.deepEqual(trouble, []);
}
