import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { dashboardModules, requireDashboard } from '../support/dashboard';
import {
  EXPECTED,
  exampleNames,
  exampleStorage,
  loadExample,
  needsDashboard,
  runExample,
} from '../support/examples';
import { NodeRed } from '../support/node-red';
import { freePort } from '../support/ports';

describe('Examples in a real Node-RED', () => {
  let nodeRed: NodeRed;
  let emulator: Emulator;

  before(async () => {
    emulator = await Emulator.start({ port: 0 });
    nodeRed = await NodeRed.start({
      modules: dashboardModules(),
      contextStorage: exampleStorage(emulator.port),
    });
  });
  after(async () => {
    await nodeRed.stop();
    await emulator.close();
  });

  it('are all listed in the import menu, and all have an expectation here', async () => {
    const path = '/library/examples/flows/@edgestate/node-red-statestore';
    const listed = await nodeRed.api<{ fn: string }[]>('GET', path);
    assert.deepEqual(listed.map(({ fn }) => fn).sort(), exampleNames().sort());
    assert.deepEqual(Object.keys(EXPECTED).sort(), exampleNames().sort());
  });

  for (const name of exampleNames()) {
    it(`${name}: does what it says`, function () {
      if (needsDashboard(name)) requireDashboard(this);
      return runExample(nodeRed, name);
    });
  }

  it('08: the standby takes over when the active one hands over', async () => {
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(loadExample('08 Active and standby', await freePort()));
    const line = await nodeRed.lines.find(/[AB] runs the pump$/, after);
    const [active, standby] = line.includes('A runs') ? ['A', 'B'] : ['B', 'A'];
    await nodeRed.inject(`5e1a8000000000${active === 'A' ? 1 : 2}8`);
    await nodeRed.lines.find(new RegExp(`${standby} runs the pump$`), after);
  });

  it('11: a list is emptied', async () => {
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(loadExample('11 Shopping list', await freePort()));
    await nodeRed.lines.find(/To buy: \w+, \w+, \w+$/, after);
    await nodeRed.inject('5e1ab00000000016');
    await nodeRed.lines.find(/Bought: \w+, \w+, \w+$/, after);
    const bought = nodeRed.lines.all.length;
    await nodeRed.inject('5e1ab00000000011');
    await nodeRed.lines.find(/To buy: milk$/, bought);
  });

  it('13: one flow uses the device after the other', async () => {
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(loadExample('13 A lock around a device', await freePort()));
    for (const flow of 'AB') await nodeRed.lines.find(new RegExp(`${flow} is done with the printer$`), after);
    const said = nodeRed.lines.all
      .slice(after)
      .flatMap((line) => /[AB] (uses|is done with) the printer$/.exec(line)?.[0] ?? []);
    const [first] = said[0] as string;
    const second = first === 'A' ? 'B' : 'A';
    assert.deepEqual(said, [
      `${first} uses the printer`,
      `${first} is done with the printer`,
      `${second} uses the printer`,
      `${second} is done with the printer`,
    ]);
  });

  it('20: the alarm comes when no report came in time', async () => {
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(loadExample('20 Heartbeat and alarm', await freePort()));
    await nodeRed.lines.find(/The press works$/, after);
    const works = nodeRed.lines.all.length;
    await nodeRed.lines.find(/ALARM: no report of the press$/, works);
    await nodeRed.inject('5e1b200000000011');
    await nodeRed.lines.find(/The press works$/, works);
  });

  it('21: the change of shift reports the counters and sets them to 0', async () => {
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(loadExample('21 Shift counters with a reset', await freePort()));
    for (const what of ['good', 'scrap'])
      await nodeRed.lines.find(new RegExp(`This shift: 1 ${what}$`), after);
    await nodeRed.inject('5e1b210000000011');
    await nodeRed.lines.find(/This shift: 2 good$/, after);
    await nodeRed.lines.find(/Active .*demo\/shift-clock/, after);
    await nodeRed.inject('5e1b210000000013');
    for (const count of ['2 good', '1 scrap'])
      await nodeRed.lines.find(new RegExp(`Shift over: ${count}$`), after);
    const reset = nodeRed.lines.all.length;
    await nodeRed.inject('5e1b210000000011');
    await nodeRed.lines.find(/This shift: 1 good$/, reset);
  });

  it('22: each order goes to one station, the oldest one first, and stays there until it is finished', async () => {
    let after = nodeRed.lines.all.length;
    const press = async (node: string, line: RegExp) => {
      after = nodeRed.lines.all.length;
      await nodeRed.inject(`5e1b22000000001${node}`);
      await nodeRed.lines.find(line, after);
    };
    const flow = loadExample('22 Order queue', await freePort());
    await nodeRed.deploy(flow);
    await nodeRed.lines.find(/Station A makes 4 loaves$/, after);
    await press('4', /Station B makes 20 rolls$/);
    await press('3', /Station A has an order, or none waits$/);
    await press('6', /Station B has made 20 rolls$/);
    await press('6', /Station B has no order$/);
    await press('4', /Station B has an order, or none waits$/);
    after = nodeRed.lines.all.length;
    await nodeRed.deploy(flow);
    await nodeRed.lines.find(/Station A makes 4 loaves$/, after);
    await press('5', /Station A has made 4 loaves$/);
  });

  it('23: a recipe that is sent twice is loaded twice', async () => {
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(loadExample('23 Recipe download with acknowledge', await freePort()));
    await nodeRed.lines.find(/Acknowledged: the oven has bread at 230 degrees$/, after);
    const loaded = nodeRed.lines.all.length;
    await nodeRed.inject('5e1b230000000011');
    await nodeRed.lines.find(/Acknowledged: the oven has bread at 230 degrees$/, loaded);
  });

  it('24: the list keeps the last five readings', async () => {
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(loadExample('24 Last readings as a list', await freePort()));
    await nodeRed.lines.find(/The highest of 1: /, after);
    for (let count = 2; count <= 6; count++) await nodeRed.inject('5e1b240000000011');
    await nodeRed.lines.find(/The last 5: /, after);
    const full = nodeRed.lines.all.length;
    await nodeRed.inject('5e1b240000000011');
    const line = await nodeRed.lines.find(/The last 5: /, full);
    assert.equal(line.split(',').length, 5);
  });

  it('two at once share the emulator, and what is stored outlives a deploy', async () => {
    const port = await freePort();
    const both = [...loadExample('04 Only the first one wins', port), ...loadExample('01 Quickstart', port)];
    let after = nodeRed.lines.all.length;
    await nodeRed.deploy(both);
    await nodeRed.lines.find(/Successfully deleted key/, after);
    await nodeRed.lines.find(/got the job$/, after);
    after = nodeRed.lines.all.length;
    await nodeRed.deploy(both);
    await nodeRed.lines.find(/Successfully deleted key/, after);
    await nodeRed.lines.find(/The job is taken by/, after);
    assert.equal(
      nodeRed.lines.all.slice(after).some((line) => /got the job$/.test(line)),
      false,
    );
  });
});
