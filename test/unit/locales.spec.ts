/** Every language says everything, with the same placeholders, and statuses that fit under a node. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../support/node-red';

const FOLDERS = ['nodes', 'plugins'];
const REFERENCE = 'en-US';
const STATUS_LENGTH = 19;

type Catalogue = { [key: string]: string | Catalogue };

/** The texts of these folders in a language. */
const filesOf = (language: string) =>
  FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder, 'locales', language)).map((file) =>
      join(folder, 'locales', language, file),
    ),
  );

/** The counterpart of a file in the reference language. */
const inLanguage = (file: string, language: string) => file.replace(`/${REFERENCE}/`, `/${language}/`);

function read(language: string, file: string): string {
  return readFileSync(join(ROOT, inLanguage(file, language)), 'utf8');
}

/** The texts of a catalogue by their keys with dots. */
function texts(catalogue: Catalogue, prefix = ''): [key: string, text: string][] {
  return Object.entries(catalogue).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[prefix + key, value]] : texts(value, `${prefix}${key}.`),
  );
}

function textsOf(language: string, file: string): Map<string, string> {
  return new Map(texts(JSON.parse(read(language, file)) as Catalogue));
}

const placeholders = (text: string) => [...text.matchAll(/__\w+?__/g)].map(([name]) => name).sort();

/** The heading of the last section of every help page. */
const REFERENCES: Record<string, string> = {
  'en-US': 'References',
  de: 'Verweise',
  ja: '参考',
  'zh-CN': '参考资料',
};
const { repository } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const DOCS = `${repository.url.replace(/^git\+|\.git$/g, '')}/blob/main/docs/`;

/** The addresses in the last section of a help page. */
function references(help: string, heading: string): string[] {
  const [last, ...others] = help.split(`<h3>${heading}</h3>`).slice(1);
  return last === undefined || others.length > 0 || last.includes('<h3>')
    ? []
    : [...last.matchAll(/<li><a href="([^"]+)" target="_blank">[^<]+<\/a><\/li>/g)].map(
        ([, address = '']) => address,
      );
}

/** The anchors of a page as GitHub makes them. */
const anchors = (page: string) =>
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );

/** What a help page consists of: its elements in order, and the node it is for. */
function structure(help: string): string[] {
  return [...help.matchAll(/<(h3|dl|dt|dd|p|pre)\b|data-help-name="([^"]+)"/g)].map(
    ([, tag, name]) => tag ?? name ?? '',
  );
}

/** Words that the texts of a language do not use, each with the term in its place. */
const TERMS: Record<string, [pattern: string, term: string][]> = parse(
  readFileSync(join(ROOT, 'test', 'prose', 'terms.yaml'), 'utf8'),
);

const files = filesOf(REFERENCE);
const EMULATOR = join('nodes', 'locales', REFERENCE, 'statestore-emulator.json');
const CONFIG = join('nodes', 'locales', REFERENCE, 'statestore-config.json');
const languages = readdirSync(join(ROOT, 'nodes', 'locales')).filter((language) => language !== REFERENCE);

describe('The texts of the editor', () => {
  it('are there in German, Japanese and Chinese', () => {
    assert.deepEqual(languages, ['de', 'ja', 'zh-CN']);
  });

  it('are used, each of the sidebar', () => {
    const folder = join(ROOT, 'browser', 'sidebar');
    const code = readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), 'utf8'))
      .join('\n');
    const catalogue = join('plugins', 'locales', REFERENCE, 'statestore-sidebar.json');
    const used = (key: string) => {
      const [group, name, rest] = key.split('.').slice(1) as [string, string, string?];
      const isWhole = code.includes(`'${[group, name, rest].filter(Boolean).join('.')}'`);
      const isPart = code.includes(`\`${group}.$`) && new RegExp(`['(]${name}\\b|\\b${name}:`).test(code);
      return isWhole || isPart || (rest !== undefined && code.includes(`${group}.${name}.$`));
    };
    const stateKinds = /^statestore-sidebar\.(state|button|detail)\./;
    const unused = [...textsOf(REFERENCE, catalogue).keys()].filter(
      (key) => !used(key) && !stateKinds.test(key),
    );
    assert.deepEqual(unused, []);
  });

  it('name a lock and a role where a fencing token is refused as older', () => {
    const words: Record<string, RegExp> = {
      de: /Sperre oder Rolle/,
      ja: /ロックまたは役割/,
      'zh-CN': /锁或角色/,
    };
    for (const language of languages) {
      const text = textsOf(language, CONFIG).get('statestore.error.FENCING_TOKEN_LOWER_VERSION') ?? '';
      assert.match(text, words[language] as RegExp, language);
    }
  });

  for (const language of languages) {
    it(`are complete in ${language}, with the placeholders of the English ones`, () => {
      for (const file of files.filter((one) => one.endsWith('.json'))) {
        const [reference, translated] = [textsOf(REFERENCE, file), textsOf(language, file)];
        assert.deepEqual([...translated.keys()].sort(), [...reference.keys()].sort(), file);
        for (const [key, text] of reference) {
          const words = translated.get(key) as string;
          assert.ok(words.trim() !== '', `${file} ${key} is empty`);
          assert.deepEqual(placeholders(words), placeholders(text), `${file} ${key}`);
        }
      }
    });

    it(`use one term for each concept in ${language}`, () => {
      const found = filesOf(language).flatMap((file) => {
        const text = readFileSync(join(ROOT, file), 'utf8');
        return (TERMS[language] ?? []).flatMap(([pattern, term]) =>
          [...text.matchAll(new RegExp(pattern, 'gm'))].map(
            ({ 0: word, index }) => `${file}: ${word} (${term}): ${text.slice(index - 20, index + 30)}`,
          ),
        );
      });
      assert.deepEqual(found, []);
    });

    it(`have the same help in ${language}`, () => {
      for (const file of files.filter((one) => one.endsWith('.html'))) {
        assert.deepEqual(structure(read(language, file)), structure(read(REFERENCE, file)), file);
      }
    });
  }

  it('have help that explains statuses, and what a message has that failed in a request', () => {
    for (const file of files.filter((one) => one.endsWith('.html'))) {
      const help = read(REFERENCE, file);
      assert.match(help, /<h3>Status<\/h3>\n {2}<(p|dl)\b/, file);
      if (/-(set|get|delete|update|lock|unlock)\./.test(file))
        assert.match(help, /<code>msg\.statestore<\/code>[^<]*<code>operation.*<code>error<\/code>/, file);
    }
  });

  for (const language of [REFERENCE, ...languages]) {
    it(`have statuses of at most ${STATUS_LENGTH} characters in ${language}`, () => {
      const long = [...textsOf(language, CONFIG), ...textsOf(language, EMULATOR)].filter(
        ([key, text]) =>
          /\.status\./.test(key) &&
          text
            .replace('__count__', '99')
            .replace('__port__', '65535')
            .replace(/__\w+__/g, '').length > STATUS_LENGTH,
      );
      assert.deepEqual(long, []);
    });

    it(`have a status of its own for each cause in ${language}`, () => {
      const texts = [...textsOf(language, CONFIG), ...textsOf(language, EMULATOR)]
        .filter(([key]) => /\.status\./.test(key))
        .map(([, text]) => text);
      assert.deepEqual(
        texts.filter((text, index) => texts.indexOf(text) !== index),
        [],
      );
    });

    it(`have help that leads to pages of the project, troubleshooting first, in ${language}`, () => {
      for (const file of files.filter((one) => one.endsWith('.html'))) {
        const links = references(read(language, file), REFERENCES[language] as string);
        assert.match(links[0] ?? 'no reference', /\/troubleshooting\.md/, file);
        for (const link of links) {
          assert.ok(link.startsWith(DOCS), `${file}: ${link}`);
          const [name = '', anchor] = link.slice(DOCS.length).split('#');
          const page = readFileSync(join(ROOT, 'docs', name), 'utf8');
          assert.ok(anchor === undefined || anchors(page).includes(anchor), `${file}: ${link}`);
        }
        assert.deepEqual(links, references(read(REFERENCE, file), 'References'), file);
      }
    });

    it(`have help with a sentence, an example and errors in ${language}`, () => {
      for (const file of files.filter((one) => one.endsWith('.html') && !one.includes('config'))) {
        const help = read(language, file);
        const headings = structure(help).filter((tag) => tag === 'h3').length;
        assert.ok(headings >= 4, `${file} has ${headings} headings`);
        assert.match(help, /^<script[^>]*>\n {2}<p>[^<]+<\/p>/, file);
      }
    });
  }
});
