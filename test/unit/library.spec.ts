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
  it('loads MQTT.js only for a connection, and the emulator only when a program asks for it', () => {
    const program = `
      const { join, sep } = require('node:path');
      const loaded = (folder) => Object.keys(require.cache).some((file) => file.includes(join(sep, folder, sep)));
      const heavy = () => ['node_modules/mqtt', 'node_modules/yaml', 'src/emulator'].filter(loaded);
      const { StateStoreClient, Lock, diagnose } = require(process.argv[1]);
      const steps = [heavy()];
      const client = new StateStoreClient({ host: '127.0.0.1', port: 1 });
      client.on('state', ({ kind }) => {
        if (kind !== 'disconnected') return;
        steps.push(heavy());
        const { Emulator } = require(process.argv[1]);
        console.log(JSON.stringify([...steps, typeof Emulator.start, heavy().includes('src/emulator')]));
        void client.close();
      });
      client.open();`;
    assert.deepEqual(run(program, 'commonjs'), [[], ['node_modules/mqtt'], 'function', true]);
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
