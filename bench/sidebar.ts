/**
 * What the tab in the sidebar costs: what becomes of the page and of a busy flow when 1,000 changes a second come to keys that are seen. Figures with
 * and without are taken in turn. How long a list takes to appear: `npm run bench:paint`.
 *
 *   npm run bench:sidebar -- [4.1|5.0]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { StateStoreClient } from '../src/index';
import { Editor } from '../test/support/editor';
import { VERSIONS } from '../test/support/node-red-versions';
import { Sidebar } from '../test/support/sidebar';
import { Server } from './children';
import { median } from './measure';
import { SilentPage } from './silent-page';

const CHANGES_PER_SECOND = 1000;
const CHANGED_KEYS = 15;
/** Of one measurement, in milliseconds; how many there are with the tab, and without it. */
const WINDOW_MS = 4000;
const WINDOWS = 10;
/** Messages that go round in the busy flow. */
const BUSY = 400;

/** A loop of messages through a set node, and a node that says how many came by. */
function busyFlow(store: string): object[] {
  const at = { z: 'flow', x: 200 };
  const count = "const n = (context.get('n') ?? 0) + 1; context.set('n', n); global.set('n', n); return msg;";
  return [
    { ...at, id: 'start', type: 'inject', y: 100, props: [], wires: [['many']] },
    {
      ...{ ...at, id: 'many', type: 'function', y: 150, outputs: 1, wires: [['set']] },
      func: `for (let i = 0; i < ${BUSY}; i++) node.send({ payload: i }); return null;`,
    },
    {
      ...{
        ...at,
        id: 'set',
        type: 'statestore-set',
        y: 200,
        name: '',
        store,
        outputs: 1,
        wires: [['count']],
      },
      ...{ key: 'busy', keyType: 'str', value: 'payload', valueType: 'msg', condition: '' },
      ...{ expiry: '', expiryType: 'num', expiryUnit: 's', fencingToken: '', fencingTokenType: 'msg' },
    },
    { ...at, id: 'count', type: 'function', y: 250, func: count, outputs: 1, wires: [['set']] },
  ];
}

async function counted(editor: Editor): Promise<number> {
  const { msg } = await editor.nodeRed.api<{ msg: string }>('GET', '/context/global/n');
  return Number(msg);
}

async function main(): Promise<void> {
  const version = process.argv[2] === '5.0' ? '5.0' : '4.1';
  const outer = await Server.start('emulator');
  const here = { type: 'statestore-config', host: '127.0.0.1' };
  const editor = await Editor.open({ nodeRed: VERSIONS[version]() });
  const { page, nodeRed } = editor;
  const list = (numbers: number[]) => numbers.map((one) => one.toFixed(0)).join(' ');

  console.log(`Node-RED ${version}, ${process.version}`);
  await nodeRed.deploy([
    { id: 'flow', type: 'tab', label: 'flow' },
    { ...here, id: 'outer', port: outer.port },
    ...busyFlow('outer'),
  ]);
  await editor.load();
  const changer = new StateStoreClient({ host: '127.0.0.1', port: outer.port });
  const keys = Array.from({ length: CHANGED_KEYS }, (_, index) => `changes/${index}`);
  let changes = 0;
  let stopped = false;
  const change = async () => {
    const begin = performance.now();
    let sent = 0;
    while (!stopped) {
      const due = Math.floor(((performance.now() - begin) / 1000) * CHANGES_PER_SECOND);
      const batch = [];
      for (; sent < due && batch.length < 200; sent++)
        batch.push(
          changer.set(keys[sent % keys.length] as string, JSON.stringify({ n: sent, at: Date.now() })),
        );
      changes += batch.length;
      await Promise.all(batch);
      await pause(5);
    }
  };
  const sidebar = new Sidebar(editor);
  await sidebar.show();
  for (const key of keys) await sidebar.lookUp(key);
  await sidebar.filter.fill('');
  await sidebar.row(keys[0] as string).waitFor();
  const delays: number[] = [];
  for (let n = 0; n < 50; n++) {
    const drawn = page.evaluate(
      ([id, value]) =>
        new Promise<number>((resolve) => {
          const row = document.querySelector(`.statestore-key[data-id="${id}"]`) as HTMLElement;
          const look = () => row.innerText.includes(value as string) && resolve(Date.now());
          new MutationObserver(look).observe(row, { childList: true, subtree: true });
        }),
      [Buffer.from(keys[0] as string).toString('base64'), `value ${n};`],
    );
    await pause(100);
    const at = Date.now();
    await changer.set(keys[0] as string, `value ${n};`);
    delays.push((await drawn) - at);
  }
  delays.sort((a, b) => a - b);
  console.log(`from a set of another client to the page, ms: p50 ${median(delays)}, worst ${delays.at(-1)}`);
  const changing = change();
  await nodeRed.inject('start');
  await pause(WINDOW_MS);

  const results: Record<
    'with' | 'without',
    {
      perSecond: number[];
      perCpuSecond: number[];
      cpu: number[];
      frames: number[];
      longest: number[];
      changes: number[];
    }
  > = {
    with: { perSecond: [], perCpuSecond: [], cpu: [], frames: [], longest: [], changes: [] },
    without: { perSecond: [], perCpuSecond: [], cpu: [], frames: [], longest: [], changes: [] },
  };
  for (let round = 0; round < 2 * WINDOWS; round++) {
    const how = round % 2 === 0 ? 'with' : 'without';
    await sidebar.show(how === 'with' ? 'statestore' : 'info');
    await pause(1500);
    const [before, changesBefore, begin] = [await counted(editor), changes, performance.now()];
    const cpuBefore = nodeRed.cpuTime;
    const { count, longest } = await page.evaluate(async (ms) => {
      let [frames, most] = [0, 0];
      const start = performance.now();
      for (let last = start; last - start < ms; ) {
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        most = Math.max(most, now - last);
        last = now;
        frames++;
      }
      return { count: frames, longest: most };
    }, WINDOW_MS);
    const seconds = (performance.now() - begin) / 1000;
    const cpu = (nodeRed.cpuTime - cpuBefore) / 1000;
    const messages = (await counted(editor)) - before;
    results[how].perSecond.push(messages / seconds);
    results[how].perCpuSecond.push(messages / cpu);
    results[how].cpu.push((100 * cpu) / seconds);
    results[how].changes.push((changes - changesBefore) / seconds);
    results[how].frames.push(count / seconds);
    results[how].longest.push(longest);
  }
  // The same flow, and a page that does not draw: the browser of a user runs on another machine.
  await page.goto('about:blank');
  const silent: Record<'with' | 'without', number[]> = { with: [], without: [] };
  let received = 0;
  for (let round = 0; round < 2 * WINDOWS; round++) {
    const how = round % 2 === 0 ? 'with' : 'without';
    const viewer = how === 'with' ? await SilentPage.open(nodeRed, 'outer', keys) : undefined;
    await pause(1500);
    const [before, begin] = [await counted(editor), performance.now()];
    await pause(WINDOW_MS);
    const messages = (await counted(editor)) - before;
    silent[how].push((1000 * messages) / (performance.now() - begin));
    received += viewer?.values ?? 0;
    await viewer?.close();
  }
  await editor.load();
  // The same changes, and no flow beside them: what the tab alone costs.
  await nodeRed.deploy([
    { id: 'flow', type: 'tab', label: 'flow' },
    { ...here, id: 'outer', port: outer.port },
  ]);
  const alone: Record<'with' | 'without', number[]> = { with: [], without: [] };
  for (let round = 0; round < 2 * WINDOWS; round++) {
    const how = round % 2 === 0 ? 'with' : 'without';
    await sidebar.show(how === 'with' ? 'statestore' : 'info');
    await pause(1500);
    const [cpu, begin] = [nodeRed.cpuTime, performance.now()];
    await pause(WINDOW_MS);
    alone[how].push((100 * (nodeRed.cpuTime - cpu)) / (performance.now() - begin));
  }
  stopped = true;
  await changing;
  for (const [how, result] of Object.entries(results)) {
    console.log(`${how} the tab, in each of ${WINDOWS} windows of ${WINDOW_MS / 1000} s:`);
    console.log(`  changes/s ${list(result.changes)}; frames/s ${list(result.frames)}`);
    console.log(`  longest pause between frames, ms ${list(result.longest)}`);
    console.log(`  messages/s of the flow ${list(result.perSecond)}; CPU of Node-RED, % ${list(result.cpu)}`);
    console.log(`  messages per second of CPU time of Node-RED ${list(result.perCpuSecond)}`);
  }
  const share = (rates: Record<'with' | 'without', number[]>) =>
    `${((100 * median(rates.with)) / median(rates.without)).toFixed(1)} %`;
  const { with: seen, without: unseen } = results;
  console.log(
    `throughput of the flow with the tab in a browser on the same cores, of that without: ${share({ with: seen.perSecond, without: unseen.perSecond })}`,
  );
  console.log(
    `per second of CPU time of Node-RED: ${share({ with: seen.perCpuSecond, without: unseen.perCpuSecond })}`,
  );
  console.log(
    `with a page that does not draw (that received ${received} values), messages/s ${list(silent.with)}, without ${list(silent.without)}`,
  );
  console.log(`throughput of the flow with that page, of that without: ${share(silent)} (goal: above 90 %)`);
  const tenths = (numbers: number[]) => numbers.map((one) => one.toFixed(1)).join(' ');
  console.log(
    `CPU of Node-RED without the flow, % of a core: with the tab ${tenths(alone.with)}, without ${tenths(alone.without)}`,
  );
  const cost = median(alone.with) - median(alone.without);
  console.log(`so much of a core the tab takes: ${cost.toFixed(1)} %`);
  process.exitCode = median(silent.with) > 0.9 * median(silent.without) ? 0 : 1;
  await changer.close();
  await editor.close();
  await outer.stop();
}

void main();
