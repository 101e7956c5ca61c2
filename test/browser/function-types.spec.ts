/** What the editor of a function node knows of a deployed store. */
import assert from 'node:assert/strict';
import { FunctionStore } from '../../src/node-red/function/function-store';
import { Editor } from '../support/editor';
import { VERSIONS } from '../support/node-red-versions';

/** What the page asks the editor of Node-RED. */
interface MonacoWindow {
  monaco: {
    editor: { getModels(): { uri: unknown; getValue(): string; setValue(text: string): void }[] };
    languages: {
      typescript: {
        getJavaScriptWorker(): Promise<
          (uri: unknown) => Promise<{
            getCompletionsAtPosition(
              uri: string,
              offset: number,
            ): Promise<{ entries: { name: string }[] } | undefined>;
          }>
        >;
      };
    };
  };
}

const CODE = `/** @type {StateStore} */
const store = global.get('statestore')('Plant store', node);
store.`;

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The editor of a function node in Node-RED ${version}`, () => {
    let editor: Editor;

    before(async () => {
      editor = await Editor.open({
        flows: [
          { id: 'flow', type: 'tab', label: 'flow' },
          {
            ...{ id: 'work', type: 'function', z: 'flow', x: 200, y: 200, name: '', outputs: 1, wires: [[]] },
            func: CODE,
          },
        ],
        nodeRed: options(),
      });
    });
    after(() => editor?.close());

    it('completes the methods of a store', async () => {
      await editor.edit('work');
      await editor.page.locator('.monaco-editor:visible').first().waitFor();
      const names = await editor.page.evaluate(async (code) => {
        const { monaco } = window as unknown as MonacoWindow;
        const model = monaco.editor.getModels().find((one) => one.getValue().includes(code));
        const worker = await (await monaco.languages.typescript.getJavaScriptWorker())(model?.uri);
        const found = await worker.getCompletionsAtPosition(
          String(model?.uri),
          (model?.getValue() ?? '').indexOf(code) + code.length,
        );
        return (found?.entries ?? []).map(({ name }) => name);
      }, CODE);
      const methods = Object.getOwnPropertyNames(FunctionStore.prototype).filter(
        (one) => one !== 'constructor',
      );
      assert.deepEqual(names.sort(), methods.sort());
      await editor.leave('cancel');
    });
  });
}
