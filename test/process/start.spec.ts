import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateStoreClient } from '../../src/index';
import { Lines, ROOT } from '../support/node-red';
import { freePort } from '../support/ports';

describe('npm start (its script)', () => {
  let userDir: string;
  before(() => {
    userDir = mkdtempSync(join(tmpdir(), 'start-'));
  });
  after(() => rmSync(userDir, { recursive: true, force: true }));

  const start = (env: Record<string, string>) => {
    const child = spawn(process.execPath, [join(ROOT, 'scripts', 'start.mjs')], {
      env: { ...process.env, USER_DIR: userDir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { child, lines: new Lines(child), exited: once(child, 'exit') };
  };

  it('prints the three lines, serves the editor, and ends with code 0 on Ctrl-C', async () => {
    const port = await freePort();
    const { child, lines, exited } = start({ PORT: String(port), EMULATOR_PORT: String(await freePort()) });
    await lines.find(/^Successfully set key demo\/key with value someValue$/);
    await lines.find(/^Current value of key demo\/key in the state store is someValue$/);
    await lines.find(/^Successfully deleted key demo\/key from the state store$/);
    const editor = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal(editor.status, 200);
    assert.match(await editor.text(), /<title>Node-RED<\/title>/);
    child.kill('SIGINT');
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual(
      lines.all.filter((line) => /error|warn/i.test(line)),
      [],
    );
  });

  it('keeps the package when the palette manager installs another one', function () {
    if (process.platform === 'win32') return this.skip();
    const other = join(userDir, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'package.json'), '{ "name": "other", "version": "1.0.0" }');
    // The options of Node-RED's palette manager.
    const options = '--no-audit --no-update-notifier --no-fund --save --save-prefix=~ --omit=dev'.split(' ');
    execFileSync('npm', ['install', '--offline', '--loglevel=error', ...options, other], { cwd: userDir });
    const installed = join(userDir, 'node_modules', '@edgestate', 'node-red-statestore');
    assert.ok(existsSync(join(installed, 'resources', 'editor.js')));
  });

  it('takes another port of the emulator the next time, too, and leaves alone what has a port of its own', async () => {
    const flowFile = join(userDir, 'flows.json');
    const flows = JSON.parse(readFileSync(flowFile, 'utf8')) as { id: string; type: string; port?: number }[];
    const own = { id: 'own', type: 'statestore-config', host: 'plant', port: 18_883 };
    writeFileSync(flowFile, JSON.stringify([...flows, own]));
    const emulatorPort = await freePort();
    const { child, lines, exited } = start({
      PORT: String(await freePort()),
      EMULATOR_PORT: String(emulatorPort),
    });
    await lines.find(/^Successfully deleted key demo\/key/);
    const store = new StateStoreClient({ host: '127.0.0.1', port: emulatorPort });
    assert.equal((await store.set('k', 'v')).stored, true);
    await store.close();
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    const kept = JSON.parse(readFileSync(flowFile, 'utf8')) as typeof flows;
    assert.deepEqual(
      kept.find(({ id }) => id === 'own'),
      own,
    );
  });

  it('ends Node-RED when the shell of npm is ended', async function () {
    if (process.platform === 'win32') return this.skip();
    const script = `${process.execPath} ${join(ROOT, 'scripts', 'start.mjs')}; true`;
    const env = {
      ...{ USER_DIR: userDir, npm_lifecycle_event: 'start', PORT: String(await freePort()) },
      EMULATOR_PORT: String(await freePort()),
    };
    const shell = spawn('sh', ['-c', script], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Lines(shell).find(/^Successfully deleted key demo\/key/);
    const closed = once(shell, 'close');
    shell.kill('SIGTERM');
    // The writer of its stdout has ended.
    await closed;
  });

  it('says plainly that the user directory cannot be written', async () => {
    const file = join(userDir, 'a-file');
    writeFileSync(file, '');
    const { lines, exited } = start({
      USER_DIR: join(file, 'user-dir'),
      PORT: String(await freePort()),
    });
    assert.deepEqual(await exited, [1, null]);
    assert.equal(lines.all.length, 1);
    assert.match(lines.all[0] as string, /a-file.* cannot be written: .*USER_DIR=.* npm start$/);
  });

  it('says plainly that PORT is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { lines, exited } = start({ PORT: String(port), EMULATOR_PORT: String(await freePort()) });
    assert.deepEqual(await exited, [1, null]);
    assert.equal(lines.all.length, 1);
    assert.match(
      lines.all[0] as string,
      new RegExp(
        `^Port ${port} .* is taken by another program\\. Choose another one: PORT=${port + 1} npm start$`,
      ),
    );
    server.close();
    await once(server, 'close');
  });

  it('needs no other port where EMULATOR_PORT is taken', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).destroy());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    const { child, lines, exited } = start({ PORT: String(await freePort()), EMULATOR_PORT: String(port) });
    await lines.find(/^Successfully deleted key demo\/key/);
    child.kill('SIGTERM');
    await exited;
    server.close();
    await once(server, 'close');
  });
});
