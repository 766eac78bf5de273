import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'puppeteer-core';
import { newPage } from './browser.ts';
import { zipOf } from './packages.ts';

/** Clicks and waits for the page that follows. */
export const follow = async (page: Page, selector: string): Promise<void> => {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.click(selector)]);
};

/** Waits up to 30 s until the check is true. */
export const until = async (what: string, check: () => Promise<boolean>): Promise<void> => {
  for (let at = 0; at < 300; at++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`It did not happen: ${what}`);
};

/** Signs a demo person in, in Traditional Chinese. */
export async function signInAs(context: BrowserContext, origin: string, who: string): Promise<void> {
  const page = await newPage(context);
  await page.goto(`${origin}/sign-in?lang=zh-TW`);
  await follow(page, `button[data-demo="${who}"]`);
  await page.close();
}

/** Uploads a package; the page shows its report. */
export async function upload(
  page: Page,
  origin: string,
  files: Record<string, string | Buffer>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'zhixing-upload-'));
  try {
    const file = join(folder, 'package.zip');
    await writeFile(file, await zipOf(files));
    await page.goto(`${origin}/vendor/upload`);
    const input = await page.$('input[type="file"]');
    await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(file);
    await follow(page, 'form.upload button[type="submit"]');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface CourseOptions {
  ownWindow?: boolean;
  /** HH:MM:SS */
  reading?: string;
  /** Minutes. */
  inactivity?: number;
}

/** Uploads a package, makes it a published course without quiz or survey, and enrols the learner; gives the report's text. */
export async function publishCourse(
  { vendor, learner, origin }: { vendor: BrowserContext; learner: BrowserContext; origin: string },
  code: string,
  files: Record<string, string | Buffer>,
  options: CourseOptions = {},
): Promise<string> {
  const page = await newPage(vendor);
  await upload(page, origin, files);
  const report = await page.$eval('main', (main) => (main as HTMLElement).innerText);
  await follow(page, 'a[href^="/vendor/courses/new"]');
  await page.type('#code', code);
  await page.type('#summary-zh', '測試用的課程。');
  await page.$eval('#hours', (element) => ((element as HTMLInputElement).value = '0'));
  await page.type('#reading', options.reading ?? '00:10:00');
  await page.$eval('#pass', (element) => ((element as HTMLInputElement).value = ''));
  await page.$eval('input[name="survey"]', (element) => ((element as HTMLInputElement).checked = false));
  if (options.inactivity) await page.type('#inactivity', String(options.inactivity));
  if (options.ownWindow) await page.click('input[name="ownWindow"]');
  await follow(page, 'form.panel button[type="submit"]');
  await follow(page, 'form[action$="/publish"] button');
  await page.close();
  const learning = await newPage(learner);
  await learning.goto(`${origin}/courses/${code}`);
  await follow(learning, 'form[action$="/enrol"] button');
  await learning.close();
  return report;
}

export interface StoredStatement {
  verb: { id: string };
  object: { id?: string };
  result?: { duration?: string; completion?: boolean; success?: boolean; score?: { scaled?: number } };
  context?: { registration?: string; contextActivities?: { grouping?: { id: string }[] } };
}

/** All Statements of a course, oldest first. */
export async function statementsOf(
  lrs: { endpoint: string; authorization: string },
  code: string,
): Promise<StoredStatement[]> {
  const found: StoredStatement[] = [];
  const root = new URL(lrs.endpoint).origin;
  for (let path = `${lrs.endpoint}/statements?ascending=true&limit=500`; path !== '';) {
    const answer = await fetch(path, {
      headers: { authorization: lrs.authorization, 'x-experience-api-version': '1.0.3' },
    });
    const body = (await answer.json()) as { statements: StoredStatement[]; more?: string };
    found.push(...body.statements);
    path = body.more ? new URL(body.more, root).href : '';
  }
  const isOf = ({ id }: { id?: string }): boolean => id?.endsWith(`/${code}`) ?? false;
  return found.filter(
    ({ object, context }) => isOf(object) || context?.contextActivities?.grouping?.some(isOf),
  );
}

/** The last word of a Statement's verb. */
export const verbOf = ({ verb }: StoredStatement): string => verb.id.split('/').at(-1) ?? '';
