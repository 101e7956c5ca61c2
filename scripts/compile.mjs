/** Compiles the TypeScript into dist/ and puts the files the editor loads beside the compiled nodes. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** All of it, from scratch. Says whether it could be built; why not stands on the terminal. */
export function build() {
  process.chdir(root);
  rmSync('dist', { recursive: true, force: true });
  const built = compile('tsconfig.json') && compile('tsconfig.types.json') && compile('browser');
  if (!built) return false;
  bundle();
  keepPublicTypes();
  copyRest();
  return true;
}

/** What Node-RED loads, and of that only what has changed since the last time. No declarations, and nothing is removed. */
export function buildChanges() {
  process.chdir(root);
  if (!compile('tsconfig.dev.json') || !compile('browser')) return false;
  bundle();
  copyRest();
  return true;
}

function compile(project) {
  const tsc = ['node_modules/typescript/bin/tsc', '-p', project];
  return spawnSync(process.execPath, tsc, { stdio: 'inherit' }).status === 0;
}

/** The scripts of the editor, where Node-RED serves them from: one classic script for the dialogs, one module for the sidebar. */
function bundle() {
  rmSync('resources', { recursive: true, force: true });
  const options = { bundle: true, minify: true, target: 'es2022', charset: 'utf8', legalComments: 'none' };
  buildSync({
    ...options,
    entryPoints: ['browser/dialogs/index.ts'],
    format: 'iife',
    outfile: 'resources/editor.js',
  });
  buildSync({
    ...options,
    entryPoints: ['browser/sidebar/index.ts'],
    format: 'esm',
    outfile: 'resources/sidebar.js',
  });
}

function copyRest() {
  for (const folder of ['nodes', 'plugins'])
    cpSync(folder, join('dist', folder), { recursive: true, filter: (source) => !source.endsWith('.ts') });
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const command of Object.values(bin)) chmodSync(command, 0o755);
}

/** Deletes the declarations that the declarations of the library do not need: no program can import them. */
function keepPublicTypes() {
  const kept = new Set();
  const keep = (file) => {
    if (kept.has(file) || !existsSync(file)) return;
    kept.add(file);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\..+?)['"]/g)) {
      keep(join(dirname(file), `${target}.d.ts`));
    }
  };
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const { types } of Object.values(exports)) if (types) keep(join(types));
  for (const name of readdirSync('dist', { recursive: true })) {
    const file = join('dist', name);
    if (file.endsWith('.d.ts') && !kept.has(file)) rmSync(file);
  }
}
