/**
 * Starts a real Node-RED with this package, the emulator and the Quickstart, in a user directory of its own.
 *
 *   PORT           port of the editor (1880)
 *   EMULATOR_PORT  port of the emulator (1883)
 *   USER_DIR       where Node-RED keeps flows and settings (.user-dir beside package.json)
 *
 * The context store "shared" of its settings is on an emulator of its own, which is there before the flows are.
 *
 * With --build it builds the package first, but after it has seen that Node-RED can start at all.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './compile.mjs';
import { whenParentEnds } from './parent.mjs';
import { plainly } from './plainly.mjs';
import { UserDir } from './user-dir.mjs';

const HOST = '127.0.0.1';
const root = fileURLToPath(new URL('..', import.meta.url));
const port = readPort('PORT', 1880);
const emulatorPort = readPort('EMULATOR_PORT', 1883);
const userDir = new UserDir(resolve(process.env.USER_DIR || join(root, '.user-dir')));

await requireFree(port, 'PORT', 'the editor');
plainly(
  () => userDir.prepare({ host: HOST, port, emulatorPort }),
  'Choose another folder: USER_DIR=/another/folder npm start',
);
if (userDir.usesPort(emulatorPort)) await requireFree(emulatorPort, 'EMULATOR_PORT', 'the emulator');
if (process.argv.includes('--build') && !plainly(build)) process.exit(1);
const { Emulator } = createRequire(import.meta.url)('../dist/src/emulator/index.js');
const memory = await Emulator.start({ host: HOST, port: 0 });

const red = createRequire(import.meta.url).resolve('node-red/red.js');
const child = spawn(
  process.execPath,
  [red, '--userDir', userDir.path, '--settings', join(userDir.path, 'settings.js')],
  { stdio: 'inherit', env: { ...process.env, CONTEXT_PORT: String(memory.port) } },
);
let stopping = false;
const stop = (signal) => {
  stopping = true;
  // On Windows Ctrl-C has reached Node-RED already, and kill would not let it end its flows.
  if (process.platform !== 'win32') child.kill(signal);
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
whenParentEnds(() => stop('SIGTERM'));
child.on('exit', (code) => process.exit(stopping ? 0 : (code ?? 1)));

function readPort(name, fallback) {
  const text = process.env[name] || String(fallback);
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 65535) return number;
  fail(`${name} must be a number from 1 to 65535, not "${text}".`);
}

async function requireFree(number, name, what) {
  const server = createServer();
  const error = await new Promise((done) => {
    server.once('error', done);
    server.listen(number, HOST, () => server.close(() => done(undefined)));
  });
  if (error?.code === 'EADDRINUSE') {
    fail(
      `Port ${number} for ${what} is taken by another program. Choose another one: ${name}=${number + 1} npm start`,
    );
  }
  if (error) fail(`Port ${number} for ${what} cannot be used: ${error.message}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
