/** Every language, and both themes: nothing is missing, nothing is cut off in a small window, everything can be read. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { clippedAnywhere, clippedIn, useWideLetters } from '../support/clipping';
import { Editor } from '../support/editor';
import { ROOT } from '../support/node-red';
import { VERSIONS } from '../support/node-red-versions';
import { freePort } from '../support/ports';
import { Sidebar } from '../support/sidebar';

const LOCALES = join(ROOT, 'nodes', 'locales');
const TYPES = ['set', 'get', 'delete', 'update', 'observe', 'emulator', 'leader', 'lock', 'unlock'];
/** Contrast of text and background that WCAG 2.1 asks for (success criterion 1.4.3). */
const CONTRAST = 4.5;
/** Core opens a dialog with 500 pixels, or as wide as its content. */
const WIDEST_DIALOG = 540;

/** A flow with all nodes, on a store without a broker. */
const flow = (port: number) => [
  { id: 'flow', type: 'tab', label: 'flow' },
  { id: 'store', type: 'statestore-config', name: '', place: 'other', host: '127.0.0.1', port },
  ...TYPES.map((type, index) => ({
    ...{ id: `node-${type}`, type: `statestore-${type}`, z: 'flow', x: 300, y: 60 + 60 * index, name: '' },
    ...{
      store: 'store',
      key: 'k',
      keyType: 'str',
      keys: 'k',
      role: 'r',
      port: 18_950,
      host: '127.0.0.1',
      outputs: 1,
    },
    wires: type === 'emulator' ? [] : [[]],
  })),
];

/** Unfolds everything in a dialog, so that every text can be seen. */
async function unfold(tray: Locator): Promise<void> {
  const folded = tray.locator('.statestore-fold[aria-expanded=false]:visible');
  while ((await folded.count()) > 0) await folded.first().click();
}

/** The part of a dialog that scrolls. */
const body = (tray: Locator) => tray.locator('.red-ui-tray-body');

/** What is cut off in a dialog with one option of this list after the other. */
function clippedWith(tray: Locator, list: string): Promise<string[]> {
  return clippedAnywhere(body(tray), async (part) => {
    const select = part.locator(list);
    const options = await select
      .locator('option')
      .evaluateAll((all) => all.map((one) => one.getAttribute('value')));
    assert.ok(options.length > 1, list);
    const found: string[] = [];
    for (const option of options) {
      await select.selectOption(option);
      for (const one of await clippedIn(part)) found.push(`${list} ${option}: ${one}`);
    }
    return found;
  });
}

/** Labels in front of a field that take more than one line, or more than their column. */
const wrapped = (tray: Locator): Promise<string[]> =>
  tray.locator('.form-row:not(.statestore-box) > label:visible').evaluateAll((labels) =>
    labels
      .filter((label) => {
        const text = document.createRange();
        text.selectNodeContents(label.querySelector('span') ?? label);
        const tops = [...text.getClientRects()].map(({ top }) => top);
        const isWider = text.getBoundingClientRect().right > label.getBoundingClientRect().right + 1;
        return isWider || Math.max(...tops) - Math.min(...tops) > 5;
      })
      .map(({ textContent }) => `has no room in one line: ${textContent?.trim()}`),
  );

/** Texts and placeholders that are keys of a catalogue. */
function untranslated(tray: Locator): Promise<string[]> {
  return tray.evaluate((element) => {
    const texts = [
      (element as HTMLElement).innerText,
      ...[...element.querySelectorAll('option')].map((one) => one.text),
    ];
    for (const one of element.querySelectorAll('[placeholder]'))
      texts.push(one.getAttribute('placeholder') ?? '');
    return texts.flatMap((text) => text.match(/statestore[-.][\w.-]+\.[\w.-]+/g) ?? []);
  });
}

/** Texts of a dialog whose contrast to what is behind them is too small. */
function illegible(tray: Locator): Promise<string[]> {
  return tray.evaluate((element, least) => {
    const numbers = (color: string) =>
      (color.match(/[\d.]+/g) ?? []).map(Number) as [number, number, number, number?];
    const luminance = (color: string) => {
      const [r, g, b] = numbers(color).map((one) => {
        const part = (one ?? 0) / 255;
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      }) as [number, number, number];
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (one: Element): string => {
      const color = getComputedStyle(one).backgroundColor;
      if ((numbers(color)[3] ?? 1) > 0.5) return color;
      return one.parentElement ? behind(one.parentElement) : 'rgb(255, 255, 255)';
    };
    return [
      ...element.querySelectorAll<HTMLElement>(
        '.form-row label, .form-tips, .statestore-fold, select, .statestore-state, .statestore-hint p, .statestore-key span, .statestore-detail h3, .statestore-detail td',
      ),
    ]
      .filter((one) => one.offsetParent !== null && one.innerText.trim() !== '')
      .flatMap((one) => {
        const [text, back] = [luminance(getComputedStyle(one).color), luminance(behind(one))];
        const contrast = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
        return contrast < least ? [`${one.innerText.trim()}: ${contrast.toFixed(1)}`] : [];
      });
  }, CONTRAST);
}

for (const [version, options] of Object.entries(VERSIONS)) {
  describe(`The editor of Node-RED ${version}`, () => {
    let editor: Editor;

    before(async () => {
      editor = await Editor.open({ flows: flow(await freePort()), nodeRed: options() });
    });
    after(() => editor?.close());

    for (const language of readdirSync(LOCALES)) {
      describe(`in ${language}`, () => {
        const catalogue = (type: string) =>
          JSON.parse(readFileSync(join(LOCALES, language, `statestore-${type}.json`), 'utf8'))[
            `statestore-${type}`
          ];

        before(async () => {
          await editor.speak(language);
          await useWideLetters(editor.page);
        });

        for (const type of TYPES) {
          it(`has all texts of the ${type} node, and its help`, async () => {
            const tray = await editor.edit(`node-${type}`);
            const width = (await tray.boundingBox())?.width ?? 0;
            assert.ok(width < WIDEST_DIALOG, `the dialog is ${width} pixels wide`);
            await unfold(tray);
            assert.deepEqual(await untranslated(tray), []);
            const { label, tip, paletteLabel } = catalogue(type);
            const inPalette = editor.page.locator(
              `[data-palette-type="statestore-${type}"] .red-ui-palette-label`,
            );
            // A long name is in several lines.
            assert.equal((await inPalette.allTextContents()).join(' ').replace(/\s+/g, ' '), paletteLabel);
            await tray.getByText(label?.options ?? tip ?? label.current, { exact: true }).waitFor();
            assert.deepEqual(await illegible(tray), []);
            assert.deepEqual(await clippedAnywhere(body(tray)), []);
            assert.deepEqual(await wrapped(tray), []);
            if (type === 'update') assert.deepEqual(await clippedWith(tray, '#node-input-change'), []);
            await editor.leave('cancel');
            await editor.onCanvas(`node-${type}`).click();
            await editor.invoke('core:show-help-tab');
            const help = readFileSync(join(LOCALES, language, `statestore-${type}.html`), 'utf8');
            const sentence = (/<p>(.*?)<\/p>/.exec(help) as RegExpExecArray)[1] as string;
            const shown = editor.page.locator('.red-ui-help:visible', { hasText: sentence });
            await shown.getByText(sentence, { exact: true }).first().waitFor();
            assert.deepEqual(await clippedIn(shown.last()), []);
          });
        }

        it('has all texts of the tab in the sidebar', async () => {
          const file = join(ROOT, 'plugins', 'locales', language, 'statestore-sidebar.json');
          const { label, button, set, hint } = JSON.parse(readFileSync(file, 'utf8'))['statestore-sidebar'];
          const sidebar = new Sidebar(editor);
          await sidebar.show();
          await sidebar.filter.fill('z');
          await sidebar.tab.getByText(hint.noList).waitFor();
          await sidebar.button(button.lookUp.replace('__key__', 'z')).click();
          await sidebar.detail.waitFor();
          assert.equal(await sidebar.filter.getAttribute('placeholder'), label.filter);
          assert.deepEqual(await untranslated(sidebar.tab), []);
          assert.deepEqual(await illegible(sidebar.tab), []);
          assert.deepEqual(await clippedAnywhere(sidebar.tab), []);
          await sidebar.button(button.add).click();
          await sidebar.dialog.getByLabel(set.onlyIfNew).waitFor();
          assert.deepEqual(await untranslated(sidebar.dialog), []);
          assert.deepEqual(await illegible(sidebar.dialog), []);
          assert.deepEqual(await clippedAnywhere(sidebar.dialog), []);
          await sidebar.press(button.cancel);
          await sidebar.button(button.forget).click();
          await sidebar.filter.fill('');
          await sidebar.show('info');
        });

        it('has all texts of a store', async () => {
          await editor.edit('node-set');
          const tray = await editor.editStore();
          for (const place of ['emulator', 'other', 'aio', 'environment']) {
            await editor.page.locator('#node-config-input-place').selectOption(place);
            await unfold(tray);
            await tray.getByText(catalogue('config').tip[place]).waitFor();
            assert.deepEqual(await untranslated(tray), []);
            assert.deepEqual(await illegible(tray), []);
            assert.deepEqual(await clippedAnywhere(body(tray)), []);
            assert.deepEqual(await wrapped(tray), []);
            if (place !== 'other') continue;
            // The option that adds a TLS configuration is Core's.
            const ours = (cut: string[]) =>
              cut.filter((text) => !text.endsWith('node-config-input-tlsConfig'));
            assert.deepEqual(ours(await clippedWith(tray, '#node-config-input-tls')), []);
            assert.deepEqual(ours(await clippedWith(tray, '#node-config-input-login')), []);
          }
          await editor.leaveStore('cancel');
          await editor.leave('cancel');
        });
      });
    }

    if (version === '5.0') {
      it('can be read in the dark theme', async () => {
        await editor.page.evaluate(() => document.documentElement.classList.add('nr-theme-dark'));
        for (const type of TYPES) {
          const tray = await editor.edit(`node-${type}`);
          await unfold(tray);
          assert.deepEqual(await illegible(tray), [], type);
          await editor.leave('cancel');
        }
        await editor.edit('node-set');
        const tray = await editor.editStore();
        await editor.page.locator('#node-config-input-place').selectOption('aio');
        await unfold(tray);
        assert.deepEqual(await illegible(tray), [], 'config');
      });
    }

    it('leaves no complaint in the console of the browser', () => {
      assert.deepEqual(editor.complaints, []);
    });
  });
}
