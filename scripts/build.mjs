/** Compiles the TypeScript into dist/ and puts the files the editor loads beside the compiled nodes. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], { stdio: 'inherit' });
cpSync('nodes', 'dist/nodes', { recursive: true, filter: (source) => !source.endsWith('.ts') });
const { bin } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const command of Object.values(bin)) chmodSync(command, 0o755);
