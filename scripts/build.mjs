/** Compiles the TypeScript into dist/ and puts the files the editor loads beside the compiled nodes. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

rmSync('dist', { recursive: true, force: true });
compile('tsconfig.json');
compile('tsconfig.types.json');
keepPublicTypes();
cpSync('nodes', 'dist/nodes', { recursive: true, filter: (source) => !source.endsWith('.ts') });
const { bin } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const command of Object.values(bin)) chmodSync(command, 0o755);

function compile(project) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { stdio: 'inherit' });
}

/** Deletes the declarations that those of the library do not lead to: nobody can import them. */
function keepPublicTypes() {
  const kept = new Set();
  const keep = (file) => {
    if (kept.has(file) || !existsSync(file)) return;
    kept.add(file);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\..+?)['"]/g)) {
      keep(join(dirname(file), `${target}.d.ts`));
    }
  };
  keep(join('dist', 'src', 'index.d.ts'));
  for (const name of readdirSync('dist', { recursive: true })) {
    const file = join('dist', name);
    if (file.endsWith('.d.ts') && !kept.has(file)) rmSync(file);
  }
}
