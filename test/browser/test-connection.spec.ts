/** Test connection: every outcome is a text that a person can act on. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Emulator, EmulatorRules } from '../../src/emulator/index';
import { makeAuthority, makeCertificate, writeCertificate } from '../support/certificates';
import { Editor } from '../support/editor';
import { type Mosquitto, requireProgram, startMosquitto } from '../support/mosquitto';
import { VERSIONS } from '../support/node-red-versions';
import { freePort, portIsFree } from '../support/ports';

/** Alice may do everything; the guest may log in, but read no key; the deaf one may not subscribe to anything. */
const RULES = {
  users: [
    { username: 'alice', password: 'right' },
    { username: 'guest', password: 'right' },
    { username: 'deaf', password: 'right' },
  ],
  spec: {
    authorizationPolicies: {
      rules: [
        {
          principals: { usernames: ['alice', 'guest', 'deaf'] },
          brokerResources: [{ method: 'Connect' }, { method: 'Publish', topics: ['#'] }],
        },
        {
          principals: { usernames: ['alice', 'guest'] },
          brokerResources: [{ method: 'Subscribe', topics: ['#'] }],
        },
        {
          principals: { usernames: ['alice'] },
          stateStoreResources: [{ method: 'ReadWrite', keyType: 'Pattern', keys: ['*'] }],
        },
      ],
    },
  },
};

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`Test connection in the editor of Node-RED ${version}`, () => {
    let editor: Editor;
    let emulator: Emulator;
    let guarded: Emulator;
    let mosquitto: Mosquitto;
    let directory: string;
    let caFile: string;
    let tlsPort: number;
    const silent = createServer((socket) => socket.end());

    before(async function () {
      requireProgram(this, 'mosquitto');
      emulator = await Emulator.start({ port: 0 });
      guarded = await Emulator.start({ port: 0, rules: EmulatorRules.parse(JSON.stringify(RULES)) });
      directory = mkdtempSync(join(tmpdir(), 'test-connection-'));
      const authority = makeAuthority('Test authority');
      ({ cert: caFile } = writeCertificate(directory, 'ca', authority));
      const server = writeCertificate(directory, 'server', makeCertificate('localhost', authority));
      tlsPort = await freePort();
      mosquitto = await startMosquitto(
        `allow_anonymous true\nlistener ${tlsPort} 127.0.0.1\ncertfile ${server.cert}\nkeyfile ${server.key}`,
      );
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      editor = await Editor.open({
        flows: [
          { id: 'flow', type: 'tab', label: 'flow' },
          {
            ...{ id: 'store', type: 'statestore-config', name: '', source: 'settings', host: '127.0.0.1' },
            ...{ port: emulator.port, tls: '', login: '', verify: true },
          },
          {
            ...{ id: 'node', type: 'statestore-get', z: 'flow', x: 300, y: 100, store: 'store', wires: [[]] },
            ...{ key: 'k', keyType: 'str', property: 'payload', propertyType: 'msg', outputs: 1 },
          },
          {
            ...{ id: 'kept', type: 'statestore-config', host: '127.0.0.1', port: guarded.port },
            ...{ login: 'password', credentials: { username: 'alice', password: 'right' } },
          },
          {
            ...{ id: 'other', type: 'statestore-get', z: 'flow', x: 300, y: 200, store: 'kept', wires: [[]] },
            ...{ key: 'k', keyType: 'str', property: 'payload', propertyType: 'msg', outputs: 1 },
          },
        ],
        nodeRed: options(),
      });
      await editor.edit('node');
      await editor.editStore();
      await editor.page.locator('#node-config-input-place').selectOption('other');
    });
    after(async () => {
      await editor?.close();
      await emulator?.close();
      await guarded?.close();
      await mosquitto?.stop();
      silent.close();
      if (directory) rmSync(directory, { recursive: true, force: true });
    });

    /** Fills these fields, presses the button, and returns the lines of the result. */
    const outcome = async (fields: Record<string, string>): Promise<string[]> => {
      const { page } = editor;
      for (const [name, value] of Object.entries(fields)) {
        const field = page.locator(`#node-config-input-${name}`);
        if (['tls', 'login'].includes(name)) await field.selectOption(value);
        else await field.fill(value);
      }
      await page.locator('#statestore-test-button').click();
      await page.locator('#statestore-test-button:not([disabled])').waitFor();
      await page.locator('#statestore-test-results li').last().waitFor();
      return page.locator('#statestore-test-results li').allInnerTexts();
    };
    const portOf = (server: { address(): unknown }) => String((server.address() as { port: number }).port);

    it('of the emulator: every step, and the time it took', async () => {
      const lines = await outcome({});
      assert.deepEqual(
        lines.map((line) => line.trim().replace(/[\d.]+ ms/, 'N ms')),
        [
          'Settings: complete',
          'Network: broker reachable',
          'Login: accepted',
          'Responses: subscription accepted',
          'State store: responding (N ms)',
        ],
      );
    });

    it('where nothing listens', async () => {
      const lines = await outcome({ port: String(await freePort()) });
      assert.match(
        lines.at(-1) ?? '',
        /Network: Connection refused by 127\.0\.0\.1:\d+\. Check host and port/,
      );
    });

    it('of a host that does not exist', async () => {
      const lines = await outcome({ host: 'no-such-host.invalid' });
      assert.match(lines.at(-1) ?? '', /Network: The host name .* was not found\. Check the host/);
    });

    it('of a port that is none', async () => {
      const lines = await outcome({ host: '127.0.0.1', port: 'abc' });
      assert.match(lines.at(-1) ?? '', /Settings: .*port/i);
    });

    it('of something that is no broker', async () => {
      const lines = await outcome({ port: portOf(silent) });
      assert.match(lines.at(-1) ?? '', /closed the connection before it responded/);
    });

    it('with TLS where there is none', async () => {
      const lines = await outcome({ port: String(emulator.port), tls: 'files' });
      assert.match(
        lines.at(-1) ?? '',
        /TLS: .*(turn TLS off|check that the broker expects TLS on this port|Check the port)/,
      );
    });

    it('with a CA file that is not there', async () => {
      const lines = await outcome({ caFile: '/no/such/ca.crt' });
      assert.match(lines.at(-1) ?? '', /Settings: .*\/no\/such\/ca\.crt/);
    });

    it('with a certificate that is not trusted', async () => {
      const lines = await outcome({ caFile: '', port: String(tlsPort) });
      assert.match(lines.at(-1) ?? '', /TLS: .*is not trusted: .*Give the CA file of the broker/);
    });

    it('with the CA file of the broker', async () => {
      const lines = await outcome({ host: 'localhost', caFile });
      assert.match(lines[2] ?? '', /TLS: certificate verified/);
    });

    it('with a wrong password, and with the right one', async () => {
      const login = {
        host: '127.0.0.1',
        tls: '',
        port: String(guarded.port),
        login: 'password',
        username: 'alice',
      };
      const wrong = await outcome({ ...login, password: 'wrong' });
      assert.match(wrong.at(-1) ?? '', /Login: .*bad user name or password.* Check the login/i);
      const right = await outcome({ ...login, password: 'right' });
      assert.match(right.at(-1) ?? '', /State store: responding/);
    });

    it('of a user who may not read', async () => {
      const lines = await outcome({ username: 'guest' });
      assert.match(lines.at(-1) ?? '', /State store: Not authorized: .*Ask the broker administrator/);
    });

    it('of a user who may not receive answers', async () => {
      const lines = await outcome({ username: 'deaf' });
      assert.match(lines.at(-1) ?? '', /Responses: .*refused the subscription.*Ask the broker administrator/);
    });

    it('of a broker without a state store', async () => {
      const lines = await outcome({ login: '', port: String(mosquitto.port) });
      assert.match(lines.at(-1) ?? '', /State store: There is no state store on this broker/);
    });

    it('with the password that is stored, which goes nowhere but to the deployed store', async () => {
      await editor.leaveStore('cancel');
      await editor.leave('cancel');
      await editor.edit('other');
      await editor.editStore();
      const stored = await outcome({});
      assert.match(stored.at(-1) ?? '', /State store: responding/);
      const elsewhere = await outcome({ port: String(emulator.port) });
      assert.deepEqual(elsewhere, [
        ' Settings: The password of this store is only sent to the host, port and TLS settings that are deployed. ' +
          'Enter it again, or deploy these settings first.',
      ]);
      const typed = await outcome({ password: 'typed' });
      assert.match(typed.at(-1) ?? '', /State store: responding/);
    });

    it('of an emulator that is started for it alone', async () => {
      const { page } = editor;
      await page.locator('#node-config-input-place').selectOption('emulator');
      const port = await freePort();
      const lines = await outcome({ port: String(port) });
      assert.match(lines.at(-1) ?? '', /State store: responding/);
      assert.ok(await portIsFree(port));
      await page.locator('#node-config-input-place').selectOption('other');
    });

    it('says nothing of settings that were changed before the answer came', async () => {
      const { page } = editor;
      let release: () => void = () => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      await page.route('**/statestore/test', async (route) => {
        await released;
        await route.continue();
      });
      const answered = page.waitForResponse('**/statestore/test');
      await page.locator('#statestore-test-button').click();
      await page.locator('#node-config-input-port').fill(String(await freePort()));
      release();
      await (await answered).finished();
      await page.unroute('**/statestore/test');
      await page.evaluate(() => new Promise(requestAnimationFrame));
      assert.equal(await page.locator('#statestore-test-results').innerText(), '');
      assert.ok(await page.locator('#statestore-test-button').isEnabled());
    });

    it('leaves no complaint in the console of the browser', () => {
      assert.deepEqual(editor.complaints, []);
    });
  });
}
