/** What is typed into a dialog is what the flow gets, and what the dialog shows the next time. */
import assert from 'node:assert/strict';
import { Editor } from '../support/editor';
import { VERSIONS } from '../support/node-red-versions';

const AT = { z: 'flow', x: 300 };

/** Every node with values that a new one does not have. */
const FLOW = [
  { id: 'flow', type: 'tab', label: 'flow' },
  {
    ...{
      id: 'aaaa',
      type: 'statestore-config',
      name: '',
      place: 'other',
      source: 'settings',
      host: 'broker.example',
      port: '8883',
    },
    ...{
      tls: 'files',
      tlsConfig: '',
      caFile: '/ca.crt',
      certFile: '/me.crt',
      keyFile: '/me.key',
      verify: false,
    },
    ...{ login: 'password', tokenFile: '', clientId: 'line-1', keepAlive: '30', sessionExpiry: '60' },
    ...{
      timeout: '5',
      inFlightLimit: '10',
      queueLimit: '20',
      keyPrefix: 'site/',
      persistName: 'p',
      persistValue: 'yes',
      persistAll: true,
      metricCategory: 'line',
      keep: false,
      highPriority: false,
    },
  },
  {
    ...{ ...AT, id: 'b1', y: 60, type: 'statestore-set', name: '', store: 'aaaa' },
    ...{ key: '"machine/" & payload.id', keyType: 'jsonata', value: 'some text', valueType: 'str' },
    ...{ format: 'ndjson', condition: 'NEX', expiry: 'lifetime', expiryType: 'flow', expiryUnit: 'min' },
    ...{ fencingToken: 'token', fencingTokenType: 'global', messageOptions: 'ignore', persist: true },
    ...{ outputs: 2, wires: [['b2'], ['b3']] },
  },
  {
    ...{
      ...AT,
      id: 'b2',
      y: 120,
      type: 'statestore-get',
      name: '',
      store: 'aaaa',
      key: 'topic',
      keyType: 'msg',
    },
    ...{ property: 'value.now', propertyType: 'msg', format: 'json', missing: 'default', default: '17' },
    ...{ listing: 'keys', maxKeys: '7' },
    ...{ defaultType: 'num', outputs: 1, wires: [[]] },
  },
  {
    ...{
      ...AT,
      id: 'b3',
      y: 180,
      type: 'statestore-delete',
      name: '',
      store: 'aaaa',
      key: 'KEY',
      keyType: 'env',
    },
    maxKeys: '7',
    ...{ onlyIfValue: true, value: '{"a":1}', valueType: 'json', fencingToken: '', fencingTokenType: 'msg' },
    ...{ outputs: 1, wires: [[]] },
  },
  {
    ...{ ...AT, id: 'b4', y: 240, type: 'statestore-observe', name: '', store: 'aaaa', mode: 'fixed' },
    ...{ keys: 'one\ntwo', format: 'buffer', current: true, onlyChanges: true, inputs: 0, wires: [[]] },
    ...{ gone: 'default', default: '1', defaultType: 'num', missing: true, outputs: 1 },
  },
  {
    ...{
      ...AT,
      id: 'b5',
      y: 300,
      type: 'statestore-emulator',
      name: 'mine',
      port: '18930',
      host: '127.0.0.1',
    },
    ...{ file: 'keys.store', rules: '', cert: '', key: '', ca: '', wires: [] },
  },
  {
    ...{
      ...AT,
      id: 'b6',
      y: 360,
      type: 'statestore-update',
      name: '',
      store: 'aaaa',
      key: 'topic',
      keyType: 'msg',
    },
    ...{
      change: 'append',
      format: 'ndjson',
      identity: 'id',
      amount: 'step',
      amountType: 'flow',
      value: '{"a":1}',
      valueType: 'json',
      taker: 'STATION',
      takerType: 'env',
      keep: '7',
    },
    ...{
      expression: '$value * 2',
      start: 'base',
      startType: 'global',
      property: 'list.all',
      propertyType: 'msg',
    },
    ...{
      expiry: 'lifetime',
      expiryType: 'msg',
      expiryUnit: 'min',
      persist: true,
      lock: 'mine',
      lockType: 'str',
      fencingToken: 'token',
      fencingTokenType: 'flow',
    },
    ...{ duration: '2.5', timeout: '30', outputs: 2, wires: [['b2'], []] },
  },
  {
    ...{
      ...AT,
      id: 'b7',
      y: 420,
      type: 'statestore-update',
      name: '',
      store: 'aaaa',
      key: 'count',
      keyType: 'str',
    },
    ...{ format: 'auto', identity: 'deviceId', taker: '', takerType: 'str' },
    ...{ change: 'add', amount: '-1', amountType: 'num', value: 'payload', valueType: 'msg', keep: '' },
    ...{
      expression: '$value + payload',
      start: '',
      startType: 'json',
      property: 'payload',
      propertyType: 'msg',
    },
    ...{ expiry: '', expiryType: 'num', expiryUnit: 's', persist: false, lock: '', lockType: 'str' },
    ...{ fencingToken: 'fencingToken', fencingTokenType: 'msg' },
    ...{ duration: '', timeout: '', outputs: 1, wires: [[]] },
  },
  {
    ...{ ...AT, id: 'b8', y: 480, type: 'statestore-leader', name: '', store: 'aaaa', role: 'pump' },
    ...{ outputs: 3, lease: '2.5', candidate: 'left', wires: [['b2'], ['b3'], []] },
  },
  {
    ...{ ...AT, id: 'b9', y: 540, type: 'statestore-lock', name: '', store: 'aaaa', key: 'topic' },
    ...{ keyType: 'msg', wait: '0.5', limit: '3600', lease: '300', wires: [['b10'], []] },
  },
  { ...AT, id: 'b10', y: 600, type: 'statestore-unlock', name: '', wires: [[]] },
  {
    ...{ ...AT, id: 'b11', y: 660, type: 'statestore-get', name: '', store: 'aaaa', keyType: 'str' },
    ...{ key: `plant/north/${'line/'.repeat(22)}shift/early`, property: 'payload', propertyType: 'msg' },
    ...{
      listing: 'values',
      maxKeys: '',
      format: 'auto-detect',
      missing: 'nothing',
      default: '',
      defaultType: 'num',
      outputs: 1,
      wires: [[]],
    },
  },
  {
    ...{ ...AT, id: 'b12', y: 720, type: 'statestore-observe', name: '', store: 'aaaa', mode: 'fixed' },
    ...{ keys: 'one', format: 'buffer', current: true, onlyChanges: false, inputs: 0, wires: [[]] },
  },
];

/** What these tests use of the editor's jQuery. */
interface JQueryLike {
  val(value: string): JQueryLike;
  trigger(event: string): JQueryLike;
  typedInput(what: 'value', value: string): void;
}

/** What the canvas says of each. */
const LABELS: Record<string, string> = {
  b1: 'set machine/{payload.id}',
  b2: 'get {topic}',
  b3: 'delete {$KEY}',
  b4: 'observe 2 keys',
  b5: 'mine',
  b6: 'append to {topic}',
  b7: 'add -1 to count',
  b8: 'active / standby pump',
  b9: 'lock {topic}',
  b10: 'unlock',
  b11: 'get plant/north/lin…ne/line/shift/early',
};

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The dialogs in the editor of Node-RED ${version}`, () => {
    let editor: Editor;

    before(async () => {
      editor = await Editor.open({ flows: FLOW, nodeRed: options() });
    });
    after(() => editor?.close());

    for (const [id, label] of Object.entries(LABELS)) {
      it(`of "${label}" keeps every value and type through Done`, async () => {
        await editor.onCanvas(id).getByText(label, { exact: true }).waitFor();
        const before = await editor.node(id);
        await editor.edit(id);
        await editor.leave('ok');
        assert.deepEqual(await editor.node(id), before);
        const wanted = FLOW.find((node) => node.id === id) as Record<string, unknown>;
        for (const [name, value] of Object.entries(wanted)) assert.deepEqual(before[name], value, name);
      });
    }

    it('of a store keeps every value through Update', async () => {
      const before = await editor.node('aaaa');
      await editor.edit('b1');
      await editor.editStore();
      assert.equal(await editor.page.locator('#node-config-input-place').inputValue(), 'other');
      await editor.leaveStore('ok');
      await editor.leave('ok');
      const { credentials, ...after } = await editor.node('aaaa');
      assert.deepEqual(after, before);
      assert.deepEqual(credentials, { username: '', password: '', keyPassword: '' });
    });

    it('of a store fills in what is usual at a place', async () => {
      const { page } = editor;
      await editor.edit('b1');
      await editor.editStore('#node-input-btn-store-add');
      const field = (name: string) => page.locator(`#node-config-input-${name}`);
      await page
        .locator('#node-config-input-place')
        .selectOption({ label: 'Azure IoT Operations in this cluster' });
      assert.deepEqual(
        {
          host: await field('host').inputValue(),
          port: await field('port').inputValue(),
          tls: await field('tls').inputValue(),
          caFile: await field('caFile').inputValue(),
          login: await field('login').inputValue(),
          tokenFile: await field('tokenFile').inputValue(),
        },
        {
          host: 'aio-broker.azure-iot-operations',
          port: '18883',
          tls: 'files',
          caFile: '/var/run/certs/ca.crt',
          login: 'token',
          tokenFile: '/var/run/secrets/tokens/broker-sat',
        },
      );
      assert.ok(await field('tokenFile').isVisible());
      await page
        .locator('#node-config-input-place')
        .selectOption({ label: 'From the environment (AIO_...)' });
      assert.equal(await field('host').isVisible(), false);
      await page.locator('#node-config-input-place').selectOption({ label: 'Emulator on this machine' });
      assert.deepEqual(
        [await field('host').inputValue(), await field('port').inputValue()],
        ['localhost', '1883'],
      );
      const place = (value: string) => field('place').selectOption(value);
      await place('other');
      await field('host').fill('broker.example');
      await field('tls').selectOption('public');
      assert.equal(await field('port').inputValue(), '8883', 'the usual port with TLS');
      await place('emulator');
      assert.equal(await field('host').inputValue(), 'localhost');
      await place('other');
      assert.deepEqual(
        [await field('host').inputValue(), await field('port').inputValue(), await field('tls').inputValue()],
        ['broker.example', '8883', 'public'],
        'looking at another place loses nothing',
      );
      await editor.leaveStore('cancel');
      await editor.leave('cancel');
    });

    it('lead from a label to its typed input, and fold with the space bar', async () => {
      const { page } = editor;
      await editor.edit('b1');
      await page.locator('label[for="node-input-key"]').click();
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-labelledby'));
      assert.equal(await focused(), 'node-input-key-label');
      const fold = page.locator('button.statestore-fold').first();
      const before = await fold.getAttribute('aria-expanded');
      await fold.focus();
      await page.keyboard.press('Space');
      assert.notEqual(await fold.getAttribute('aria-expanded'), before);
      await editor.leave('cancel');
    });

    for (const words of ['state store', 'azure', 'key', 'cache', 'counter', 'watchdog']) {
      it(`have nodes that the palette finds by "${words}"`, async () => {
        const { page } = editor;
        const search = page.locator('#red-ui-palette-search input');
        const shown = (type: string) =>
          page.locator(`.red-ui-palette-node[data-palette-type="${type}"]:visible`).waitFor();
        await search.pressSequentially(words);
        // Core's category slides away, and would do so after it is to be shown again.
        await page
          .locator('#red-ui-palette-container-common[style*="display: none"]')
          .waitFor({ state: 'attached' });
        for (const one of ['set', 'get', 'update', 'leader']) await shown(`statestore-${one}`);
        await page.locator('#red-ui-palette-search .red-ui-searchBox-clear').click();
        await shown('inject');
      });
    }

    it('mark what cannot be: a store with a port out of range, and the node that uses it', async () => {
      const { page } = editor;
      await editor.edit('b2');
      await editor.editStore();
      await page.locator('#node-config-input-port').fill('70000');
      await page.locator('#node-config-input-port').blur();
      await page.locator('#node-config-input-port.input-error').hover();
      await page
        .locator('.red-ui-popover')
        .getByText('The port must be a whole number from 1 to 65535')
        .waitFor();
      await editor.leaveStore('ok');
      await editor.leave('ok');
      const mark = editor.onCanvas('b2').locator('.red-ui-flow-node-error');
      await mark.hover();
      await page
        .locator('#red-ui-workspace-chart')
        .getByText('This store is not configured correctly')
        .waitFor();
      await editor.edit('b2');
      await editor.editStore();
      await page.locator('#node-config-input-port').fill('8883');
      await editor.leaveStore('ok');
      await editor.leave('ok');
      await mark.waitFor({ state: 'hidden' });
    });

    it('give a second output and remove it without losing the wire of the first', async () => {
      const { page } = editor;
      const ports = editor.onCanvas('b1').locator('.red-ui-flow-port-output');
      assert.equal(await ports.count(), 2);
      await editor.edit('b1');
      await page.locator('#node-input-secondOutput').uncheck();
      await editor.leave('ok');
      await ports.nth(1).waitFor({ state: 'detached' });
      assert.deepEqual((await editor.node('b1')).wires, [['b2']]);
      await editor.edit('b1');
      assert.equal(await page.locator('#node-input-secondOutput').isChecked(), false);
      await page.locator('#node-input-secondOutput').check();
      await editor.leave('ok');
      await ports.nth(1).waitFor();
      assert.deepEqual((await editor.node('b1')).wires, [['b2'], []]);
    });

    it('of an update show what its action needs, and mark an expression that is none', async () => {
      const { page } = editor;
      const tray = await editor.edit('b7');
      const rows = async () => {
        const shown = await tray.locator('.form-row:visible label.statestore-label').allInnerTexts();
        return shown.map((text) => text.trim()).slice(2, -1);
      };
      assert.deepEqual(await rows(), ['Action', 'Amount']);
      const change = page.locator('#node-input-change');
      for (const [action, expected] of Object.entries({
        append: ['Action', 'Value', 'Keep the last'],
        take: ['Action', 'Taken by'],
        finish: ['Action', 'Taken by'],
        merge: ['Action', 'Value'],
        larger: ['Action', 'Value'],
        expression: ['Action', 'Expression'],
        putRecord: ['Action', 'Value', 'Identified by'],
        set: ['Action', 'Value', 'Format'],
      })) {
        await change.selectOption(action);
        assert.deepEqual(await rows(), expected, action);
      }
      await change.selectOption('expression');
      const expression = page.locator('.form-row[data-row=expression] .red-ui-typedInput-container');
      const field = expression.locator('input.red-ui-typedInput-input');
      await field.fill('$value +');
      await field.blur();
      await page.locator('.form-row[data-row=expression] .red-ui-typedInput-container.input-error').waitFor();
      await editor.leave('ok');
      const mark = editor.onCanvas('b7').locator('.red-ui-flow-node-error');
      await mark.waitFor();
      await editor.edit('b7');
      await field.fill('$value + payload');
      await field.blur();
      await expression.and(page.locator(':not(.input-error)')).waitFor();
      await editor.leave('ok');
      await mark.waitFor({ state: 'hidden' });
      assert.equal((await editor.node('b7')).change, 'expression');
    });

    it('of an update need a name to finish an entry, but not to take one', async () => {
      const { page } = editor;
      await editor.edit('b7');
      const isMarked = () =>
        page.locator('.form-row[data-row=taker] .red-ui-typedInput-container.input-error').isVisible();
      const change = page.locator('#node-input-change');
      await change.selectOption('take');
      assert.equal(await isMarked(), false);
      await change.selectOption('finish');
      assert.equal(await isMarked(), true);
      await page.locator('.form-row[data-row=taker] input.red-ui-typedInput-input').fill('press 1');
      assert.equal(await isMarked(), false);
      await editor.leave('ok');
      await editor.onCanvas('b7').getByText('finish in count', { exact: true }).waitFor();
      await editor.invoke('core:undo');
    });

    it('of an update with an expression ignores a field that is not used', async () => {
      const fresh = await editor.drag('statestore-update', 600, 460);
      await editor.edit(fresh);
      await editor.page
        .locator('.form-row', { hasText: 'Key' })
        .locator('input.red-ui-typedInput-input')
        .fill('pieces');
      await editor.leave('ok');
      await editor.onCanvas(fresh).getByText('add 1 to pieces', { exact: true }).waitFor();
      await editor.onCanvas(fresh).locator('.red-ui-flow-node-error').waitFor({ state: 'hidden' });
    });

    it('take a key that is inserted without a key press', async () => {
      const { page } = editor;
      const fresh = await editor.drag('statestore-set', 700, 100);
      const tray = await editor.edit(fresh);
      const field = tray.locator('[data-row=key] input.red-ui-typedInput-input');
      await tray.locator('[data-row=key] .red-ui-typedInput-container.input-error').waitFor();
      await field.focus();
      await page.keyboard.insertText('machine/1');
      assert.equal(await tray.locator('.input-error').count(), 0);
      await editor.leave('cancel');
    });

    it('mark what they fill in themselves only while it is wrong', async () => {
      const { page } = editor;
      const wrong = () =>
        tray
          .locator('.input-error:visible')
          .evaluateAll((all) => all.map((one) => one.closest('[data-row]')?.getAttribute('data-row')));
      const type = async (label: string) => {
        await tray.locator('[data-row=default] .red-ui-typedInput-type-select').click();
        await page.locator('.red-ui-typedInput-options:visible a', { hasText: label }).click();
      };
      const fresh = await editor.drag('statestore-get', 700, 280);
      const tray = await editor.edit(fresh);
      // The store is the only one there is, and all other fields are those of a new node.
      assert.deepEqual(await wrong(), ['key']);
      assert.equal(await page.locator('#node-input-store').inputValue(), 'aaaa');
      await tray.locator('[data-row=key] input.red-ui-typedInput-input').fill('machine/1');
      assert.deepEqual(await wrong(), []);
      await tray.locator('.statestore-fold').click();
      await page.locator('#node-input-missing').selectOption('default');
      const value = tray.locator('[data-row=default] input.red-ui-typedInput-input');
      await value.fill('ten');
      assert.deepEqual(await wrong(), ['default']);
      // The editor fills in a value of the other type, and that of this type again.
      await type('boolean');
      assert.deepEqual(await wrong(), []);
      await type('number');
      assert.deepEqual(await wrong(), ['default']);
      await value.fill('10');
      assert.deepEqual(await wrong(), []);
      await page.locator('#node-input-property + .red-ui-typedInput-container input').fill('');
      assert.deepEqual(await wrong(), ['property']);
      await editor.leave('cancel');
    });

    it('take a list of keys, one key per line, and show it again', async () => {
      const { page } = editor;
      const fresh = await editor.drag('statestore-get', 700, 160);
      await editor.onCanvas(fresh).getByText('get', { exact: true }).waitFor();
      let tray = await editor.edit(fresh);
      await tray.locator('[data-row=key] .red-ui-typedInput-type-select').click();
      await page.locator('.red-ui-typedInput-options a', { hasText: 'list of keys' }).click();
      const list = () => tray.getByLabel('list of keys');
      await list().fill('machine/1\n\nmachine/2\n machine/3 ');
      await editor.leave('ok');
      await editor.onCanvas(fresh).getByText('get 3 keys', { exact: true }).waitFor();
      const { key, keyType } = await editor.node(fresh);
      assert.deepEqual([key, keyType], ['["machine/1","machine/2","machine/3"]', 'json']);
      tray = await editor.edit(fresh);
      assert.equal(await list().inputValue(), 'machine/1\nmachine/2\nmachine/3');
      await list().fill('');
      await tray.locator('[data-row=key] .red-ui-typedInput-container.input-error').waitFor();
      await editor.leave('cancel');
    });

    it('say that keys have no wildcards', async () => {
      const tray = await editor.edit('b7');
      const field = tray.locator('[data-row=key] input.red-ui-typedInput-input');
      const hint = tray.getByText('Keys have no wildcards');
      assert.equal(await hint.isVisible(), false);
      await field.fill('machine/1/*');
      await hint.waitFor();
      await field.fill('machine/1#2+3');
      await hint.waitFor({ state: 'hidden' });
      await editor.leave('cancel');
    });

    it('name in the header of a folded part what is set in it', async () => {
      const tray = await editor.edit('b8');
      const header = tray.locator('.statestore-fold');
      assert.equal((await header.innerText()).trim(), 'More: lease, instance name');
      await header.click();
      assert.equal(
        (await header.innerText()).trim(),
        'More: Lease 2.5 seconds until takeover, Instance name left',
      );
      await editor.leave('cancel');
    });

    it('have every label in one line', async () => {
      const wrapped: string[] = [];
      const look = async () =>
        wrapped.push(
          ...(await editor.page
            .locator('label.statestore-label:visible')
            .evaluateAll((labels) =>
              labels
                .filter((label) => label.getBoundingClientRect().height > 30)
                .map(({ textContent }) => textContent?.trim() ?? ''),
            )),
        );
      for (const id of Object.keys(LABELS)) {
        const tray = await editor.edit(id);
        const folded = tray.locator('.statestore-fold[aria-expanded=false]:visible');
        while ((await folded.count()) > 0) await folded.first().click();
        await look();
        if (id === 'b1') {
          await editor.editStore();
          await look();
          await editor.leaveStore('cancel');
        }
        await editor.leave('cancel');
      }
      assert.deepEqual(wrapped, []);
    });

    it('offer a name for a new store', async () => {
      await editor.edit('b1');
      await editor.editStore('#node-input-btn-store-add');
      assert.equal(await editor.page.locator('#node-config-input-name').inputValue(), 'State store');
      await editor.leaveStore('cancel');
      await editor.leave('cancel');
    });

    it('of an emulator take a blank port and a variable', async () => {
      const tray = await editor.edit('b5');
      const port = tray.locator('#node-input-port');
      const variable = ['$', '{EMULATOR_PORT}'].join('');
      for (const [value, wrong] of [
        ['70000', 1],
        ['', 0],
        ['99999', 1],
        [variable, 0],
      ] as const) {
        await port.fill(value);
        assert.equal(await tray.locator('#node-input-port.input-error').count(), wrong, value);
      }
      await editor.leave('cancel');
    });

    it('of a new observe node send only real changes, and those of a saved one as saved', async () => {
      const fresh = await editor.drag('statestore-observe', 700, 220);
      const tray = await editor.edit(fresh);
      assert.equal(await tray.getByLabel('Only send if the value changed').isChecked(), true);
      await editor.leave('cancel');
      assert.equal((await editor.node('b12')).onlyChanges, false);
      await editor.edit('b12');
      await editor.leave('ok');
      assert.equal((await editor.node('b12')).onlyChanges, false);
    });

    it('give an active/standby node as many outputs as are chosen', async () => {
      const { page } = editor;
      const ports = editor.onCanvas('b8').locator('.red-ui-flow-port-output');
      assert.equal(await ports.count(), 3);
      await editor.edit('b8');
      await page.locator('#node-input-outputs').selectOption({ label: '1: active' });
      await editor.leave('ok');
      await ports.nth(1).waitFor({ state: 'detached' });
      const { outputs, wires } = await editor.node('b8');
      assert.deepEqual([outputs, wires], [1, [['b2']]]);
      await editor.edit('b8');
      await page.locator('#node-input-outputs').selectOption('3');
      await editor.leave('ok');
      await ports.nth(2).waitFor();
      assert.deepEqual((await editor.node('b8')).wires, [['b2'], [], []]);
    });

    for (const [id, field, wrong, text] of [
      ['b8', 'role', ' ', 'Enter a role name'],
      ['b8', 'lease', '301', 'The lease must be a number of seconds from 1 to 300'],
      ['b9', 'key', '', 'Enter the name of the lock'],
      ['b9', 'wait', '0', 'The timeout must be'],
      ['b9', 'limit', 'x', 'The max. hold time must be'],
      ['b9', 'lease', '0.5', 'The lease must be a number of seconds from 1 to 300'],
    ] as const) {
      it(`say what is wrong with "${wrong}" as ${field} of "${LABELS[id]}"`, async () => {
        const { page } = editor;
        await editor.edit(id);
        await page.locator(`#node-input-${field}`).evaluate((input, value) => {
          const { $ } = window as unknown as { $: (element: unknown) => JQueryLike };
          const isTyped = input.nextElementSibling?.classList.contains('red-ui-typedInput-container');
          if (isTyped) $(input).typedInput('value', value);
          else $(input).val(value).trigger('change');
        }, wrong);
        await editor.leave('ok');
        const mark = editor.onCanvas(id).locator('.red-ui-flow-node-error');
        await mark.hover();
        await page.locator('#red-ui-workspace-chart').getByText(text).waitFor();
        await page.mouse.move(0, 0);
        await editor.invoke('core:undo');
        await mark.waitFor({ state: 'hidden' });
      });
    }

    it('fold options away, and unfold them where one was chosen', async () => {
      const { page } = editor;
      await editor.edit('b1');
      assert.ok(await page.locator('#node-input-expiryUnit').isVisible());
      await editor.leave('cancel');
      const fresh = await editor.drag('statestore-set', 600, 400);
      await editor.edit(fresh);
      assert.equal(await page.locator('#node-input-expiryUnit').isVisible(), false);
      await page.locator('.statestore-fold', { hasText: 'More' }).click();
      assert.ok(await page.locator('#node-input-expiryUnit').isVisible());
      await editor.leave('cancel');
    });

    it('never show a password again', async () => {
      const { page } = editor;
      const secret = 'correct-horse-battery';
      await editor.edit('b1');
      await editor.editStore();
      await page.locator('#node-config-input-username').fill('alice');
      await page.locator('#node-config-input-password').fill(secret);
      await editor.leaveStore('ok');
      await editor.leave('ok');
      await editor.deploy();
      const answers: Promise<string>[] = [];
      page.on('response', (response) => answers.push(response.text().catch(() => '')));
      await editor.load();
      await editor.edit('b1');
      await editor.editStore();
      assert.equal(await page.locator('#node-config-input-username').inputValue(), 'alice');
      assert.equal(await page.locator('#node-config-input-password').inputValue(), '__PWRD__');
      assert.ok(!(await page.content()).includes(secret));
      const all = await Promise.all(answers);
      assert.ok(all.length > 10 && all.some((text) => text.includes('alice')));
      assert.deepEqual(
        all.filter((text) => text.includes(secret)),
        [],
      );
      await editor.leaveStore('ok');
      await editor.leave('ok');
    });

    it('leave no complaint in the console of the browser', () => {
      assert.deepEqual(editor.complaints, []);
    });
  });
}
