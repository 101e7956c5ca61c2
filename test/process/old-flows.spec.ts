/** Flows as version 0.1.0 exported them: its examples, and one flow with every option of every node. They do what they did then. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator/broker';
import { exampleStorage } from '../support/examples';
import { NodeRed, ROOT } from '../support/node-red';
import { freePort } from '../support/ports';

const DIRECTORY = join(ROOT, 'test', 'fixtures', 'flows-0.1.0');

type FlowNode = Record<string, unknown> & { id: string; type: string };

/** A flow with its emulator on another port and everything its debug nodes show in the log. */
function load(name: string, port: number): FlowNode[] {
  const nodes = JSON.parse(readFileSync(join(DIRECTORY, `${name}.json`), 'utf8')) as FlowNode[];
  for (const node of nodes) {
    if (node.type === 'statestore-emulator' || node.type === 'statestore-config') node.port = port;
    if (node.type === 'debug') node.console = true;
  }
  return nodes;
}

/** What each flow logs after it was deployed, in any order. */
const EXPECTED: Record<string, RegExp[]> = {
  '01 Quickstart': [
    /Successfully set key someKey with value someValue$/,
    /Current value of key someKey in the state store is someValue$/,
    /Successfully deleted key someKey from the state store$/,
  ],
  '02 Counter shared by two flows': [/flow [AB] counted to 1$/, /flow [AB] counted to 2$/],
  '03 Remember the last reading of each machine': [
    /Remembered machine\/oven$/,
    /'machine\/press': \{ machine: 'press', temperature: 71\.5, rpm: 1200 \}/,
  ],
  '04 Only the first one wins': [/(Ada|Grace) got the job$/, /The job is taken by (Ada|Grace)$/],
  '05 Observe a set point and act on it': [/Heating the oven to 20 degrees$/],
  '06 Shared configuration with a default': [/Line 1 runs at 100 m\/min \(the default\)$/],
  '07 Lease with expiry and renewal': [/The lease on the press belongs to line 1$/],
  '08 Active and standby': [/[AB] runs the pump$/, /[AB] stands by$/],
  '09 Cache in front of a slow call': [/From the slow service: bread$/, /From the cache: bread$/],
  '10 Not authorized': [/Stored line1\/state$/, /Not allowed to set recipes\/bread$/],
  '11 Shopping list': [/To buy: \w+, \w+, \w+$/],
  '12 Maximum per shift': [
    /New maximum of the early shift: 71\.5$/,
    /The maximum of the early shift stays 71\.5$/,
    /New maximum of the late shift: 64\.2$/,
  ],
  '13 A lock around a device': [
    /[AB] uses the printer$/,
    /A is done with the printer$/,
    /B is done with the printer$/,
  ],
  '14 One memory for several Node-REDs': [/Line 1 has 71\.5 degrees, says the memory$/],
  'Every option of every node': [
    'set-all true machine/fast',
    'set-new false',
    'set-message true',
    'set-each a,b',
    'get-one 1',
    'get-list two',
    'get-default 7',
    'get-text two',
    'delete-other false',
    'delete-same true',
    'delete-list true',
    'add 5',
    'observe-fixed line1/pieces 5',
    'append ["b","x"]',
    'merge true',
    'larger 9',
    'observe-fixed most 9',
    'smaller 9',
    'expression 18',
    'replace 0',
    'lock true string',
    'unlock true',
    'observe-named named {"n":1}',
    'role active',
    'leader true left',
    'catch get-error KEY_NOT_FOUND KEY_NOT_FOUND',
  ].map((line) => new RegExp(`${line.replace(/[[\]{}]/g, '\\$&')}$`)),
};

describe('Flows of version 0.1.0 in a real Node-RED', () => {
  let nodeRed: NodeRed;
  let emulator: Emulator;

  before(async () => {
    emulator = await Emulator.start({ port: 0 });
    nodeRed = await NodeRed.start({ contextStorage: exampleStorage(emulator.port) });
  });
  after(async () => {
    await nodeRed?.stop();
    await emulator?.close();
  });

  it('are all tried', () => {
    const names = readdirSync(DIRECTORY).map((file) => file.replace(/\.json$/, ''));
    assert.deepEqual(names.sort(), Object.keys(EXPECTED).sort());
  });

  for (const [name, expected] of Object.entries(EXPECTED)) {
    it(`${name}: does what it did`, async () => {
      const after = nodeRed.lines.all.length;
      await nodeRed.deploy(load(name, await freePort()));
      await Promise.all(expected.map((pattern) => nodeRed.lines.find(pattern, after)));
      const complaints = nodeRed.lines.all
        .slice(after)
        .filter((line) => /\[(warn|error)\] \[statestore/.test(line));
      assert.deepEqual(complaints, []);
    });
  }
});
