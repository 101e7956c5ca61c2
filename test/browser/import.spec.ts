/** Import > Examples, as a new user does it. */
import assert from 'node:assert/strict';
import { dashboardModules, hasDashboard, requireDashboard } from '../support/dashboard';
import { Editor } from '../support/editor';
import { exampleNames, needsDashboard, readExample } from '../support/examples';
import { VERSIONS } from '../support/node-red-versions';
import { portIsFree } from '../support/ports';
import { skipSuite } from '../support/skips';

const MODULE = '@edgestate/node-red-statestore';
/** A user may wait this long at most; the rest is for a busy machine. */
const MOST_MS = 2000 * 3;

/** By the number of an example: buttons in the order of a user who follows the note, each with what the debug sidebar then shows. */
const PRESSES: Record<string, [button: string, shows: RegExp][]> = {
  20: [
    ['press reports', /Report of the press/],
    ['oven reports', /The oven works/],
  ],
  21: [
    ['good part', /This shift: \d+ good/],
    ['scrap', /This shift: \d+ scrap/],
    ['change of shift', /Shift over: \d+ good/],
  ],
  22: [
    ['order 4 loaves', /Waiting: .*4 loaves/],
    ['station A is done', /Station A has made/],
    ['station A takes', /Station A makes/],
    ['station B takes', /Station B makes/],
  ],
  23: [
    ['bread, 230 degrees', /Acknowledged: the oven has bread/],
    ['rolls, 210 degrees', /Acknowledged: the oven has rolls/],
  ],
  24: [
    ['measure', /The last \d: /],
    ['highest?', /The highest of \d: /],
  ],
  25: [
    ['20', /Set point: 20 degrees/],
    ['80', /Set point: 80 degrees/],
  ],
  26: [
    ['press: too hot', /press too hot \(active\)/],
    ['press: cooled down', /press too hot \(over\)/],
    ['oven: door open', /oven door open \(active\)/],
  ],
};

/** Imported in the newer version, too: a table, an order queue, and a page of Dashboard. All others differ in their nodes only. */
const IN_EACH_VERSION = new Set(['20', '22', '25']);
const [EVERY_EXAMPLE] = Object.keys(VERSIONS);

/** The examples of jobs that are tried in this version. */
const jobsOf = (version: string) =>
  exampleNames()
    .filter((name) => PRESSES[name.slice(0, 2)])
    .filter((name) => version === EVERY_EXAMPLE || IN_EACH_VERSION.has(name.slice(0, 2)));
const canRun = (name: string) => !needsDashboard(name) || hasDashboard();
const tabOf = (name: string) => String(readExample(name).find(({ type }) => type === 'tab')?.label);

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The examples in the editor of Node-RED ${version}`, () => {
    let editor: Editor;
    const jobs = jobsOf(version);

    before(async function () {
      if (!(await portIsFree(1883))) {
        skipSuite(this, {
          why: 'another program listens on port 1883, which the Quickstart uses',
          remedy: 'end that program',
        });
      }
      editor = await Editor.open({ nodeRed: { ...options(), modules: dashboardModules() } });
    });
    after(() => editor?.close());

    it('are all in the import menu', async () => {
      await editor.invoke('core:show-examples-import-dialog');
      const dialog = editor.page.locator('.ui-dialog', {
        has: editor.page.locator('#red-ui-clipboard-dialog-ok'),
      });
      await dialog.locator('.red-ui-treeList-label', { hasText: MODULE }).click();
      for (const name of exampleNames()) {
        await dialog.locator('.red-ui-treeList-label', { hasText: name }).first().waitFor();
      }
    });

    it('Quickstart says its three lines in the debug sidebar after Import and Deploy', async () => {
      const { page } = editor;
      await page.locator('.red-ui-treeList-label', { hasText: '01 Quickstart' }).click();
      await page.locator('#red-ui-clipboard-dialog-ok').click();
      await editor.showFlow('Quickstart');
      await page.locator('.red-ui-flow-node', { hasText: 'set demo/key' }).waitFor();
      await editor.invoke('core:show-debug-tab');
      await editor.deploy();
      for (const line of [
        'Successfully set key demo/key with value someValue',
        'Current value of key demo/key in the state store is someValue',
        'Successfully deleted key demo/key from the state store',
      ]) {
        await page.locator('.red-ui-debug-msg', { hasText: line }).first().waitFor();
      }
      await page
        .locator('.red-ui-flow-node-status-label', { hasText: /^connected: emulator$/ })
        .first()
        .waitFor();
    });

    it('of jobs are imported one after the other and deployed together', async () => {
      const { page } = editor;
      for (const name of jobs.filter(canRun)) {
        await editor.invoke('core:show-examples-import-dialog');
        const dialog = page.locator('.ui-dialog', { has: page.locator('#red-ui-clipboard-dialog-ok') });
        await dialog.locator('.red-ui-treeList-label', { hasText: MODULE }).click();
        // The list may still unfold and scroll, so that a click of the mouse would meet another line.
        await dialog.locator('.red-ui-treeList-label', { hasText: name }).dispatchEvent('click');
        await page.locator('#red-ui-clipboard-dialog-ok').click();
        await editor.showFlow(tabOf(name));
      }
      await editor.deploy();
      // The last message of a start. Before it, the buttons of example 22 have nothing to finish.
      await page
        .locator('.red-ui-debug-msg', { hasText: /Station A makes/ })
        .first()
        .waitFor();
    });

    for (const name of jobs) {
      it(`${name}: each button that its note names shows something within 2 s`, async function () {
        if (needsDashboard(name)) requireDashboard(this);
        await editor.showFlow(tabOf(name));
        const times: number[] = [];
        for (const [button, shows] of PRESSES[name.slice(0, 2)] ?? []) {
          const { id } =
            readExample(name).find((node) => node.type === 'inject' && node.name === button) ?? {};
          assert.ok(id, button);
          await editor.invoke('core:clear-debug-messages');
          const pressed = Date.now();
          await editor.onCanvas(id).locator('.red-ui-flow-node-button-button').click();
          await editor.page.locator('.red-ui-debug-msg', { hasText: shows }).first().waitFor();
          times.push(Date.now() - pressed);
        }
        console.log(`      after ${times.join(', ')} ms`);
        assert.ok(Math.max(...times) < MOST_MS);
      });
    }

    it('of Dashboard have their pages, also if both were imported', async function () {
      requireDashboard(this);
      const page = await editor.page.context().browser()?.newPage();
      assert.ok(page);
      for (const [number, path, part] of [
        ['25', 'setpoint', '[role=slider]'],
        ['26', 'alarms', '.nrdb-ui-table'],
      ] as const) {
        if (!jobs.some((name) => name.startsWith(number))) continue;
        await page.goto(`${editor.nodeRed.base}/dashboard/${path}`);
        await page.locator(part).first().waitFor();
      }
      await page.close();
    });

    it('leave no complaint in the console of the browser', () => {
      assert.deepEqual(editor.complaints, []);
    });
  });
}
