/**
 * How long a deploy in one editor takes until it runs in the other instance, with small and large flows. Prints a table.
 *
 *   npm run bench:deploy
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Emulator } from '../src/emulator';
import { NodeRed, newUserDir, ROOT } from '../test/support/node-red';

const DEPLOYS = 50;
const SIZES = [100, 5000];

async function main(): Promise<void> {
  const emulator = await Emulator.start({ port: 0 });
  const userDirs = [newUserDir(), newUserDir()];
  const storageModule = `require(${JSON.stringify(join(ROOT, 'dist', 'src', 'storage'))})({ host: '127.0.0.1', port: ${emulator.port} })`;
  const [here, there] = (await Promise.all(
    userDirs.map((userDir) => NodeRed.start({ userDir, storageModule })),
  )) as [NodeRed, NodeRed];
  for (const size of SIZES) {
    await deployBoth(here, there, flowsOf(size, 0), 'full');
    const times: number[] = [];
    for (let n = 1; n <= DEPLOYS; n++) times.push(await deployBoth(here, there, flowsOf(size, n), 'nodes'));
    times.sort((a, b) => a - b);
    console.log(
      `${size} nodes, ${DEPLOYS} deploys: p50 ${times[DEPLOYS / 2]?.toFixed(0)} ms, worst ${times.at(-1)?.toFixed(0)} ms`,
    );
  }
  for (const one of [here, there]) await one.end('SIGTERM');
  await emulator.close();
  for (const folder of userDirs) rmSync(folder, { recursive: true, force: true });
}

/** Milliseconds from the begin of the deploy until the flows run in the other instance. */
async function deployBoth(here: NodeRed, there: NodeRed, flows: object[], type: string): Promise<number> {
  const after = there.lines.all.length;
  const begin = performance.now();
  const running = there.lines.find(/Started (modified )?(flows|nodes)/, after);
  await here.deploy(flows, type);
  await running;
  return performance.now() - begin;
}

/** One tab of change nodes; the first of them differs from version to version. */
function flowsOf(size: number, version: number): object[] {
  const node = (i: number) => ({
    ...{ id: `node${i}`, type: 'change', z: 'tab', name: i === 0 ? `version ${version}` : '' },
    ...{
      rules: [{ t: 'set', p: 'payload', pt: 'msg', to: String(i), tot: 'num' }],
      x: 200,
      y: 40 * i,
      wires: [[]],
    },
  });
  return [
    { id: 'tab', type: 'tab', label: 'Many nodes' },
    ...Array.from({ length: size }, (_none, i) => node(i)),
  ];
}

void main();
