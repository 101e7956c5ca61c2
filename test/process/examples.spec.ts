import assert from 'node:assert/strict';
import { exampleNames, loadExample } from '../support/examples';
import { NodeRed } from '../support/node-red';
import { freePort } from '../support/ports';

/** What each example says after it was imported and deployed, in any order. */
const EXPECTED: Record<string, RegExp[]> = {
  '01 Quickstart': [
    /Successfully set key someKey with value someValue$/,
    /Current value of key someKey in the state store is someValue$/,
    /Successfully deleted key someKey from the state store$/,
  ],
  '02 Counter shared by two flows': [/flow [AB] counted to 1$/, /flow [AB] counted to 2$/],
  '03 Remember the last reading of each machine': [
    /Remembered machine\/press$/,
    /Remembered machine\/mixer$/,
    /Remembered machine\/oven$/,
    /'machine\/press': \{ machine: 'press', temperature: 71\.5, rpm: 1200 \}/,
    /'machine\/oven': \{ machine: 'oven', temperature: 203\.9, rpm: 0 \}/,
  ],
  '05 Observe a set point and act on it': [/Heating the oven to 20 degrees$/],
  '04 Only the first one wins': [/(Ada|Grace) got the job$/, /The job is taken by (Ada|Grace)$/],
};

describe('Examples in a real Node-RED', function () {
  this.timeout(60_000);
  let nodeRed: NodeRed;

  before(async () => {
    nodeRed = await NodeRed.start();
  });
  after(() => nodeRed.stop());

  it('are all listed in the import menu, and all have an expectation here', async () => {
    const path = '/library/examples/flows/@edgestate/node-red-statestore';
    const listed = await nodeRed.api<{ fn: string }[]>('GET', path);
    assert.deepEqual(listed.map(({ fn }) => fn).sort(), exampleNames().sort());
    assert.deepEqual(Object.keys(EXPECTED).sort(), exampleNames().sort());
  });

  for (const [name, expected] of Object.entries(EXPECTED)) {
    it(`${name}: does what it says`, async () => {
      const after = nodeRed.lines.all.length;
      await nodeRed.deploy(loadExample(name, await freePort()));
      for (const pattern of expected) await nodeRed.lines.find(pattern, after);
      const trouble = nodeRed.lines.all.slice(after).filter((line) => /\[(warn|error)\]/.test(line));
      assert.deepEqual(trouble, []);
    });
  }

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
