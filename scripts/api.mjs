/** The reference of the library, made from the types and their comments: npm run api writes dist/api. Warnings are errors. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('./typedoc/', import.meta.url));
const typedoc = fileURLToPath(new URL('./typedoc/node_modules/typedoc/bin/typedoc', import.meta.url));

// TypeDoc needs a TypeScript with an interface for programs, so it has a folder of its own.
if (!existsSync(typedoc)) {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
}
const more = process.argv.slice(2);
process.exitCode =
  spawnSync(process.execPath, [typedoc, '--options', 'typedoc.json', ...more], {
    cwd: folder,
    stdio: 'inherit',
  }).status ?? 1;
