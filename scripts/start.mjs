/**
 * Starts a real Node-RED with this package, the emulator and the Quickstart, in a user directory of its own.
 *
 *   PORT           port of the editor (1880)
 *   EMULATOR_PORT  port of the emulator (1883)
 *   USER_DIR       where Node-RED keeps flows and settings (.user-dir beside package.json)
 *
 * The context store "shared" of its settings is on an emulator of its own, which is there before the flows are.
 *
 * "npm start" replaces its shell by this program (exec), because a shell that hears Ctrl-C makes npm end with an error even
 * when this program ends with code 0. Where there is no exec (Windows) it is started by the shell.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const HOST = '127.0.0.1';
const root = fileURLToPath(new URL('..', import.meta.url));
const port = readPort('PORT', 1880);
const emulatorPort = readPort('EMULATOR_PORT', 1883);
const userDir = resolve(process.env.USER_DIR || join(root, '.user-dir'));

await requireFree(port, 'PORT', 'the editor');
await requireFree(emulatorPort, 'EMULATOR_PORT', 'the emulator');
const { Emulator } = createRequire(import.meta.url)('../dist/src/index.js');
const memory = await Emulator.start({ host: HOST, port: 0 });
prepareUserDir();

const red = createRequire(import.meta.url).resolve('node-red/red.js');
const child = spawn(
  process.execPath,
  [red, '--userDir', userDir, '--settings', join(userDir, 'settings.js')],
  {
    stdio: 'inherit',
  },
);
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopping = true;
    child.kill(signal);
  });
}
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

function prepareUserDir() {
  const installed = join(userDir, 'node_modules', '@edgestate', 'node-red-statestore');
  mkdirSync(dirname(installed), { recursive: true });
  rmSync(installed, { recursive: true, force: true });
  symlinkSync(root, installed, 'junction');

  const flows = join(userDir, 'flows.json');
  if (!existsSync(flows)) writeFileSync(flows, quickstart());
  writeFileSync(join(userDir, 'settings.js'), settings());
}

/** Made once for this user directory; Node-RED encrypts credentials with it. */
function credentialSecret() {
  const file = join(userDir, 'credential-secret');
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

/** The example as it is imported from the menu, on the emulator's port. */
function quickstart() {
  const nodes = JSON.parse(readFileSync(join(root, 'examples', '01 Quickstart.json'), 'utf8'));
  for (const node of nodes) {
    if (node.type === 'statestore-emulator' || node.type === 'statestore-config') node.port = emulatorPort;
  }
  return JSON.stringify(nodes, null, 2);
}

function settings() {
  return `// Written by "npm start" each time.
const ERROR = 20;
const WARN = 30;
module.exports = {
  uiHost: '${HOST}',
  uiPort: ${port},
  flowFile: 'flows.json',
  flowFilePretty: true,
  telemetry: { enabled: false },
  editorTheme: { tours: false },
  credentialSecret: ${JSON.stringify(credentialSecret())},
  contextStorage: {
    default: 'memory',
    memory: { module: 'memory' },
    shared: {
      module: require('@edgestate/node-red-statestore/context'),
      config: { host: '${HOST}', port: ${memory.port} },
    },
  },
  logging: {
    console: { level: 'off' },
    // What the debug nodes say, word for word, and everything that needs attention.
    plain: { level: 'info', handler: () => (entry) => {
      const text = entry.msg?.message ?? entry.msg;
      if (entry.type === 'debug') console.log(text);
      else if (entry.level <= WARN && entry.type) console.error(\`[\${entry.type}:\${entry.name || entry.id}] \${text}\`);
      else if (entry.level <= ERROR) console.error(text);
      else if (/Server now running/.test(text)) console.log('Node-RED is ready at http://${HOST}:${port} (Ctrl-C stops it)');
    } },
  },
};
`;
}
