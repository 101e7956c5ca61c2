/** Checks the English of the project against rules.yaml. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../support/node-red';
import {
  codeOfMarkdown,
  ofCatalogue,
  ofComments,
  ofExample,
  ofHtml,
  ofMarkdown,
  ofTitles,
  type Passage,
  sentences,
  words,
} from './text';

type Scope = 'docs' | 'dev' | 'help' | 'labels' | 'comments' | 'titles' | 'code';

interface Rules {
  words: { name: string; find: string[]; use: string; in: Scope[] }[];
  semicolons: { in: Scope[] };
  sentences: { words: number; in: Scope[] };
}

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly text: string;
  /** Words to use in its place. */
  readonly use: string;
}

interface Text extends Passage {
  readonly file: string;
  readonly scope: Scope;
}

/** Pages at the root of the repository that users read, and those for contributors. */
const USER_PAGES = ['README.md', 'SECURITY.md'];
const CONTRIBUTOR_PAGES = ['CONTRIBUTING.md', 'CHANGELOG.md'];
/** Folders with code. */
const SOURCES = ['src', 'nodes', 'plugins', 'browser', 'test', 'scripts', 'bench'];
/** Pages that were for contributors before they had a folder. */
const MOVED = ['architecture.md', 'benchmarks.md', 'protocol.md', 'releasing.md', 'tasks.md'];

function files(root: string, folder: string, ending: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
    .map((name) => `${folder}/${name}`);
}

/** All texts of a checkout. */
function texts(root: string): Text[] {
  const found: Text[] = [];
  const add = (scope: Scope, names: string[], extract: (content: string) => Passage[]) => {
    for (const file of names) {
      if (!existsSync(join(root, file))) continue;
      for (const passage of extract(readFileSync(join(root, file), 'utf8')))
        found.push({ file, scope, ...passage });
    }
  };
  const pages = files(root, 'docs', '.md');
  const contributors = pages.filter(
    (page) => page.startsWith('docs/dev/') || MOVED.includes(page.replace('docs/', '')),
  );
  add('docs', [...USER_PAGES, ...pages.filter((page) => !contributors.includes(page))], ofMarkdown);
  add('dev', [...CONTRIBUTOR_PAGES, ...contributors], ofMarkdown);
  add(
    'code',
    [...USER_PAGES, ...CONTRIBUTOR_PAGES, ...pages, ...files(root, 'examples', '.json')],
    codeOfMarkdown,
  );
  add('help', files(root, 'examples', '.json'), ofExample);
  for (const folder of ['nodes/locales/en-US', 'plugins/locales/en-US']) {
    add('help', files(root, folder, '.html'), ofHtml);
    add('labels', files(root, folder, '.json'), ofCatalogue);
  }
  for (const folder of SOURCES)
    for (const ending of ['.ts', '.mjs', '.html']) add('comments', files(root, folder, ending), ofComments);
  add('titles', files(root, 'test', '.ts'), ofTitles);
  return found;
}

/** The rules of rules.yaml. */
function rulesOf(): Rules {
  return parse(readFileSync(join(ROOT, 'test', 'prose', 'rules.yaml'), 'utf8')) as Rules;
}

/** All findings in a checkout, in the order of its files. */
export function lint(root: string): Finding[] {
  const rules = rulesOf();
  const patterns = rules.words.map(({ name, use, find, in: scopes }) => ({
    name,
    use,
    scopes,
    pattern: new RegExp(`(?<![\\w/-])(?:${find.join('|')})(?![\\w-])`, 'gi'),
  }));
  const findings: Finding[] = [];
  for (const { file, line, scope, text } of texts(root)) {
    for (const { name, use, scopes, pattern } of patterns) {
      if (!scopes.includes(scope)) continue;
      for (const [match] of text.matchAll(pattern))
        findings.push({ file, line, rule: name, text: match, use });
    }
    if (rules.semicolons.in.includes(scope))
      for (const _ of text.matchAll(/;/g))
        findings.push({ file, line, rule: 'semicolon', text: text.slice(0, 60), use: 'two sentences' });
    if (rules.sentences.in.includes(scope))
      for (const sentence of sentences(text)) {
        const length = words(sentence);
        if (length > rules.sentences.words)
          findings.push({
            file,
            line,
            rule: 'long sentence',
            text: `${length} words: ${sentence.slice(0, 60)}`,
            use: 'several sentences',
          });
      }
  }
  return findings;
}

/** How many findings each rule has. */
export function byRule(findings: Finding[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { rule } of findings) counts[rule] = (counts[rule] ?? 0) + 1;
  return counts;
}

/** Figures of a checkout: semicolons and sentences of pages for users, and the verb of rule 1 in pages and comments. */
export function measure(root: string) {
  const all = texts(root);
  const docs = all.filter(({ scope }) => scope === 'docs');
  const lengths = docs.flatMap(({ text }) => sentences(text)).map(words);
  const tells = (scopes: Scope[]) =>
    all
      .filter(({ scope }) => scopes.includes(scope))
      .reduce((sum, { text }) => sum + [...text.matchAll(/\b(tells?|told)\b/gi)].length, 0);
  return {
    semicolons: docs.reduce((sum, { text }) => sum + [...text.matchAll(/;/g)].length, 0),
    sentences: lengths.length,
    longerThan25: lengths.filter((length) => length > 25).length,
    tellInDocs: tells(['docs', 'dev']),
    tellInComments: tells(['comments']),
  };
}
