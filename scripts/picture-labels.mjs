/** Labels of the catalogues that the page of a picture shows. A test compares them with the catalogues of today. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const path = join(root, 'docs', 'images', 'labels.json');

/** English texts of the editor, without texts that have placeholders. */
function catalogue() {
  const found = new Set();
  const add = (value) => {
    if (typeof value !== 'string') for (const part of Object.values(value)) add(part);
    else if (!value.includes('__')) found.add(value);
  };
  for (const folder of ['nodes', 'plugins']) {
    const locale = join(root, folder, 'locales', 'en-US');
    for (const name of readdirSync(locale).filter((one) => one.endsWith('.json')))
      add(JSON.parse(readFileSync(join(locale, name), 'utf8')));
  }
  return found;
}

/** The labels that the element shows. */
export async function recordLabels(element) {
  const shown = new Set(
    await element.evaluate((container) => {
      const texts = [];
      for (const one of container.querySelectorAll('*')) {
        if (!one.checkVisibility?.()) continue;
        for (const node of one.childNodes) if (node.nodeType === 3) texts.push(node.textContent.trim());
        if (one.placeholder && !one.value) texts.push(one.placeholder);
        if (one.tagName === 'SELECT') texts.push(one.selectedOptions[0]?.textContent.trim() ?? '');
      }
      return texts.filter((text) => text !== '');
    }),
  );
  return [...catalogue()].filter((text) => shown.has(text));
}

/** Writes the labels of a picture to docs/images/labels.json. */
export function saveLabels(name, labels) {
  const all = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  all[name] = [...new Set(labels)].sort();
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify(sorted, null, 2)}\n`);
}
