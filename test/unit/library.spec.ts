import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/node-red';

const ENTRIES = ['index', 'coordination/index', 'emulator/index', 'context/index'];
const fileOf = (entry: string) => join(ROOT, 'dist', 'src', `${entry}.js`);

/** Runs a program, in a process of its own, and returns what it prints as JSON. */
function run(program: string, type: 'commonjs' | 'module', entry: string): unknown {
  const parameters = [`--input-type=${type}`, '--eval', program, fileOf(entry)];
  return JSON.parse(execFileSync(process.execPath, parameters, { encoding: 'utf8' }));
}

describe('The library', () => {
  it('loads MQTT.js only for a connection, and never the emulator or coordination', () => {
    const program = `
      const { createServer } = require('node:net');
      const { join, sep } = require('node:path');
      const loaded = (folder) => Object.keys(require.cache).some((file) => file.includes(join(sep, folder, sep)));
      const heavy = () =>
        ['node_modules/mqtt', 'node_modules/yaml', 'src/emulator', 'src/coordination'].filter(loaded);
      const { StateStoreClient } = require(process.argv[1]);
      const steps = [heavy()];
      const server = createServer((socket) => socket.once('data', () => socket.destroy()));
      server.listen(0, '127.0.0.1', () => {
        const client = new StateStoreClient({ host: '127.0.0.1', port: server.address().port });
        steps.push(heavy());
        client.on('state', ({ kind }) => {
          if (kind !== 'disconnected') return;
          console.log(JSON.stringify([...steps, heavy()]));
          void client.close();
          server.close();
        });
        client.open();
      });`;
    assert.deepEqual(run(program, 'commonjs', 'index'), [[], [], ['node_modules/mqtt']]);
  });

  it('loads no emulator when an ECMAScript module imports its root', () => {
    const program = `
      const { createRequire } = await import('node:module');
      const { pathToFileURL } = await import('node:url');
      await import(pathToFileURL(process.argv[1]));
      const { dirname, relative } = await import('node:path');
      const { cache } = createRequire(process.argv[1]);
      const files = Object.keys(cache).map((file) => relative(dirname(process.argv[1]), file));
      console.log(JSON.stringify(files.filter((file) => /emulator|yaml/.test(file))));`;
    assert.deepEqual(run(program, 'module', 'index'), []);
  });

  for (const entry of ENTRIES.slice(0, 3)) {
    it(`has the same names for an ECMAScript module: ${entry}`, () => {
      const program = `
        const { createRequire } = await import('node:module');
        const { pathToFileURL } = await import('node:url');
        const imported = await import(pathToFileURL(process.argv[1]));
        const required = createRequire(process.argv[1])(process.argv[1]);
        const names = Object.keys(required).sort();
        console.log(JSON.stringify([names.length, names.filter((name) => imported[name] !== required[name])]));`;
      const [count, missing] = run(program, 'module', entry) as [number, string[]];
      assert.ok(count > 0);
      assert.deepEqual(missing, []);
    });
  }

  it('exports no two things of the same name', () => {
    const names = ENTRIES.slice(0, 3).flatMap((entry) => {
      const text = readFileSync(join(ROOT, 'src', `${entry}.ts`), 'utf8');
      const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
        list.split(','),
      );
      return lists.map((name) => name.trim().replace(/^type |^\w+ as /g, '')).filter((name) => name !== '');
    });
    assert.ok(names.includes('StateStoreClient') && names.includes('Emulator') && names.includes('Lock'));
    assert.deepEqual(
      names.filter((name, at) => names.indexOf(name) !== at),
      [],
    );
  });

  it('keeps what is internal out of its declarations', () => {
    const declarations = readdirSync(join(ROOT, 'dist', 'src'), { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.d.ts'),
    );
    const wrong = declarations.filter((file) =>
      readFileSync(join(ROOT, 'dist', 'src', file), 'utf8').includes('@internal'),
    );
    assert.deepEqual(wrong, []);
    const client = readFileSync(join(ROOT, 'dist', 'src', 'client', 'state-store-client.d.ts'), 'utf8');
    assert.doesNotMatch(client, /get ends/);
  });
});
