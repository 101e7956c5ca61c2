/** The examples on the canvas: tidy, and each with a note at the top that names what to press. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { useWideLetters } from '../support/clipping';
import { dashboardModules, hasDashboard, requireDashboard } from '../support/dashboard';
import { Editor } from '../support/editor';
import { exampleNames, type FlowNode, loadExample, needsDashboard, readExample } from '../support/examples';
import { ROOT } from '../support/node-red';
import { freePort } from '../support/ports';

/** A node as it is drawn; `x` and `y` are its middle. */
interface Drawn {
  id: string;
  type: string;
  label: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

/** A wire between two nodes, by their IDs, with points of the line that is drawn. */
interface Wire {
  from: string;
  to: string;
  points: [x: number, y: number][];
}

interface EditorWindow {
  d3: { select(line: Element): { datum(): { source: { id: string }; target: { id: string } } } };
  RED: {
    workspaces: { show(id: string): void };
    nodes: { filterNodes(which: { z: string }): Drawn[]; node(id: string): Drawn | null };
    utils: { getNodeLabel(node: Drawn, fallback: string): string };
  };
}

/** Width of the canvas in a window of 1366 pixels, with palette and sidebar. */
const CANVAS_WIDTH = 863;
/** An inject node has its button on the left of the box, a debug node on the right. */
const BUTTON_WIDTH = 26;
/** What an example must not depend on. */
const NETWORK = ['http in', 'http request', 'http response', 'tcp in', 'udp in', 'websocket in'];

/** In seconds. */
const HOUR = 3600;

/** Heights of nodes in one row differ by less. */
const ROW_HEIGHT = 40;

/** Between two boxes with a wire, in pixels: Core draws a wire that is shorter as a loop. */
const GAP = 5;

const right = ({ x, w }: Drawn) => x + w / 2;
const left = ({ x, w }: Drawn) => x - w / 2;

const overlap = (a: Drawn, b: Drawn) =>
  Math.abs(a.x - b.x) < (a.w + b.w) / 2 && Math.abs(a.y - b.y) < (a.h + b.h) / 2;

const isIn = ({ x, y, w, h }: Drawn, [px, py]: [number, number]) =>
  Math.abs(px - x) < w / 2 && Math.abs(py - y) < h / 2;

/** On which side of the line from `a` to `b` a point is. */
const side = (a: number[], b: number[], [x, y]: number[]) =>
  Math.sign(
    ((b[0] as number) - (a[0] as number)) * ((y as number) - (a[1] as number)) -
      ((b[1] as number) - (a[1] as number)) * ((x as number) - (a[0] as number)),
  );

const haveCrossed = (one: Wire, another: Wire) =>
  one.points.some((a, i) => {
    const b = one.points[i + 1];
    return (
      b !== undefined &&
      another.points.some((c, j) => {
        const d = another.points[j + 1];
        return d !== undefined && side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
      })
    );
  });

/** How many rows of the tab lie between two heights. */
function rowsBetween(nodes: Drawn[], from: number, to: number): number {
  const [top, bottom] = [Math.min(from, to) + ROW_HEIGHT / 2, Math.max(from, to) - ROW_HEIGHT / 2];
  const heights = nodes.map(({ y }) => y).filter((y) => y > top && y < bottom);
  return heights.sort((a, b) => a - b).filter((y, index, all) => y - (all[index - 1] ?? 0) >= ROW_HEIGHT)
    .length;
}

/** Whether a message of this node can reach the debug sidebar, a dashboard, or a key that an observe node observes. */
function showsSomething(nodes: FlowNode[], start: FlowNode): boolean {
  const observed = nodes.filter(({ type }) => type === 'statestore-observe').map(({ keys }) => keys);
  const reached = new Set([start]);
  for (const { wires, links } of reached) {
    const ids = [...((wires ?? []) as string[][]).flat(), ...((links ?? []) as string[])];
    for (const node of nodes) if (ids.includes(node.id)) reached.add(node);
  }
  return [...reached].some(
    ({ type, key }) =>
      type === 'debug' || type.startsWith('ui-') || (type === 'statestore-set' && observed.includes(key)),
  );
}

describe('The examples on the canvas', () => {
  let editor: Editor;
  let flows: FlowNode[];

  before(async () => {
    const port = await freePort();
    const names = exampleNames().filter((name) => !needsDashboard(name) || hasDashboard());
    flows = names.flatMap((name) => loadExample(name, port));
    // Labels show that an inject node sends at start or again, and that a debug node writes to the log, and are as wide as for a user.
    const inLog = new Map(names.flatMap(readExample).map(({ id, console }) => [id, console]));
    const here = flows.map((node) => ({
      ...node,
      ...(node.type === 'inject' && { onceDelay: HOUR, repeat: node.repeat && String(HOUR) }),
      ...(node.type === 'debug' && { console: inLog.get(node.id) }),
    }));
    editor = await Editor.open({ flows: here, nodeRed: { modules: dashboardModules() } });
  });
  after(() => editor?.close());

  /** The nodes of a tab, once they have their size. */
  async function drawn(tab: string): Promise<Drawn[]> {
    await editor.page.evaluate((id) => (window as unknown as EditorWindow).RED.workspaces.show(id), tab);
    const found = await editor.page.waitForFunction((id) => {
      const { RED } = window as unknown as EditorWindow;
      const nodes = RED.nodes.filterNodes({ z: id });
      return (
        nodes.every(({ w, h }) => w > 0 && h > 0) &&
        document.querySelectorAll('#red-ui-workspace-chart .red-ui-flow-node-group').length >= nodes.length &&
        nodes.map((node) => ({
          ...{ id: node.id, type: node.type, label: RED.utils.getNodeLabel(node, node.type) },
          ...{ x: node.x, y: node.y, w: node.w, h: node.h },
        }))
      );
    }, tab);
    return (await found.jsonValue()) as Drawn[];
  }

  /** The wires of the tab that is shown. */
  function wires(): Promise<Wire[]> {
    return editor.page.evaluate(() =>
      [...document.querySelectorAll<SVGPathElement>('.red-ui-flow-link-line')].map((line) => {
        const { source, target } = (window as unknown as EditorWindow).d3
          .select(line.parentNode as Element)
          .datum();
        const length = line.getTotalLength();
        const points = Array.from({ length: Math.ceil(length / 5) + 1 }, (_, index): [number, number] => {
          const { x, y } = line.getPointAtLength(Math.min(5 * index, length));
          return [x, y];
        });
        return { from: source.id, to: target.id, points };
      }),
    );
  }

  /** Boxes that lie over others or leave the canvas, and wires that go back. */
  function troubleWith(nodes: Drawn[]): string[] {
    const trouble: string[] = [];
    for (const [index, one] of nodes.entries()) {
      for (const another of nodes.slice(index + 1))
        if (overlap(one, another)) trouble.push(`"${one.label}" lies over "${another.label}"`);
      const end = right(one) + (one.type === 'debug' ? BUTTON_WIDTH : 0);
      if (end > CANVAS_WIDTH) trouble.push(`"${one.label}" ends at ${end}`);
      const begin = left(one) - (one.type === 'inject' ? BUTTON_WIDTH : 0);
      if (begin < 0) trouble.push(`"${one.label}" begins at ${begin}`);
      const wires = (flows.find((node) => node.id === one.id)?.wires ?? []) as string[][];
      for (const target of wires.flat()) {
        const other = nodes.find((node) => node.id === target);
        if (other && left(other) < right(one) + GAP)
          trouble.push(`the wire from "${one.label}" to "${other.label}" goes back`);
      }
    }
    return trouble;
  }

  for (const name of exampleNames()) {
    const tabs = loadExample(name, 0).filter(({ type }) => type === 'tab');

    it(`${name}: no box lies over another one, and wires go to the right`, async function () {
      if (needsDashboard(name)) requireDashboard(this);
      const trouble: string[] = [];
      for (const { id } of tabs) {
        const nodes = await drawn(id);
        assert.ok(nodes.length > 3);
        trouble.push(...troubleWith(nodes));
      }
      assert.deepEqual(trouble, []);
    });

    it(`${name}: no wire runs across a box or another wire, or past two rows`, async function () {
      if (needsDashboard(name)) requireDashboard(this);
      const trouble: string[] = [];
      for (const { id } of tabs) {
        const nodes = await drawn(id);
        const label = (one: string) => nodes.find((node) => node.id === one)?.label;
        const all = await wires();
        assert.ok(all.length > 0);
        for (const [index, wire] of all.entries()) {
          const { from, to, points } = wire;
          const words = `the wire from "${label(from)}" to "${label(to)}"`;
          for (const node of nodes)
            if (node.id !== from && node.id !== to && points.some((point) => isIn(node, point)))
              trouble.push(`${words} runs across "${node.label}"`);
          for (const another of all.slice(index + 1))
            if (another.from !== from && another.to !== to && haveCrossed(wire, another))
              trouble.push(`${words} crosses that from "${label(another.from)}" to "${label(another.to)}"`);
          const [first, last] = [points[0], points.at(-1)] as [number, number][];
          if (rowsBetween(nodes, (first as number[])[1] as number, (last as number[])[1] as number) > 1)
            trouble.push(`${words} passes two rows`);
        }
      }
      assert.deepEqual(trouble, []);
    });

    it(`${name}: its first note names what to press, and it needs no port of Node-RED`, () => {
      const [note] = loadExample(name, 0).filter(({ type }) => type === 'comment');
      assert.match(String(note?.name), /\b[Pp]ress\b/);
      assert.deepEqual(
        loadExample(name, 0).filter(({ type }) => NETWORK.includes(type)),
        [],
      );
    });
  }

  it('show something for every button that they have', () => {
    const silent = exampleNames().flatMap((name) => {
      const nodes = loadExample(name, 0);
      return nodes
        .filter((node) => node.type === 'inject' && !showsSomething(nodes, node))
        .map((node) => `${name}: ${node.name}`);
    });
    assert.deepEqual(silent, []);
  });

  it('14: says that nothing is shared without the context store in settings.js', async () => {
    const { page } = editor;
    const flow = readExample('14 One memory for several Node-REDs');
    const [tab, button] = ['tab', 'inject'].map((wanted) => flow.find(({ type }) => type === wanted));
    await drawn(String(tab?.id));
    await editor.invoke('core:show-debug-tab');
    await editor.onCanvas(String(button?.id)).locator('.red-ui-flow-node-button-button').click();
    await page.locator('.red-ui-debug-msg', { hasText: 'Not shared yet' }).waitFor();
    assert.equal(await page.locator('.red-ui-debug-msg', { hasText: 'says the memory' }).count(), 0);
  });

  for (const language of readdirSync(join(ROOT, 'nodes', 'locales')).filter((one) => one !== 'en-US')) {
    it(`no box lies over another one, and wires go to the right, with the labels of ${language}`, async () => {
      await editor.speak(language);
      await useWideLetters(editor.page);
      const trouble: string[] = [];
      for (const { id, type } of flows) if (type === 'tab') trouble.push(...troubleWith(await drawn(id)));
      assert.deepEqual(trouble, []);
    });
  }
});
