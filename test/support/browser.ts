import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page, Viewport } from 'puppeteer-core';
import { launchChromium } from '../../src/certificates/chromium.ts';

let shared: Promise<Browser> | null = null;

/** One real Chromium for the whole run, launched when first asked for; test/support/hooks.ts closes it. */
export const browserForTests = (): Promise<Browser> => (shared ??= launchChromium());

export async function stopBrowserForTests(): Promise<void> {
  const launched = shared;
  shared = null;
  const browser = await launched?.catch(() => null);
  await browser?.close();
}

/** A fresh profile: no cookies, no storage of other tests. Close it with `await context.close()`. */
export const newContext = async (): Promise<BrowserContext> =>
  (await browserForTests()).createBrowserContext();

/** No touch or mobile emulation: switching that on or off reloads the page and loses its state. */
export const phone: Viewport = { width: 390, height: 844, deviceScaleFactor: 1 };
export const desktop: Viewport = { width: 1280, height: 800, deviceScaleFactor: 1 };

/** A page that remembers what went wrong in it; `faults` holds console errors and uncaught exceptions. */
export async function newPage(
  context: BrowserContext,
  viewport: Viewport = desktop,
): Promise<Page & { faults: string[] }> {
  const page = Object.assign(await context.newPage(), { faults: [] as string[] });
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') page.faults.push(message.text());
  });
  // The tests' compiler names inner functions with a helper that functions sent into the page expect there.
  await page.evaluateOnNewDocument('globalThis.__name = (f) => f');
  await page.setViewport(viewport);
  return page;
}

const folder = join(import.meta.dirname, '../../test-results/screenshots');

/**
 * Saves the whole page as `<name>-390.png` and `<name>-1280.png` under test-results/screenshots/ and fails when the
 * page is wider than the window. The viewport is put back afterwards.
 */
export async function screenshots(page: Page, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const before = page.viewport();
  const tooWide: string[] = [];
  for (const viewport of [phone, desktop]) {
    await page.setViewport(viewport);
    await page.evaluate(() => document.fonts.ready.then(() => undefined));
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > viewport.width)
      tooWide.push(`${name} is ${width} px wide in a window of ${viewport.width} px`);
    await page.screenshot({ path: join(folder, `${name}-${viewport.width}.png`), fullPage: true });
  }
  if (before) await page.setViewport(before);
  if (tooWide.length > 0) throw new Error(tooWide.join('; '));
}

/**
 * Runs axe-core (WCAG 2.0 and 2.1, A and AA) on the page and its same-origin frames, and fails with every violation
 * named: rule, what it asks, where, and why.
 * @param except CSS selectors left out, e.g. a vendor's content
 */
export async function expectAccessible(page: Page, except: string[] = []): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async (exclude) => {
    const run = (window as unknown as { axe: typeof axe }).axe;
    const result = await run.run(
      { include: [['html']], exclude: exclude.map((selector) => [selector]) },
      {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'],
        resultTypes: ['violations'],
        iframes: false,
      },
    );
    return result.violations.map(
      ({ id, help, nodes }) =>
        `${id}: ${help}\n${nodes
          .map((node) => `    ${node.target.join(' ')}: ${(node.failureSummary ?? '').replaceAll('\n', ' ')}`)
          .join('\n')}`,
    );
  }, except);
  if (violations.length > 0)
    throw new Error(`${page.url()} is not accessible:\n  ${violations.join('\n  ')}`);
}

/** The text of a PDF, page by page, as a reader's copy-and-paste would give it (pdf.js). */
export async function pdfPages(pdf: Uint8Array): Promise<string[]> {
  const { getDocument } = await import('pdfjs-dist/legacy/build/pdf.mjs');
  const task = getDocument({ data: Uint8Array.from(pdf), verbosity: 0, useSystemFonts: false });
  const document = await task.promise;
  try {
    const pages: string[] = [];
    for (let number = 1; number <= document.numPages; number++) {
      const content = await (await document.getPage(number)).getTextContent();
      pages.push(
        content.items
          .map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''))
          .join('')
          .trim(),
      );
    }
    return pages;
  } finally {
    await task.destroy();
  }
}

/** The text of all pages of a PDF. */
export const pdfText = async (pdf: Uint8Array): Promise<string> => (await pdfPages(pdf)).join('\n\f\n');
