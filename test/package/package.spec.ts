/** The package as a user gets it: packed, installed from its tarball into an empty user directory, run. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Emulator } from '../../src/emulator/index';
import { dashboardModules, hasDashboard } from '../support/dashboard';
import { exampleNames, exampleStorage, needsDashboard, runExample } from '../support/examples';
import { NodeRed, type NodeRedOptions, ROOT } from '../support/node-red';
import { VERSIONS } from '../support/node-red-versions';

const run = promisify(execFile);
const ALLOWED =
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$|^(dist\/nodes|dist\/plugins|dist\/src|examples|resources)\//;
/** Source maps and pictures. Pages are read in the repository, where README and help lead. */
const LEFT_OUT = /\.map$|\.ts$(?<!^dist\/src\/.*\.d\.ts)|\.png$/;
/** Most bytes of the tarball: a map or a picture that slips in is more. */
const MOST_BYTES = 460_000;

interface Manifest {
  name: string;
  version: string;
  keywords: string[];
  license: string;
  author: string;
  homepage: string;
  bugs: { url: string };
  repository: { url: string };
  engines: { node: string };
  bin: Record<string, string>;
  dependencies: Record<string, string>;
  'node-red': { version: string; nodes: Record<string, string>; plugins: Record<string, string> };
}

describe('The packed package', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  let directory: string;
  let tarball: string;
  /** A user directory in which the tarball is installed as Node-RED's palette manager does. */
  let installed: string;
  let files: string[];
  let bytes: number;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'package-'));
    const { stdout } = await run(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--pack-destination', directory],
      { cwd: ROOT },
    );
    const result = JSON.parse(stdout) as unknown;
    const [packed] = (Array.isArray(result) ? result : Object.values(result as object)) as [
      { filename: string; size: number; files: { path: string }[] },
    ];
    tarball = join(directory, packed.filename);
    bytes = packed.size;
    files = packed.files.map(({ path }) => path);
    installed = join(directory, 'installed');
    mkdirSync(installed);
    writeFileSync(join(installed, 'package.json'), '{ "name": "node-red-project", "private": true }');
    await run('npm', ['install', '--no-audit', '--no-fund', '--omit=dev', '--prefer-offline', tarball], {
      cwd: installed,
    });
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('carries what is needed and nothing else', () => {
    assert.deepEqual(
      files.filter((file) => !ALLOWED.test(file) || LEFT_OUT.test(file)),
      [],
    );
    assert.ok(bytes <= MOST_BYTES, `${bytes} bytes`);
    for (const script of Object.values(manifest['node-red'].nodes)) {
      const name = script.replace(/^dist\/nodes\/|\.js$/g, '');
      for (const file of [
        script,
        `dist/nodes/${name}.html`,
        ...['en-US', 'de', 'ja', 'zh-CN'].flatMap((language) =>
          ['json', 'html'].map((end) => `dist/nodes/locales/${language}/${name}.${end}`),
        ),
      ]) {
        assert.ok(files.includes(file), `${file} is not packed`);
      }
    }
    for (const script of Object.values(manifest['node-red'].plugins)) {
      const name = script.replace(/^dist\/plugins\/|\.js$/g, '');
      const page = script.replace(/js$/, 'html');
      const loaded = [
        ...readFileSync(join(ROOT, page), 'utf8').matchAll(/src="resources\/[^/]+\/[^/]+\/([^"]+)"/g),
      ];
      const texts = ['en-US', 'de', 'ja', 'zh-CN'].map(
        (language) => `dist/plugins/locales/${language}/${name}.json`,
      );
      assert.ok(loaded.length > 0);
      for (const file of [script, page, ...texts, ...loaded.map(([, path]) => `resources/${path}`)])
        assert.ok(files.includes(file), `${file} is not packed`);
    }
    for (const file of Object.values(manifest.bin)) assert.ok(files.includes(file), `${file} is not packed`);
    for (const file of ['LICENSE', 'README.md', 'resources/editor.js']) {
      assert.ok(files.includes(file), `${file} is not packed`);
    }
  });

  it('has what the Flow Library asks for', () => {
    assert.match(manifest.name, /^@/);
    assert.equal(manifest.license, 'Apache-2.0');
    assert.ok(manifest.repository.url);
    assert.ok(manifest.homepage && manifest.bugs.url);
    assert.equal(manifest.author, 'The node-red-statestore authors');
    assert.match(
      readFileSync(join(ROOT, 'LICENSE'), 'utf8'),
      /Copyright \d{4} The node-red-statestore authors/,
    );
    assert.ok(manifest.keywords.includes('node-red'));
    assert.equal(manifest['node-red'].version, '>=4.1.0');
    assert.equal(manifest.engines.node, '>=20.19');
    assert.ok(Object.keys(manifest.dependencies).length <= 6);
    const examples = files
      .filter((file) => file.startsWith('examples/'))
      .map((file) => readFileSync(join(ROOT, file), 'utf8'));
    for (const type of Object.keys(manifest['node-red'].nodes).filter((one) => one !== 'statestore-config')) {
      assert.ok(
        examples.some((text) => text.includes(`"${type}"`)),
        `no example uses ${type}`,
      );
    }
  });

  for (const [tool, ...options] of [
    ['publint', '--strict'],
    ['attw', '--format', 'ascii', '--no-color'],
  ] as const) {
    it(`has nothing that ${tool} finds fault with`, async () => {
      const program = join(ROOT, 'node_modules', '.bin', tool);
      await run(program, [...options, tarball]).catch(({ stdout, stderr }) => assert.fail(stdout + stderr));
    });
  }

  it('registers in the editor what it registers in the runtime, by literal names', () => {
    for (const [type, script] of Object.entries(manifest['node-red'].nodes)) {
      const registered = (file: string) =>
        [...readFileSync(join(ROOT, file), 'utf8').matchAll(/RED\.nodes\.registerType\('([^']+)'/g)].map(
          (match) => match[1],
        );
      assert.deepEqual(registered(script), [type]);
      assert.deepEqual(registered(script.replace(/js$/, 'html')), [type]);
    }
  });

  it('is described as it is: the README knows every node and every example', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    for (const type of Object.keys(manifest['node-red'].nodes)) {
      const texts = JSON.parse(readFileSync(join(ROOT, `nodes/locales/en-US/${type}.json`), 'utf8'));
      const name = type === 'statestore-config' ? type : texts[type].paletteLabel;
      assert.ok(readme.includes(`| \`${name}\` |`), `the table of nodes lacks ${name}`);
    }
    for (const example of exampleNames())
      assert.ok(readme.includes(`| ${example} |`), `no word of ${example}`);
  });

  it('is locked to no download address', () => {
    const tests = ['dashboard', 'node-red-5', 'scorecard'].map((name) => join('test', name));
    for (const folder of ['.', 'bench/redis-nodes', 'scripts/typedoc', ...tests]) {
      const file = join(folder, 'package-lock.json');
      assert.doesNotMatch(readFileSync(join(ROOT, file), 'utf8'), /"resolved"/);
    }
  });

  /** Runs every example with the package from the tarball. */
  async function runExamples(options: NodeRedOptions, expectedVersion: RegExp): Promise<void> {
    const userDir = mkdtempSync(join(directory, 'user-'));
    cpSync(installed, userDir, { recursive: true, verbatimSymlinks: true });
    // Its settings.js requires the context store from the tarball.
    const emulator = await Emulator.start({ port: 0 });
    const nodeRed = await NodeRed.start({
      ...options,
      ...{ userDir, modules: dashboardModules(), contextStorage: exampleStorage(emulator.port) },
    });
    try {
      await nodeRed.lines.find(expectedVersion);
      const names = exampleNames().filter((name) => !needsDashboard(name) || hasDashboard());
      for (const name of names) await runExample(nodeRed, name);
      const nodes = await nodeRed.api<{ module: string; types: string[]; err?: string }[]>('GET', '/nodes');
      const ours = nodes.filter(({ module }) => module === manifest.name);
      assert.deepEqual(
        ours.flatMap(({ types }) => types).sort(),
        Object.keys(manifest['node-red'].nodes).sort(),
      );
      assert.deepEqual(
        ours.filter(({ err }) => err),
        [],
      );
      const shared = await nodeRed.api<{ shared?: object }>('GET', '/context/global?store=shared');
      assert.deepEqual(Object.keys(shared.shared ?? {}), ['line1']);
      const plugins = await nodeRed.api<{ module: string; id: string; err?: string }[]>('GET', '/plugins');
      assert.deepEqual(
        plugins.filter(({ module }) => module === manifest.name).map(({ id, err }) => [id, err]),
        Object.keys(manifest['node-red'].plugins).map((name) => [`${manifest.name}/${name}`, undefined]),
      );
    } finally {
      await nodeRed.stop();
      await emulator.close();
    }
  }

  for (const [version, options] of Object.entries(VERSIONS)) {
    it(`runs every example in Node-RED ${version}`, () =>
      runExamples(options(), new RegExp(`Node-RED version: v${version.replace('.', '\\.')}\\.`)));
  }
});
