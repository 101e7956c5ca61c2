/**
 * How long the list of the tab in the sidebar takes to appear after the click, with an empty store and with 100,000 keys: on the emulator of Node-RED,
 * which lists all of them, and on another broker, which lists them page by page (SCAN). Empty and full take turns.
 *
 *   npm run bench:paint -- [4.1|5.0] [rounds] [keys]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { StateStoreClient } from '../src/index';
import { Editor } from '../test/support/editor';
import { VERSIONS } from '../test/support/node-red-versions';
import { freePort } from '../test/support/ports';
import { Sidebar } from '../test/support/sidebar';
import { Server } from './children';
import { median } from './measure';

const KEYS = 100_000;
const ROUNDS = 5;
/** Most that a full list may take, of the time of an empty one. */
const GOAL = 1.5;

interface Page {
  RED: { sidebar: { show(id: string): void } };
}

const HERE = { type: 'statestore-config', host: '127.0.0.1' };
const FLOW = { id: 'flow', type: 'tab', label: 'flow' };

const onEmulator = (port: number) => [
  FLOW,
  {
    ...{ id: `emulator ${port}`, type: 'statestore-emulator', z: 'flow', x: 200, y: 400, wires: [] },
    ...{ host: '127.0.0.1', port },
  },
  { ...HERE, id: 'inner', port },
];
const onBroker = (port: number) => [FLOW, { ...HERE, id: `outer ${port}`, port }];

async function fill(port: number, count: number): Promise<void> {
  const client = new StateStoreClient({ host: '127.0.0.1', port });
  for (let from = 0; from < count; from += 10_000)
    await client.setMany(
      Array.from(
        { length: Math.min(10_000, count - from) },
        (_, index) => [`many/${from + index}`, 'value'] as const,
      ),
    );
  await client.close();
}

/** Milliseconds from the click on the tab to the frame in which `selector` is there. */
async function firstPaint(editor: Editor, selector: string): Promise<number> {
  const sidebar = new Sidebar(editor);
  // The editor opens with the tab that was shown last, once it has saved that: this one is to be opened by the click.
  do {
    await sidebar.show('info');
    await pause(1000);
    await editor.load();
    await pause(1000);
  } while ((await sidebar.state.getAttribute('data-kind')) !== null);
  return editor.page.evaluate(async (wanted) => {
    const begin = performance.now();
    (window as unknown as Page).RED.sidebar.show('statestore');
    const isThere = () =>
      [...document.querySelectorAll<HTMLElement>(wanted)].some((one) => one.offsetParent !== null);
    while (!isThere()) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - begin;
  }, selector);
}

async function main(): Promise<void> {
  const version = process.argv[2] === '5.0' ? '5.0' : '4.1';
  const rounds = Number(process.argv[3] ?? ROUNDS);
  const count = Number(process.argv[4] ?? KEYS);
  const [emptyPort, fullPort] = [await freePort(), await freePort()];
  const [emptyBroker, fullBroker] = [await Server.start('emulator'), await Server.start('emulator')];
  await fill(fullBroker.port, count);
  const editor = await Editor.open({ nodeRed: VERSIONS[version]() });
  const { page, nodeRed } = editor;
  console.log(`Node-RED ${version}, ${process.version}, ${count} keys`);
  const places = [
    {
      ...{ name: 'emulator of Node-RED', empty: onEmulator(emptyPort), full: onEmulator(fullPort) },
      prepare: () => fill(fullPort, count),
    },
    {
      ...{ name: 'another broker', empty: onBroker(emptyBroker.port), full: onBroker(fullBroker.port) },
      prepare: async () => undefined,
    },
  ];
  for (const { name, empty, full, prepare } of places) {
    const paints: Record<'empty' | 'full', number[]> = { empty: [], full: [] };
    for (let round = 0; round < rounds; round++) {
      await nodeRed.deploy(empty);
      paints.empty.push(await firstPaint(editor, '.statestore-state[data-kind=connected]'));
      await nodeRed.deploy(full);
      await prepare();
      paints.full.push(await firstPaint(editor, '.statestore-key'));
    }
    const [nothing, everything] = [median(paints.empty), median(paints.full)];
    const rows = await page.locator('.statestore-key').count();
    const list = (numbers: number[]) => numbers.map((one) => one.toFixed(0)).join(' ');
    console.log(
      `${name}: first paint after the click, ms: empty ${list(paints.empty)}; full ${list(paints.full)} (${rows} rows exist). ` +
        `Medians ${nothing.toFixed(0)} and ${everything.toFixed(0)}, ratio ${(everything / nothing).toFixed(2)} (goal: at most ${GOAL})`,
    );
    if (everything > GOAL * nothing) process.exitCode = 1;
  }
  await editor.close();
  await Promise.all([emptyBroker.stop(), fullBroker.stop()]);
}

void main();
