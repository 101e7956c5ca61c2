/** Which part may import which: docs/dev/architecture.md. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { hexOf, ReasonCode } from '../../src/reason-codes';
import { ROOT } from '../support/node-red';

/** What a part may import: other parts, and packages from npm. Node's own modules are free to all but the protocol. */
const ALLOWED: Record<string, { parts: string[]; packages: string[] }> = {
  'src/protocol': { parts: [], packages: [] },
  'src/mqtt': { parts: [], packages: ['mqtt'] },
  'src/reference-data': { parts: [], packages: ['csv-parse/sync'] },
  'src/health': { parts: ['src/client'], packages: [] },
  // Only if the user installed it.
  'src/client': { parts: ['src/protocol', 'src/mqtt'], packages: ['@opentelemetry/api'] },
  'src/cli': {
    parts: ['src/coordination', 'src/client', 'src/protocol', 'src/reference-data', 'src/storage'],
    packages: [],
  },
  'src/coordination': { parts: ['src/client', 'src/protocol'], packages: [] },
  'src/context': { parts: ['src/health', 'src/coordination', 'src/client', 'src/protocol'], packages: [] },
  'src/storage': { parts: ['src/health', 'src/coordination', 'src/client'], packages: [] },
  'src/emulator': { parts: ['src/protocol', 'src/mqtt'], packages: ['yaml'] },
  'src/node-red': {
    parts: [
      ...['src/health', 'src/coordination', 'src/client', 'src/mqtt', 'src/protocol', 'src/emulator'],
      'src/reference-data',
    ],
    // Types of the requests that Node-RED hands on.
    packages: ['node-red', 'mustache', 'express'],
  },
  plugins: { parts: ['src/node-red'], packages: ['node-red'] },
  // Types alone.
  browser: { parts: ['src/node-red'], packages: ['node-red', '@node-red/editor-client'] },
  nodes: {
    parts: ['src/node-red', 'src/coordination', 'src/client', 'src/protocol', 'src/emulator'],
    packages: ['node-red'],
  },
};

/** The rooms of src/node-red. Each may import the rooms that are listed for it. */
const ROOMS: Record<string, string[]> = {
  function: ['behaviour', 'store', 'message'],
  behaviour: ['health', 'store', 'emulator', 'message', 'words'],
  sidebar: ['health', 'store', 'emulator', 'message', 'words'],
  health: ['store'],
  store: ['emulator', 'message', 'words'],
  emulator: ['message', 'words'],
  message: ['words'],
  words: [],
};

/** Files that all parts share. */
const SHARED = ['src/errors', 'src/option-rules', 'src/reason-codes'];

/** Modules of Node.js with no I/O, which the protocol may use. */
const PURE: string[] = [];

interface Import {
  from: string;
  /** A file of ours, relative to the root, or the name of a package. */
  to: string;
  local: boolean;
  typeOnly: boolean;
}

function importsOf(part: string): Import[] {
  return readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const path = join(part, file);
      const text = readFileSync(join(ROOT, path), 'utf8');
      const pattern =
        /(?:^import\s+(type\s+)?[^;]*?from\s+|^export\s+(type\s+)?[^;]*?from\s+|import\()'([^']+)'/gm;
      return [...text.matchAll(pattern)].map((match): Import => {
        const target = match[3] as string;
        const local = target.startsWith('.');
        const to = local ? relative(ROOT, join(ROOT, dirname(path), target)) : target;
        return { from: path, to, local, typeOnly: Boolean(match[1] ?? match[2]) };
      });
    });
}

describe('Imports', () => {
  for (const [part, { parts, packages }] of Object.entries(ALLOWED)) {
    it(`of ${part} go only where they may`, () => {
      const imports = importsOf(part);
      assert.ok(imports.length > 0 || parts.length === 0);
      const wrong = imports.filter(({ to, local }) => {
        if (local) return !SHARED.includes(to) && ![part, ...parts].some((one) => to.startsWith(`${one}/`));
        if (to.startsWith('node:')) return part === 'src/protocol' && !PURE.includes(to);
        return !packages.includes(to);
      });
      assert.deepEqual(wrong, []);
    });
  }

  it('in src/node-red lead from a room to those below it', () => {
    const roomOf = (file: string) => /^src\/node-red\/(?:([^/]+)\/)?/.exec(file)?.[1];
    const wrong = importsOf('src/node-red').filter(({ from, to }) => {
      const [room, target] = [roomOf(from), roomOf(to)];
      const mayImport = room === undefined ? undefined : ROOMS[room];
      if (!mayImport) return true;
      return target !== undefined && target !== room && !mayImport.includes(target);
    });
    assert.deepEqual(wrong, []);
  });

  it('of the engine know no MQTT', () => {
    const wrong = importsOf('src/emulator').filter(
      ({ from, to }) => /^src\/emulator\/(engine|store\/)/.test(from) && /^src\/(emulator\/)?mqtt\//.test(to),
    );
    assert.deepEqual(wrong, []);
  });

  it('of node files know neither MQTT nor the protocol', () => {
    const wrong = importsOf('nodes').filter(
      ({ to, typeOnly }) => !typeOnly && /src\/(protocol|client)\//.test(to),
    );
    assert.deepEqual(wrong, []);
  });

  it('of the editor take nothing but types from the runtime', () => {
    const wrong = importsOf('browser').filter(({ to, typeOnly }) => to.startsWith('src/') && !typeOnly);
    assert.deepEqual(wrong, []);
  });

  it('lead from nowhere to the command', () => {
    const wrong = ['src', 'nodes']
      .flatMap(importsOf)
      .filter(({ from, to }) => to.startsWith('src/cli/') && !from.startsWith('src/cli/'));
    assert.deepEqual(wrong, []);
  });

  it('form no circle, not even of types', () => {
    const imports = new Map<string, string[]>();
    for (const { from, to, local } of ['src', 'nodes', 'plugins', 'browser'].flatMap(importsOf)) {
      if (local) imports.set(from, [...(imports.get(from) ?? []), `${to}.ts`]);
    }
    const finished = new Set<string>();
    const circleFrom = (file: string, way: string[]): string[] | undefined => {
      if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
      if (finished.has(file)) return undefined;
      for (const next of imports.get(file) ?? []) {
        const circle = circleFrom(next, [...way, file]);
        if (circle) return circle;
      }
      finished.add(file);
      return undefined;
    };
    const circles = [...imports.keys()].map((file) => circleFrom(file, [])).filter(Boolean);
    assert.deepEqual(circles, []);
  });

  it('are seen by this test at all', () => {
    assert.ok(importsOf('src/mqtt').some(({ to }) => to === 'mqtt'));
    assert.ok(importsOf('src/client').some(({ to }) => to === 'src/errors'));
  });
});

/** Lines that a file of each folder has at most. */
const MOST_LINES: Record<string, number> = { 'src/': 330, 'src/coordination/': 260, 'src/context/': 260 };

describe('Source files', () => {
  it('have at most 330 lines, those of coordination and context 260', () => {
    const limitOf = (file: string) =>
      Math.min(
        ...Object.keys(MOST_LINES).map((folder) =>
          file.startsWith(folder) ? (MOST_LINES[folder] ?? 0) : Infinity,
        ),
      );
    const long = below('src')
      .filter((file) => file.endsWith('.ts'))
      .map((file) => ({ file, lines: readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1 }))
      .filter(({ file, lines }) => lines > limitOf(file))
      .map(({ file, lines }) => `${file}: ${lines} lines`);
    assert.deepEqual(long, []);
  });
});

describe('Reason codes of MQTT', () => {
  /** The codes as hexadecimal numbers. The ones left out are other bytes as well. */
  const NUMBERS = Object.values(ReasonCode)
    .filter((code) => code >= ReasonCode.NO_MATCHING_SUBSCRIBERS && code !== ReasonCode.UNSPECIFIED_ERROR)
    .map(hexOf);

  it('are written as numbers in one table only', () => {
    const wrong = ['src', 'nodes', 'plugins'].flatMap(below).flatMap((file) => {
      if (!file.endsWith('.ts') || file === 'src/reason-codes.ts') return [];
      const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
      return lines
        .filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line))
        .filter((line) => NUMBERS.some((number) => new RegExp(`${number}\\b`).test(line)))
        .map((line) => `${file}: ${line.trim()}`);
    });
    assert.deepEqual(wrong, []);
  });
});

/** The page for contributors, which describes the parts and their imports. */
const PAGE = readFileSync(join(ROOT, 'docs/dev/architecture.md'), 'utf8');
const CODE = ['bench', 'browser', 'examples', 'nodes', 'plugins', 'scripts', 'src', 'test'];

/** All files and folders of the code, relative to the root. */
function places(): string[] {
  return CODE.flatMap((top) => [top, ...below(top)]);
}

function below(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules' && entry.name !== 'target')
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? [path, ...below(path)] : [path];
    });
}

describe('The page about the architecture', () => {
  const rows = [...PAGE.matchAll(/^\| `([\w/-]+)\/` \| (.+) \|$/gm)].map(([, folder = '', content = '']) => ({
    folder,
    content,
  }));

  it('has a row for each part', () => {
    const parts = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `src/${name}`);
    const missing = [...CODE.filter((top) => top !== 'src'), ...parts].filter(
      (part) => !rows.some(({ folder }) => folder === part),
    );
    assert.deepEqual(missing, []);
  });

  it('names only files and folders that a part has', () => {
    const all = places();
    const wrong = rows.flatMap(({ folder, content }) =>
      [...content.matchAll(/`([a-z][a-z0-9-]*)\/?`/g)]
        .map(([, name = '']) => name)
        .filter((name) => !all.some((path) => isNamed(path, folder, name)))
        .map((name) => `${folder}: ${name}`),
    );
    assert.deepEqual(wrong, []);
  });

  function isNamed(path: string, folder: string, name: string): boolean {
    const last = path.slice(path.lastIndexOf('/') + 1).replace(/\.\w+$/, '');
    return path.startsWith(`${folder}/`) && last === name;
  }

  for (const page of ['CONTRIBUTING.md', 'docs/dev/architecture.md']) {
    it(`names only source files that exist, as ${page} does`, () => {
      const all = places();
      const named = [...readFileSync(join(ROOT, page), 'utf8').matchAll(/`([\w./-]+\.(?:ts|mjs))`/g)];
      assert.ok(named.length > 0);
      const wrong = named
        .map(([, name = '']) => name)
        .filter((name) => !all.some((path) => path === name || path.endsWith(`/${name}`)));
      assert.deepEqual(wrong, []);
    });
  }

  describe('draws imports', () => {
    const [, picture = ''] = /^flowchart LR\n([\s\S]*?)^```/m.exec(PAGE) ?? [];
    const ids = new Map(
      [...picture.matchAll(/(\w+)\[([\w/-]+)\]/g)].map(([, id = '', part = '']) => [id, part]),
    );
    const arrows = picture.split('\n').flatMap((line) => {
      const chain = line.split('-->').map((node) => node.trim().replace(/\[.*\]/, ''));
      return chain.slice(1).map((to, index) => [chain[index], to].map((id = '') => ids.get(id) ?? id));
    });

    const reached = (part: string): string[] =>
      arrows.filter(([from]) => from === part).flatMap(([, to = '']) => [to, ...reached(to)]);

    it('that are there', () => {
      const wrong = arrows.filter(
        ([from = '', to = '']) => !importsOf(from).some((one) => one.local && one.to.startsWith(`${to}/`)),
      );
      assert.ok(arrows.length > 0);
      assert.deepEqual(wrong, []);
    });

    it('and leads to every part that another part may import', () => {
      const wrong = Object.entries(ALLOWED).flatMap(([part, { parts }]) =>
        parts.filter((to) => !reached(part).includes(to)).map((to) => `${part} -> ${to}`),
      );
      assert.deepEqual(wrong, []);
    });
  });
});
