/** The sidebar under faults, and for users with other permissions. */
import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { users } from '../support/admin';
import { Editor } from '../support/editor';
import { VERSIONS } from '../support/node-red-versions';
import { Sidebar } from '../support/sidebar';

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The state store in the sidebar of Node-RED ${version}, under faults and with users`, () => {
    let editor: Editor;
    let sidebar: Sidebar;
    let emulator: Emulator;
    let port: number;

    before(async () => {
      emulator = await Emulator.start({ port: 0 });
      ({ port } = emulator);
      const { settings, ...rest } = options();
      editor = await Editor.open({
        user: 'admin',
        nodeRed: {
          ...rest,
          settings: {
            ...settings,
            ...users({
              admin: '*',
              reader: [
                'flows.read',
                'settings.read',
                'nodes.read',
                'status.read',
                'plugins.read',
                'statestore.read',
              ],
              stranger: ['flows.read', 'settings.read', 'nodes.read', 'plugins.read', 'status.read'],
            }),
          },
        },
        flows: [
          { id: 'flow', type: 'tab', label: 'flow' },
          { id: 'store', type: 'statestore-config', name: 'plant', host: '127.0.0.1', port },
          {
            id: 'get',
            type: 'statestore-get',
            z: 'flow',
            x: 200,
            y: 100,
            name: '',
            store: 'store',
            key: 'k',
            keyType: 'str',
            property: 'payload',
            propertyType: 'msg',
            outputs: 1,
            wires: [[]],
          },
        ],
      });
      sidebar = new Sidebar(editor);
    });
    after(async () => {
      await editor?.close();
      await emulator?.close();
    });

    const set = async (value: string) => {
      const client = new StateStoreClient({ host: '127.0.0.1', port });
      await client.set('k', value);
      await client.close();
    };

    it('shows the buttons to a user who may write', async () => {
      await set('one');
      await sidebar.show();
      await sidebar.shows('k', '"one"').waitFor();
      await sidebar.row('k').click();
      for (const name of ['Test connection', 'Set a key', 'Set', 'Delete'])
        await sidebar.button(name).waitFor();
    });

    it('says why the store cannot be reached, and goes on when it can', async () => {
      const { engine } = emulator;
      await emulator.close();
      await sidebar.state.getByText('Connection refused by 127.0.0.1').waitFor();
      emulator = await Emulator.start({ port, engine });
      await set('two');
      await sidebar.state.getByText('Connected').waitFor();
      await sidebar.shows('k', '"two"').waitFor();
    });

    it('says that Node-RED is away, and goes on when it has started again', async () => {
      await editor.nodeRed.end('SIGTERM');
      await sidebar.state.getByText('Node-RED is not responding').waitFor();
      await set('three');
      await editor.nodeRed.again();
      const connected = sidebar.state.getByText('Connected');
      // Node-RED itself may ask for the login again.
      const login = editor.page.locator('#node-dialog-login');
      await connected.or(login).first().waitFor({ timeout: 60_000 });
      if (await login.isVisible()) {
        await editor.become('admin');
        await sidebar.show();
      }
      await connected.waitFor({ timeout: 60_000 });
      await sidebar.shows('k', '"three"').waitFor();
    });

    it('shows the keys to a user who may only read, without buttons', async () => {
      await editor.become('reader');
      await sidebar.show();
      await sidebar.shows('k', '"three"').waitFor();
      await sidebar.row('k').click();
      await sidebar.detail.getByText('"three"').waitFor();
      for (const name of ['Test connection', 'Set a key', 'Set', 'Delete'])
        assert.equal(await sidebar.button(name).isVisible(), false, name);
      await sidebar.lookUp('looked up');
    });

    it('forgets everything at log-out', async () => {
      const { page } = editor;
      assert.match(await page.evaluate(() => JSON.stringify(localStorage)), /bG9va2VkIHVw/);
      await page.evaluate(() =>
        (window as unknown as { RED: { user: { logout(): void } } }).RED.user.logout(),
      );
      await page.locator('#node-dialog-login').waitFor();
      assert.doesNotMatch(
        await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage })),
        /bG9va2VkIHVw|three/,
      );
    });

    it('is hidden from a user who may not read', async () => {
      await editor.become('stranger');
      assert.equal(await sidebar.tab.count(), 0);
    });
  });
}
