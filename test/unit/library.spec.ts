import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const LIBRARY = join(__dirname, '..', '..', 'src', 'index.js');

/** Runs a program, in a process of its own, and returns what it prints as JSON. */
function run(program: string, type: 'commonjs' | 'module'): unknown {
  const parameters = [`--input-type=${type}`, '--eval', program, LIBRARY];
  return JSON.parse(execFileSync(process.execPath, parameters, { encoding: 'utf8' }));
}

describe('The library', () => {
  it('loads the emulator only when a program asks for it', () => {
    const program = `
      const heavy = () => Object.keys(require.cache).filter((file) => /[\\\\/](aedes|yaml|emulator)[\\\\/]/.test(file)).length;
      const { StateStoreClient, Lock, diagnose } = require(process.argv[1]);
      const before = heavy();
      const { Emulator } = require(process.argv[1]);
      console.log(JSON.stringify([before, heavy() > 0, typeof Emulator.start, typeof StateStoreClient]));`;
    assert.deepEqual(run(program, 'commonjs'), [0, true, 'function', 'function']);
  });

  it('has the same names for an ECMAScript module', () => {
    const program = `
      const { createRequire } = await import('node:module');
      const { pathToFileURL } = await import('node:url');
      const imported = await import(pathToFileURL(process.argv[1]));
      const required = createRequire(process.argv[1])(process.argv[1]);
      const names = Object.keys(required).sort();
      console.log(JSON.stringify([names, names.filter((name) => imported[name] !== required[name])]));`;
    const [names, missing] = run(program, 'module') as [string[], string[]];
    assert.ok(['Emulator', 'Rules', 'RulesError', 'StateStoreClient'].every((name) => names.includes(name)));
    assert.deepEqual(missing, []);
  });
});
