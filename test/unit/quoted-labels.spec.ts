/** Pages quote the labels of the editor in italics, exactly as they are. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../support/node-red';

/** Every text of the English catalogues. */
function catalogueTexts(): Set<string> {
  const found = new Set<string>();
  const add = (value: unknown) => {
    if (typeof value === 'string') found.add(value);
    else for (const part of Object.values(value as object)) add(part);
  };
  for (const folder of ['nodes/locales/en-US', 'plugins/locales/en-US'])
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
  const labels = catalogueTexts();
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
