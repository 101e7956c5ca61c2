/**
 * Builds the package and starts Node-RED as "npm start" does, and again whenever a file changes that Node-RED has loaded. A change that
 * does not compile is reported, and Node-RED continues with its code. PORT, EMULATOR_PORT and USER_DIR: scripts/start.mjs.
 */
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildChanges } from './compile.mjs';
import { whenParentEnds } from './parent.mjs';
import { plainly } from './plainly.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What Node-RED loads is in these. */
const FOLDERS = ['nodes', 'plugins', 'src', 'browser'];
/** An editor may write a file in several steps, in milliseconds. */
const QUIET_MS = 50;

let nodeRed;
let stopping = false;
/** The work of all changes so far, one after the other. */
let work = Promise.resolve();
const changed = new Set();
let timer;

if (!plainly(buildChanges)) process.exit(1);
start();
for (const folder of FOLDERS) {
  watch(join(root, folder), { recursive: true }, (_event, name) => onChange(folder, String(name)));
}
const stop = (signal) => {
  stopping = true;
  if (!nodeRed) process.exit(0);
  nodeRed.once('exit', () => process.exit(0));
  if (process.platform !== 'win32') nodeRed.kill(signal);
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
whenParentEnds(() => stop('SIGTERM'));

function start() {
  const started = spawn(process.execPath, [join(root, 'scripts', 'start.mjs')], { stdio: 'inherit' });
  nodeRed = started;
  started.once('exit', () => {
    if (nodeRed === started) nodeRed = undefined;
  });
}

function onChange(folder, name) {
  changed.add(join(folder, name));
  clearTimeout(timer);
  timer = setTimeout(() => {
    const files = [...changed];
    changed.clear();
    work = work.then(() => take(files));
  }, QUIET_MS);
}

async function take(files) {
  if (stopping || !buildChanges()) return;
  console.log(`${files.join(', ')} changed: Node-RED restarts`);
  const old = nodeRed;
  if (old) {
    const exited = new Promise((done) => old.once('exit', done));
    old.kill();
    await exited;
  }
  if (!stopping) start();
}
