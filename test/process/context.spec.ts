/** The context store in real Node-RED instances: two of them share their context. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator/index';
import { openStore, until } from '../support/context';
import { Lines, NodeRed, newUserDir, ROOT } from '../support/node-red';
import { VERSIONS } from '../support/node-red-versions';
import { freePort } from '../support/ports';

const MODULE = "require('@edgestate/node-red-statestore/context')";

function storage(port: number, more = ''): string {
  return `{
    default: 'memory',
    memory: { module: 'memory' },
    files: { module: 'localfilesystem' },
    shared: { module: ${MODULE}, config: { host: '127.0.0.1', port: ${port}${more} } },
  }`;
}

/** A flow whose inject nodes run one function each; what these warn of is in the log. */
function flow(functions: Record<string, string>, extra: object[] = []): object[] {
  return [
    { id: 'tab', type: 'tab', label: 'context' },
    ...Object.entries(functions).flatMap(([name, func]) => [
      { ...inject(`run-${name}`), wires: [[name]] },
      { id: name, type: 'function', z: 'tab', x: 1, y: 1, func, outputs: 1, wires: [[]] },
    ]),
    ...extra,
  ];
}

function inject(id: string): object {
  return {
    id,
    type: 'inject',
    z: 'tab',
    x: 1,
    y: 1,
    props: [{ p: 'payload' }],
    payload: '',
    payloadType: 'date',
  };
}

const CHANGE = [
  { ...inject('run-change'), wires: [['change']] },
  {
    ...{ id: 'change', type: 'change', z: 'tab', x: 1, y: 1, wires: [[]] },
    rules: [{ t: 'set', p: '#:(shared)::x', pt: 'global', to: '{"set":"by change"}', tot: 'json' }],
  },
];

const LOOK = `node.warn('B sees ' + JSON.stringify(global.get('x', 'shared')));`;

for (const [version, optionsOf] of Object.entries(VERSIONS)) {
  describe(`The context store in Node-RED ${version}`, () => {
    let emulator: Emulator;
    const directories: string[] = [];
    const running: NodeRed[] = [];

    before(async () => {
      emulator = await Emulator.start({ port: 0 });
    });
    afterEach(async () => {
      await Promise.all(running.splice(0).map((one) => one.end('SIGTERM')));
    });
    after(async () => {
      await emulator.close();
      for (const directory of directories) rmSync(directory, { recursive: true, force: true });
    });

    const start = async (prefix: string, userDir = newUserDir()) => {
      directories.push(userDir);
      const contextStorage = storage(emulator.port, `, prefix: '${prefix}'`);
      const settings = { functionGlobalContext: { seed: 'from settings' } };
      const red = await NodeRed.start({ ...optionsOf(), userDir, contextStorage, settings });
      running.push(red);
      return red;
    };

    it('shows in a function node of one what a change node of another one set', async () => {
      const [a, b] = await Promise.all([start('change'), start('change')]);
      await a.deploy(flow({}, CHANGE));
      await b.deploy(
        flow({
          look: LOOK,
          mine: `global.set('own', 1); global.set('kept', 2, 'files'); node.warn(JSON.stringify([global.get('own'), global.get('own', 'shared'), global.get('kept', 'files'), global.get('seed'), global.get('seed', 'shared')]));`,
        }),
      );
      await a.inject('run-change');
      for (;;) {
        const after = b.lines.all.length;
        await b.inject('run-look');
        if (/by change/.test(await b.lines.find(/B sees/, after))) break;
      }
      // Next to other stores, and to what settings.js gives.
      await b.inject('run-mine');
      await b.lines.find(/\[1,null,2,"from settings","from settings"\]/);
    });

    it('is shown, refreshed and deleted by the context sidebar', async () => {
      const red = await start('sidebar');
      await red.deploy(
        flow({ set: `global.set(['x', 'y.z'], [1, [true]], 'shared', () => node.warn('all set'));` }),
      );
      await red.inject('run-set');
      await red.lines.find(/all set/);
      const context = (path: string) => red.api<Record<string, unknown>>('GET', `/context/${path}`);
      const all = await context('global?store=shared');
      assert.deepEqual(Object.keys(all.shared as object).sort(), ['x', 'y']);
      assert.deepEqual(await context('global/x?store=shared'), {
        msg: '1',
        format: 'number',
        store: 'shared',
      });
      await red.api('DELETE', '/context/global/x?store=shared');
      assert.deepEqual(Object.keys((await context('global?store=shared')).shared as object), ['y']);
      const other = await openStore(emulator.port, { prefix: 'sidebar' });
      assert.deepEqual(other.keys('global'), ['y']);
      await other.close();
    });

    it('loses nothing that was called back when its Node-RED is killed', async () => {
      const userDir = newUserDir();
      const red = await start('kill', userDir);
      await red.deploy(
        flow({
          set: `let left = 300;
            for (let n = 0; n < 300; n++) flow.set('k' + n, { n }, 'shared', (error) => {
              if (error) node.error(error);
              else if (--left === 0) node.warn('all called back');
            });`,
          look: `const all = flow.keys('shared'); node.warn('there are ' + all.filter((key) => flow.get(key, 'shared').n === Number(key.slice(1))).length);`,
        }),
      );
      await red.inject('run-set');
      await red.lines.find(/all called back/);
      await red.end('SIGKILL');
      const other = await openStore(emulator.port, { prefix: 'kill' });
      assert.equal(other.keys('tab')?.length, 300);
      assert.ok(
        (other.keys('tab') ?? []).every((key) => other.get('tab', `${key}.n`) === Number(key.slice(1))),
      );
      await other.close();
      const again = await start('kill', userDir);
      await again.inject('run-look');
      await again.lines.find(/there are 300/);
    });

    it('writes what is pending when its Node-RED is stopped', async () => {
      const red = await start('stop');
      await red.deploy(
        flow({
          set: `for (let round = 0; round < 10; round++) for (let n = 0; n < 200; n++) global.set('k' + n, round, 'shared');
            node.warn('all set');`,
        }),
      );
      await red.inject('run-set');
      await red.lines.find(/all set/);
      await red.end('SIGTERM');
      const other = await openStore(emulator.port, { prefix: 'stop' });
      assert.equal(other.keys('global')?.length, 200);
      assert.ok((other.keys('global') ?? []).every((key) => other.get('global', key) === 9));
      await other.close();
    });

    it('cleans what a deploy took away, and nothing of another Node-RED', async () => {
      const userDir = newUserDir();
      const [a, b] = await Promise.all([start('clean', userDir), start('clean')]);
      const witness = await openStore(emulator.port, { prefix: 'clean' });
      const remember = (id: string) => [
        { id, type: 'tab', label: id },
        { ...inject(`run-${id}`), z: id, wires: [[`set-${id}`]] },
        {
          ...{ id: `set-${id}`, type: 'function', z: id, x: 1, y: 1, outputs: 1, wires: [[]] },
          func: `flow.set('x', 1, 'shared'); context.set('y', 1, 'shared');`,
        },
      ];
      await a.deploy([...remember('tabA1'), ...remember('tabA2')]);
      await b.deploy(remember('tabB'));
      for (const id of ['tabA1', 'tabA2']) await a.inject(`run-${id}`);
      await b.inject('run-tabB');
      const scopes = ['tabA1', 'set-tabA1:tabA1', 'tabA2', 'set-tabA2:tabA2', 'tabB', 'set-tabB:tabB'];
      const there = () => scopes.filter((scope) => (witness.keys(scope)?.length ?? 0) > 0);
      await until(() => there().length === 6);
      await a.deploy(remember('tabA1'));
      await until(() => there().length === 4);
      await b.deploy(remember('tabB'), 'full');
      await a.deploy(remember('tabA1'), 'full');
      assert.deepEqual(there(), ['tabA1', 'set-tabA1:tabA1', 'tabB', 'set-tabB:tabB']);
      // What was there when Node-RED started, and was not touched since, is its own as well.
      await a.end('SIGTERM');
      const again = await start('clean', userDir);
      await again.deploy(remember('tabA2'));
      await until(() => there().length === 2);
      assert.deepEqual(there(), ['tabB', 'set-tabB:tabB']);
      await witness.close();
    });
  });
}

describe('Node-RED does not start', () => {
  /** Its output until it ends without a signal. */
  async function startInVain(contextStorage: string): Promise<{ lines: string[]; code: unknown }> {
    const userDir = newUserDir();
    const settings = join(userDir, 'settings.js');
    writeFileSync(
      settings,
      `module.exports = { uiPort: ${await freePort()}, uiHost: '127.0.0.1', telemetry: { enabled: false }, contextStorage: ${contextStorage} };`,
    );
    const red = join(ROOT, 'node_modules', 'node-red', 'red.js');
    const child = spawn(process.execPath, [red, '--userDir', userDir, '--settings', settings]);
    const lines = new Lines(child);
    // Without a signal: a remaining timer or connection would keep the process alive.
    const [code] = await once(child, 'exit');
    rmSync(userDir, { recursive: true, force: true });
    return { lines: lines.all, code };
  }

  for (const [name, config, words] of [
    [
      'an unknown option',
      '{ prefx: "a" }',
      /option prefx of the context store is unknown\. Valid options: from, prefix/,
    ],
    [
      'a wrong port',
      '{ port: 99999 }',
      /option port of the context store must be a whole number from 1 to 65535, not 99999/,
    ],
    [
      'a wrong kind of value',
      '{ host: 5 }',
      /option host of the context store must be of type string, not number/,
    ],
    ['an environment that lacks its variables', "{ from: 'environment' }", /AIO_BROKER_HOSTNAME is missing/],
    [
      'a store that cannot be reached',
      '{ host: "127.0.0.1", port: 1, startTimeout: 1500 }',
      /context store at 127\.0\.0\.1:1 could not be loaded within the startTimeout of 1500 ms, so Node-RED does not start: .*127\.0\.0\.1:1/,
    ],
  ] as const) {
    it(`with ${name}, reports it in one line and ends with exit code 1`, async () => {
      const { lines, code } = await startInVain(`{ shared: { module: ${MODULE}, config: ${config} } }`);
      assert.equal(lines.filter((line) => words.test(line)).length, 1, lines.join('\n'));
      assert.ok(!lines.some((line) => /Started flows|Server now running/.test(line)));
      assert.equal(code, 1, 'so that a supervisor starts it again');
    });
  }
});
