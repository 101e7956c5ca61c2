/** What stands under a node that has no store it could use, while messages come. */
import assert from 'node:assert/strict';
import { Editor } from '../support/editor';
import { VERSIONS } from '../support/node-red-versions';

/** Counts what a Catch node hands on in its own status; statuses reach the editor in their order. */
const COUNT =
  "const n = (context.get('n') ?? 0) + 1; context.set('n', n); node.status({ text: n + ' failed' });";

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The status of a node without a store in the editor of Node-RED ${version}`, () => {
    let editor: Editor;

    before(async () => {
      const at = { z: 'flow', x: 300 };
      const get = { type: 'statestore-get', key: 'k', keyType: 'str', property: 'payload', outputs: 1 };
      editor = await Editor.open({
        flows: [
          { id: 'flow', type: 'tab', label: 'flow' },
          { id: 'bad', type: 'statestore-config', host: '127.0.0.1', port: 1883, clientId: 'a/b' },
          { ...at, id: 'inject', type: 'inject', y: 100, props: [], wires: [['none', 'wrong']] },
          { ...at, ...get, id: 'none', y: 200, store: '', wires: [[]] },
          { ...at, ...get, id: 'wrong', y: 300, store: 'bad', wires: [[]] },
          { ...at, id: 'catch', type: 'catch', y: 400, scope: ['none', 'wrong'], wires: [['count']] },
          { ...at, id: 'count', type: 'function', y: 500, func: COUNT, outputs: 1, wires: [[]] },
        ],
        nodeRed: options(),
      });
    });
    after(() => editor?.close());

    it('says what is missing, before and after messages', async () => {
      const status = (id: string) => editor.onCanvas(id).locator('.red-ui-flow-node-status-label');
      const expected = ['no store selected', 'store misconfigured'];
      const shown = async () => [await status('none').textContent(), await status('wrong').textContent()];
      for (const [index, id] of ['none', 'wrong'].entries()) {
        await status(id)
          .getByText(expected[index] as string)
          .waitFor();
      }
      for (let i = 1; i <= 3; i++) {
        await editor.nodeRed.inject('inject');
        await status('count')
          .getByText(`${2 * i} failed`)
          .waitFor();
        assert.deepEqual(await shown(), expected);
      }
    });
  });
}
