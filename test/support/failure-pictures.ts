/** What the editor showed when a test failed, and what its browser complained of: in `dist/failures`, until the next build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const FOLDER = join(__dirname, '..', '..', 'failures');
/** The open pages, and what was complained of in each. */
const pages = new Map<Page, string[]>();

export function followPage(page: Page, complaints: string[]): void {
  pages.set(page, complaints);
  page.on('close', () => pages.delete(page));
}

/** Loaded by `.mocharc.json`. */
export const mochaHooks = {
  async afterEach(this: Mocha.Context): Promise<void> {
    const test = this.currentTest;
    if (test?.state !== 'failed' || pages.size === 0) return;
    mkdirSync(FOLDER, { recursive: true });
    let number = 0;
    for (const [page, complaints] of pages) {
      const name = test.fullTitle().replace(/[^\p{L}\p{N}]+/gu, '-');
      const path = join(FOLDER, `${name.slice(0, 150)}-${++number}`);
      try {
        await page.screenshot({ path: `${path}.png`, timeout: 10_000 });
        const text = await page.evaluate(() => document.body.innerText);
        writeFileSync(`${path}.txt`, [...complaints, '', text].join('\n'));
        console.warn(`    What the editor showed: ${path}.png and .txt`);
      } catch (error) {
        console.warn(`    No picture of the editor: ${(error as Error).message}`);
      }
    }
  },
};
