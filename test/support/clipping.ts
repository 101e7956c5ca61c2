/** Texts in a page that cannot be read in full: cut off, covered, or outside. */
import type { Locator, Page } from 'playwright-core';

/** The windows in which everything can be read. */
const SIZES = [
  { width: 1366, height: 768 },
  { width: 800, height: 600 },
];

/**
 * A font with one glyph, a box that is as wide as it is high, for all Chinese and Japanese letters: as wide as those of any real font.
 * Without it a machine that has no such font takes narrow signs in their place. It goes by the first name in Node-RED's list of fonts.
 */
const FONT =
  'd09GMgABAAAAAAEsAAoAAAAAAngAAADjAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAABmAAQAosQQE2AiQDBgsGAAQgBVQHIBvUAcguDuwG95eIiOErwjH2eDx8v1877901DW0bQxJLlqzhUcw6pdCo5MaGwhB/QmLi1wNtAVYWIrZOTt92zzDmGALAY4iBNQ/M8oBbIZxQYsybLGKYKCuBZ7aoGVccxEOBePBB9N4AJKGBljaYBgTjmBhDYhrfBRIFigMkkEEJGTU0ASVALpV2qv3KXbfcWRsZrA7+1378AAmJz/33zf3VIobwO2rXvfVilEfIILEUh9atx5dEWeG8hKwmgwwAgJJZCSRBVRVCKtUlFY2UrKO3dPt8j9reklvPNp069+rGoSdBAAAA';

/** Loads the font above into the page. */
export async function useWideLetters(page: Page): Promise<void> {
  await page.addStyleTag({
    content: `@font-face { font-family: 'Helvetica Neue'; src: url(data:font/woff2;base64,${FONT}); unicode-range: U+3000-9FFF, U+FF00-FF60; }`,
  });
  await page.evaluate(() => document.fonts.load("14px 'Helvetica Neue'", '\u6f22'));
}

/** What `look` finds in each size of the window. */
export async function clippedAnywhere(part: Locator, look = clippedIn): Promise<string[]> {
  const page = part.page();
  const before = page.viewportSize();
  const found: string[] = [];
  for (const size of SIZES) {
    await page.setViewportSize(size);
    // The editor arranges itself at the event, which comes before the next frame.
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    for (const one of await look(part)) found.push(`${size.width} x ${size.height}: ${one}`);
  }
  if (before) await page.setViewportSize(before);
  return found;
}

/** One line for each text that is cut, and for each element that reaches beyond `part`. Texts of folded parts do not count. */
export function clippedIn(part: Locator): Promise<string[]> {
  return part.evaluate((root) => {
    /** Widths are rounded here and there, and letters are less high than their line. */
    const [WIDE, HIGH] = [1, 4];
    /** Texts of fields are checked below. The count of a search box is inside the box. */
    const SKIPPED = 'select, script, style, textarea, .red-ui-searchBox-resultCount';
    const found = new Set<string>();
    /** Texts for screen readers are in the page, but not drawn. */
    const isSeen = (one: Element) =>
      one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
      getComputedStyle(one).clipPath !== 'inset(50%)';
    const outer = root.getBoundingClientRect();
    const all = [...root.querySelectorAll<HTMLElement>('*')].filter(isSeen);
    const controls = all.filter((one) =>
      one.matches('input:not([type=hidden], [type=checkbox]), select, button, .red-ui-typedInput-container'),
    );

    const isOutside = ({ left, right, width }: DOMRect) =>
      width > 0 && (left < outer.left - WIDE || right > outer.right + WIDE);
    /** Where `one` lets what is in it be seen. */
    const inside = (one: Element) => {
      const { left, top } = one.getBoundingClientRect();
      const [x, y] = [left + one.clientLeft, top + one.clientTop];
      return new DOMRect(x, y, one.clientWidth, one.clientHeight);
    };
    const overlap = (a: DOMRect, b: DOMRect) =>
      Math.min(a.right, b.right) - Math.max(a.left, b.left) > WIDE &&
      Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > HIGH;
    const widthOf = (text: string, like: Element) => {
      const line = document.createElement('span');
      line.textContent = text;
      line.style.cssText = `position: absolute; visibility: hidden; white-space: pre; font: ${getComputedStyle(like).font}`;
      document.body.append(line);
      const { width } = line.getBoundingClientRect();
      line.remove();
      return width;
    };
    /** As wide as its widest option wants it. */
    const wanted = (select: HTMLElement) => {
      const copy = select.cloneNode(true) as HTMLElement;
      copy.removeAttribute('id');
      copy.style.cssText =
        'position: absolute; visibility: hidden; width: auto; min-width: 0; max-width: none';
      select.after(copy);
      const width = copy.offsetWidth;
      copy.remove();
      return width;
    };

    for (const one of all) {
      // Core hangs the arrow of a heading of the help into its margin.
      if (!one.matches('h3 i') && isOutside(one.getBoundingClientRect()))
        found.add(`reaches beyond: <${one.tagName.toLowerCase()} class="${one.className}">`);
    }

    const texts: [words: string, rect: DOMRect][] = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement as Element;
      const words = (node.textContent ?? '').trim();
      if (words === '' || parent.closest(SKIPPED) || !isSeen(parent)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) {
        if (rect.width === 0) continue;
        if (isOutside(rect)) found.add(`reaches beyond: ${words}`);
        for (let box: Element | null = parent; box && root.contains(box); box = box.parentElement) {
          const { overflowX, overflowY, display } = getComputedStyle(box);
          if (display === 'inline') continue;
          const { left, right, top, bottom } = inside(box);
          if (overflowX !== 'visible' && (rect.left < left - WIDE || rect.right > right + WIDE))
            found.add(`cut: ${words}`);
          // What scrolls up and down can be read.
          if (/hidden|clip/.test(overflowY) && (rect.top < top - HIGH || rect.bottom > bottom + HIGH))
            found.add(`cut: ${words}`);
        }
        if (controls.some((one) => !one.contains(parent) && overlap(rect, one.getBoundingClientRect())))
          found.add(`under a field: ${words}`);
        const other = texts.find(([, before]) => overlap(rect, before));
        if (other) found.add(`one over the other: ${words}, ${other[0]}`);
        texts.push([words, rect]);
      }
    }

    for (const one of controls) {
      if (one instanceof HTMLSelectElement && wanted(one) > one.offsetWidth + WIDE)
        found.add(`cut by ${wanted(one) - one.offsetWidth} px: an option of ${one.id}`);
      if (!(one instanceof HTMLInputElement) || one.type === 'password') continue;
      const { paddingLeft, paddingRight } = getComputedStyle(one);
      const room = one.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
      for (const words of [one.value, one.placeholder])
        if (widthOf(words, one) > room + WIDE) found.add(`cut in its field: ${words}`);
    }
    return [...found];
  }, undefined);
}
