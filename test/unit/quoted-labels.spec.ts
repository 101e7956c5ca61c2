/** Pages and help quote the labels of the editor exactly. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../support/node-red';

/** Every text of the catalogues of a language. */
function catalogueTexts(language: string): Set<string> {
  const found = new Set<string>();
  const add = (value: unknown) => {
    if (typeof value === 'string') found.add(value);
    else for (const part of Object.values(value as object)) add(part);
  };
  for (const folder of [`nodes/locales/${language}`, `plugins/locales/${language}`])
    for (const name of readdirSync(join(ROOT, folder)).filter((one) => one.endsWith('.json')))
      add(JSON.parse(readFileSync(join(ROOT, folder, name), 'utf8')));
  return found;
}

/** Texts in italics of a page, outside of code. */
function italics(page: string): string[] {
  const text = page
    .replace(/^ *```[\s\S]*?^ *```/gm, '')
    .replace(/`[^`]+`/g, '')
    .replace(/\*\*[^*]+\*\*/g, '');
  return [...text.matchAll(/(?<![*\w])\*([^*\n]+(?:\n[^*\n]+)?)\*(?![*\w])/g)].map((match) =>
    (match[1] as string).replace(/\s+/g, ' '),
  );
}

describe('Labels in pages', () => {
  const labels = catalogueTexts('en-US');
  const { labels: others } = parse(readFileSync(join(ROOT, 'test', 'prose', 'italics.yaml'), 'utf8')) as {
    labels: string[];
  };
  const pages = readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md') && name !== 'protocol.md')
    .map((name) => `docs/${name}`);

  for (const page of ['README.md', 'SECURITY.md', ...pages])
    it(`of ${page} are those of the editor`, () => {
      const unknown = italics(readFileSync(join(ROOT, page), 'utf8')).filter(
        (text) => !labels.has(text) && !others.includes(text) && !/^\d\d /.test(text),
      );
      assert.deepEqual(unknown, []);
    });
});

/** Texts in italics or bold of a help text. A bold sentence is emphasis, not a label. */
const quoted = (help: string) =>
  [...help.matchAll(/<([ib])>([^<]+)<\/\1>/g)]
    .map(([, , text = '']) => text)
    .filter((text) => !/[.。]$/.test(text));

const lower = (text: string) => text.toLowerCase();

/** The statuses and actions that a help text explains, without the symbol of a status. Codes of errors are not labels. */
const explained = (help: string) =>
  [...help.matchAll(/<dl class="message-properties statestore-names">([\s\S]*?)<\/dl>/g)]
    .flatMap(([, list = '']) => [...list.matchAll(/<dt>([^<]+)<\/dt>/g)].map(([, text = '']) => text))
    .flatMap((text) =>
      text.replace(/ ?[(（][^()（）]*(点|圈|丸|輪|dot|ring|Punkt|Ring)[)）]$/, '').split(/, |、(?=大|小|保)/),
    )
    .filter((text) => !/^[A-Z_]+$/.test(text));

/** The texts of a catalogue as patterns: a placeholder is any text. */
const patternsOf = (texts: Iterable<string>) =>
  [...texts].map(
    (text) => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/__\w+?__/g, '.+')}$`),
  );

describe('Labels in the help', () => {
  for (const language of ['en-US', 'de', 'ja', 'zh-CN']) {
    const texts = catalogueTexts(language);
    const known = new Set([...texts].map(lower));
    const patterns = patternsOf([...texts].filter((text) => !/^(__\w+?__[\s:,：]*)+$/.test(text)));
    const folder = join(ROOT, 'nodes', 'locales', language);
    for (const name of readdirSync(folder).filter((one) => one.endsWith('.html'))) {
      const help = readFileSync(join(folder, name), 'utf8');
      it(`of ${name} in ${language} are those of the editor`, () => {
        assert.deepEqual(
          quoted(help).filter((text) => !known.has(lower(text))),
          [],
        );
      });

      it(`of ${name} in ${language} that it explains are those of the editor`, () => {
        const unknown = explained(help).filter((text) => !patterns.some((one) => one.test(text)));
        assert.deepEqual(unknown, []);
      });
    }
  }
});

describe('Labels in pictures', () => {
  const images = join(ROOT, 'docs', 'images');
  const pictures = JSON.parse(readFileSync(join(images, 'labels.json'), 'utf8')) as Record<string, string[]>;
  const today = catalogueTexts('en-US');
  const OF_GRAFANA = 'grafana.png';

  it('are recorded for every picture of the editor', () => {
    const taken = readdirSync(images).filter((name) => /\.(png|gif)$/.test(name) && name !== OF_GRAFANA);
    assert.deepEqual(Object.keys(pictures).sort(), taken.sort());
  });

  for (const [name, labels] of Object.entries(pictures))
    it(`of ${name} are those of the editor: otherwise take it again with "npm run screenshots" or "npm run animation"`, () => {
      assert.ok(labels.length > 0);
      assert.deepEqual(
        labels.filter((text) => !today.has(text)),
        [],
      );
    });
});
