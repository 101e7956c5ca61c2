/** The examples on the canvas: tidy, and each with a note at the top that names what to press. */
import assert from 'node:assert/strict';
import { dashboardModules, hasDashboard, requireDashboard } from '../support/dashboard';
import { Editor } from '../support/editor';
import { exampleNames, type FlowNode, loadExample, needsDashboard } from '../support/examples';
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

interface EditorWindow {
  RED: {
    workspaces: { show(id: string): void };
    nodes: { filterNodes(which: { z: string }): Drawn[]; node(id: string): Drawn | null };
    utils: { getNodeLabel(node: Drawn, fallback: string): string };
  };
}

/** Width of the canvas in a window of 1366 pixels, with palette and sidebar. */
const CANVAS_WIDTH = 880;
/** What an example must not depend on. */
const NETWORK = ['http in', 'http request', 'http response', 'tcp in', 'udp in', 'websocket in'];

const right = ({ x, w }: Drawn) => x + w / 2;
const left = ({ x, w }: Drawn) => x - w / 2;

const overlap = (a: Drawn, b: Drawn) =>
  Math.abs(a.x - b.x) < (a.w + b.w) / 2 && Math.abs(a.y - b.y) < (a.h + b.h) / 2;

describe('The examples on the canvas', () => {
  let editor: Editor;
  let flows: FlowNode[];

  before(async () => {
    const port = await freePort();
    const names = exampleNames().filter((name) => !needsDashboard(name) || hasDashboard());
    flows = names.flatMap((name) => loadExample(name, port));
    const here = flows.map((node) => (node.type === 'inject' ? { ...node, once: false, repeat: '' } : node));
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

  for (const name of exampleNames()) {
    const tabs = loadExample(name, 0).filter(({ type }) => type === 'tab');

    it(`${name}: no box lies over another one, and wires go to the right`, async function () {
      if (needsDashboard(name)) requireDashboard(this);
      const trouble: string[] = [];
      for (const { id } of tabs) {
        const nodes = await drawn(id);
        assert.ok(nodes.length > 3);
        for (const [index, one] of nodes.entries()) {
          for (const another of nodes.slice(index + 1))
            if (overlap(one, another)) trouble.push(`"${one.label}" lies over "${another.label}"`);
          if (right(one) > CANVAS_WIDTH) trouble.push(`"${one.label}" ends at ${right(one)}`);
          if (left(one) < 0) trouble.push(`"${one.label}" begins at ${left(one)}`);
          const wires = (flows.find((node) => node.id === one.id)?.wires ?? []) as string[][];
          for (const target of wires.flat()) {
            const other = nodes.find((node) => node.id === target);
            if (other && left(other) < right(one))
              trouble.push(`the wire from "${one.label}" to "${other.label}" goes back`);
          }
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
});
