/** The rule for Kubernetes covers the keys of the examples. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Emulator, EmulatorRules } from '../../src/emulator/index';
import { dashboardModules, requireDashboard } from '../support/dashboard';
import { exampleNames, exampleStorage, loadExampleFor, needsDashboard, runFlow } from '../support/examples';
import { NodeRed, ROOT } from '../support/node-red';

describe('Every example runs with the rule of docs/kubernetes/broker-authorization.yaml', () => {
  const login = { username: 'pod', password: 'p' };
  let nodeRed: NodeRed;
  let emulator: Emulator;

  before(async () => {
    const users = 'users: [{ username: pod, password: p, attributes: { flows: node-red } }]\n';
    const rule = readFileSync(join(ROOT, 'docs', 'kubernetes', 'broker-authorization.yaml'), 'utf8');
    emulator = await Emulator.start({ port: 0, rules: EmulatorRules.parse(users + rule) });
    nodeRed = await NodeRed.start({
      modules: dashboardModules(),
      contextStorage: exampleStorage(emulator.port, login),
    });
  });
  after(async () => {
    await nodeRed.stop();
    await emulator.close();
  });

  for (const name of exampleNames()) {
    it(name, function () {
      if (needsDashboard(name)) requireDashboard(this);
      return runFlow(nodeRed, name, loadExampleFor(name, emulator.port, login));
    });
  }
});
