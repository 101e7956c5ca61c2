/** A program that uses every entry of the package, bundled into one file by the usual tools. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import nodeResolve from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { rollup } from 'rollup';
import { ROOT } from '../support/node-red';

const run = promisify(execFile);

const PROGRAM = `
  import { StateStoreClient } from '@edgestate/node-red-statestore';
  import { Lock, update } from '@edgestate/node-red-statestore/coordination';
  import { Emulator } from '@edgestate/node-red-statestore/emulator';
  import contextStore from '@edgestate/node-red-statestore/context';

  const emulator = await Emulator.start({ port: 0 });
  const store = new StateStoreClient({ port: emulator.port });
  const lock = new Lock(store, 'robot/lock');
  const held = await lock.withLock(async ({ held }) => held);
  const { value } = await update(store, 'count', (before) => String(Number(before ?? 0) + 1));
  await store.close();
  await emulator.close();
  console.log(JSON.stringify([held, String(value), typeof contextStore]));
`;

describe('A program with this package', () => {
  let directory: string;
  let program: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bundle-'));
    const installed = join(directory, 'node_modules', '@edgestate', 'node-red-statestore');
    mkdirSync(dirname(installed), { recursive: true });
    symlinkSync(ROOT, installed, 'dir');
    program = join(directory, 'program.mjs');
    writeFileSync(program, PROGRAM);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  /** Runs a bundle far from any node_modules, and returns the line it prints. */
  async function output(bundle: string): Promise<unknown> {
    const alone = mkdtempSync(join(tmpdir(), 'alone-'));
    try {
      cpSync(bundle, alone, { recursive: true });
      const { stdout, stderr } = await run(process.execPath, [join(alone, 'program.mjs')], {
        timeout: 20_000,
      });
      assert.equal(stderr, '');
      return JSON.parse(stdout);
    } finally {
      rmSync(alone, { recursive: true, force: true });
    }
  }

  it('runs when esbuild made one file of it', async () => {
    const outdir = join(directory, 'esbuild');
    await esbuild.build({
      entryPoints: [program],
      outdir,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      // The usual line for CommonJS packages in an ECMAScript module.
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
      logLevel: 'silent',
    });
    assert.deepEqual(await output(outdir), [true, '1', 'function']);
  });

  it('runs when rollup made chunks of it', async () => {
    const dir = join(directory, 'rollup');
    const bundle = await rollup({
      input: program,
      plugins: [nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }), commonjs(), json()],
      onLog: () => undefined,
    });
    await bundle.write({
      dir,
      format: 'esm',
      entryFileNames: '[name].mjs',
      chunkFileNames: '[name]-[hash].mjs',
    });
    await bundle.close();
    assert.deepEqual(await output(dir), [true, '1', 'function']);
  });
});
