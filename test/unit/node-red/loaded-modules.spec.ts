/** What a start of Node-RED loads of this package: each module takes a fraction of a millisecond. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../support/node-red';

/** Loads all node files and plugins in a process of its own, as Node-RED does, then these. Returns what has been loaded of the package, and of packages it depends on. */
function loaded(...more: string[]): string[] {
  const { 'node-red': names } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    'node-red': Record<'nodes' | 'plugins', Record<string, string>>;
  };
  const files = [...Object.values(names.nodes), ...Object.values(names.plugins)];
  const program = `
    const { EventEmitter } = require('node:events');
    const { relative, sep } = require('node:path');
    const route = () => undefined;
    const app = { get: route, post: route, put: route, delete: route };
    const [root, count, ...files] = process.argv.slice(1);
    const RED = {
      nodes: { registerType: () => undefined },
      events: new EventEmitter(),
      ...{ httpAdmin: app, httpNode: app, auth: { needsPermission: () => route } },
      ...{ settings: {}, log: console },
    };
    for (const file of files.slice(0, count)) require(root + file)(RED);
    for (const file of files.slice(count)) require(root + file);
    console.log(JSON.stringify(Object.keys(require.cache).map((file) => relative(root, file).split(sep).join('/'))));`;
  const parameters = ['--eval', program, `${ROOT}/`, String(files.length), ...files, ...more];
  return JSON.parse(execFileSync(process.execPath, parameters, { encoding: 'utf8' })) as string[];
}

const rooms = (names: string[]) => names.map((name) => `dist/src/node-red/${name}.js`);

describe('A node that the palette disables and enables', () => {
  it('listens to the start of flows once, although Node-RED loads it again', () => {
    const events = new EventEmitter();
    const route = { get: () => undefined, post: () => undefined };
    const RED = {
      ...{ nodes: { registerType: () => undefined }, events },
      ...{ httpAdmin: route, auth: { needsPermission: () => undefined } },
    };
    const makeNode: (RED: object) => void = require('../../../nodes/statestore-config');
    for (let count = 0; count < 12; count++) makeNode(RED);
    assert.equal(events.listenerCount('flows:started'), 1);
  });

  it('listens once for all emulator nodes', async () => {
    const events = new EventEmitter();
    const types: Record<string, (this: EventEmitter, def: object) => void> = {};
    const RED = {
      ...{ events, settings: {}, _: (key: string) => key },
      nodes: {
        registerType: (name: string, type: (this: EventEmitter, def: object) => void) => {
          types[name] = type;
        },
        createNode: () => undefined,
      },
    };
    const load: (RED: object) => void = require('../../../nodes/statestore-emulator');
    const nodes: EventEmitter[] = [];
    for (let count = 0; count < 3; count++) {
      load(RED);
      const node = Object.assign(new EventEmitter(), {
        ...{ id: `emulator ${count}`, status: () => undefined, error: () => undefined, log: () => undefined },
      });
      nodes.push(node);
      types['statestore-emulator']?.call(node, { host: '127.0.0.1', port: '0' });
    }
    assert.equal(events.listenerCount('flows:started'), 1);
    for (const node of nodes) await new Promise<void>((done) => node.emit('close', true, done));
  });
});

describe('A start of Node-RED', () => {
  it('loads 30 modules of the package at most if no flow uses it, and no package', () => {
    const files = loaded();
    assert.ok(files.length <= 30, `${files.length}: ${files.join(' ')}`);
    assert.deepEqual(
      files.filter((file) => !/^dist\/(nodes|plugins|src)\//.test(file)),
      [],
    );
  });

  it('loads nothing for a set and a get node that they do not use', () => {
    const files = loaded(
      ...rooms(['store/store-node', 'behaviour/set-node', 'behaviour/get-node']),
      'dist/src/mqtt/authenticating-client.js',
    );
    const unused =
      /^dist\/src\/(emulator|storage|context|cli|reference-data)\/|node_modules\/(yaml|csv-parse|mustache)\/|sidebar\/watch|coordination\/(lease|lock|update)/;
    assert.deepEqual(
      files.filter((file) => unused.test(file)),
      [],
    );
    const own = files.filter((file) => file.startsWith('dist/'));
    assert.ok(own.length <= 145, `${own.length} modules`);
  });
});
