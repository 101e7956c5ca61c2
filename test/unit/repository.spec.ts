/** What visitors of the repository and of the package at npm see. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../support/node-red';

const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  homepage: string;
  bugs: { url: string };
  repository: { url: string };
  engines: { node: string };
  scripts: Record<string, string>;
};
const REPOSITORY = manifest.repository.url.replace(/^git\+|\.git$/g, '');
const RAW = `${REPOSITORY.replace('github.com', 'raw.githubusercontent.com')}/main/docs/images/`;

/** Pages below docs/. */
const PAGES = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name.replaceAll('\\', '/')}`);

describe('Pictures', () => {
  const sources = (page: string) =>
    [...page.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map((match) => match[1] as string);

  it('of the README have addresses that hold at npm and in the Flow Library, too', () => {
    const wrong = sources(read('README.md')).filter((source) => !source.startsWith(RAW));
    assert.deepEqual(wrong, []);
  });

  it('that pages show are there, and no others', () => {
    const shown = sources(read('README.md')).map((source) => source.replace(RAW, ''));
    for (const page of PAGES)
      shown.push(...sources(read(page)).map((one) => one.replace(/^(\.\.\/)?images\//, '')));
    assert.ok(shown.length > 0);
    const pictures = readdirSync(join(ROOT, 'docs', 'images'), { recursive: true, encoding: 'utf8' });
    assert.deepEqual(
      [...new Set(shown)].sort(),
      pictures.filter((one) => /\.(png|svg|gif)$/.test(one)).sort(),
    );
  });
});

describe('Links between pages', () => {
  for (const page of ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...PAGES]) {
    it(`of ${page} lead somewhere`, () => {
      const targets = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
        (match) => match[1] as string,
      );
      assert.deepEqual(
        targets.filter((target) => !existsSync(join(ROOT, page, '..', target))),
        [],
      );
    });
  }
});

/** The anchors of a page: its headings, as GitHub makes anchors of them, and attributes `id` and `name`. */
function anchorsOf(page: string): Set<string> {
  const text = read(page).replace(/^ *```[\s\S]*?^ *```/gm, '');
  const anchors = new Set([...text.matchAll(/ (?:id|name)="([^"]+)"/g)].map(([, id = '']) => id));
  for (const [, heading = ''] of text.matchAll(/^#{1,6} +(.+)$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

describe('Links to a heading', () => {
  for (const page of ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...PAGES]) {
    it(`of ${page} name one that exists`, () => {
      const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)].filter(
        ([, target = '']) => target === '' || target.endsWith('.md'),
      );
      const wrong = links.filter(
        ([, target = '', anchor = '']) =>
          !anchorsOf(target === '' ? page : posix.join(page, '..', target)).has(anchor),
      );
      assert.deepEqual(
        wrong.map(([link]) => link),
        [],
      );
    });
  }
});

/** Parts of `npm test`, and a step of npm itself. */
const STEPS = ['test:prepare', 'test:lanes', 'test:rest', 'prepack'];

describe('The page for contributors', () => {
  it('names each command of npm, and no others', () => {
    const scripts = Object.keys(manifest.scripts).filter((name) => !STEPS.includes(name));
    const named = [...read('CONTRIBUTING.md').matchAll(/\bnpm (?:run )?([a-z][a-z:-]*)/g)].map(
      ([, name = '']) => name,
    );
    const wanted = new Set([...scripts, 'ci']);
    assert.deepEqual(
      {
        missing: scripts.filter((name) => !named.includes(name)),
        unknown: named.filter((name) => !wanted.has(name)),
      },
      { missing: [], unknown: [] },
    );
  });
});

describe('The index of the documentation', () => {
  it('lists every page', () => {
    const index = read('docs/README.md');
    const missing = PAGES.filter(
      (page) => page !== 'docs/README.md' && !page.startsWith('docs/reference/'),
    ).filter((page) => !index.includes(`](${page.replace('docs/', '')}`));
    assert.deepEqual(missing, []);
  });
});

describe('The repository on GitHub', () => {
  const github = (...path: string[]) => parse(read('.github', ...path));

  it('is where package.json says', () => {
    assert.equal(manifest.homepage, `${REPOSITORY}#readme`);
    assert.equal(manifest.bugs.url, `${REPOSITORY}/issues`);
  });

  it('tests with .ci/run, from the oldest Node.js on', () => {
    const { jobs } = github('workflows', 'test.yml');
    const [oldest] = jobs.test.strategy.matrix.node as string[];
    assert.equal(oldest, /\d+/.exec(manifest.engines.node)?.[0]);
    assert.ok(jobs.test.steps.some(({ run }: { run?: string }) => run === '.ci/run'));
  });

  it('publishes what was tested, with provenance', () => {
    const { on, jobs } = github('workflows', 'release.yml');
    assert.deepEqual(on, { push: { tags: ['v*'] } });
    const runs = jobs.publish.steps.map(({ run }: { run?: string }) => run).filter(Boolean);
    assert.deepEqual(runs.slice(-2), ['.ci/run', 'npm publish --provenance']);
    assert.equal(jobs.publish.permissions['id-token'], 'write');
  });

  it('asks who reports a fault for the status, the error code and the result of Test connection', () => {
    const { body } = github('ISSUE_TEMPLATE', 'fault.yml') as {
      body: { id?: string; validations?: { required?: boolean } }[];
    };
    const required = body.filter(({ validations }) => validations?.required).map(({ id }) => id);
    for (const id of ['status', 'code', 'test-connection']) assert.ok(required.includes(id), id);
    for (const name of ['wish.yml', 'config.yml']) assert.ok(github('ISSUE_TEMPLATE', name));
    assert.equal(github('dependabot.yml').version, 2);
  });
});
