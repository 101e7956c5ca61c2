/** Draws panels of the dashboard with Grafana's own components in a browser. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import chromium from '@sparticuz/chromium';
import { build } from 'esbuild';
import { chromium as playwright } from 'playwright-core';
import type { AnsweredPanel } from './answers';
import type { Range } from './prometheus';

/** What the page shows. */
export interface Drawing {
  range: Range;
  rows: RowPanel[];
  panels: AnsweredPanel[];
}

/** What the picture's folder has for PNG files of few colours. */
interface Upng {
  decode(png: ArrayBufferLike): { width: number; height: number };
  encode(images: ArrayBuffer[], width: number, height: number, colours: number): ArrayBuffer;
  toRGBA8(image: { width: number; height: number }): ArrayBuffer[];
}

const ADDRESS = 'http://dashboard.invalid/';
/** Where the page looks for icons, and where they are. */
const ICONS_PATH = '/public/build/';
const ICONS = 'node_modules/@grafana/ui/dist/public';
const EMPTY_PAGE =
  '<!doctype html><html><head></head><body style="margin:0"><div id="root"></div></body></html>';
const WIDTH = 1200;
const COLOURS = 64;
/** The page sets this title when everything is drawn. */
const DRAWN = 'drawn';

/** A PNG file. `folder` has the page and its modules. */
export async function draw(folder: string, drawing: Drawing): Promise<Buffer> {
  const bundle = await build({
    entryPoints: [join(folder, 'page.jsx')],
    bundle: true,
    write: false,
    outdir: 'out',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.woff2': 'dataurl', '.woff': 'empty', '.svg': 'dataurl', '.ttf': 'empty' },
    logLevel: 'error',
  });
  const textOf = (ending: string) => bundle.outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
  const browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    args: ['--headless=shell', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  try {
    const page = await browser.newPage({ locale: 'en-US', viewport: { width: WIDTH, height: 800 } });
    page.on('pageerror', (error) => console.error(error));
    // The components use local storage, which only a page with an address has.
    await page.route(ADDRESS, (route) => route.fulfill({ contentType: 'text/html', body: EMPTY_PAGE }));
    await page.route(`**${ICONS_PATH}**`, (route) =>
      route.fulfill({
        path: join(folder, ICONS, new URL(route.request().url()).pathname.slice(ICONS_PATH.length)),
      }),
    );
    await page.goto(ADDRESS);
    await page.addStyleTag({ content: textOf('.css') });
    await page.evaluate((data) => Object.assign(globalThis, { drawing: data }), drawing);
    await page.addScriptTag({ content: textOf('.js') });
    await page.waitForFunction((title) => document.title === title, DRAWN);
    return small(folder, await page.screenshot({ fullPage: true }));
  } finally {
    await browser.close();
  }
}

function small(folder: string, png: Buffer): Buffer {
  const upng = createRequire(join(folder, 'package.json'))('upng-js') as Upng;
  const image = upng.decode(new Uint8Array(png).buffer);
  return Buffer.from(upng.encode(upng.toRGBA8(image), image.width, image.height, COLOURS));
}
