import { expect } from 'chai';
import type { BrowserContext, Frame, Page } from 'puppeteer-core';
import { join } from 'node:path';
import { buildContent } from '../../scripts/build-content.ts';
import { buildClient } from '../../scripts/build-client.ts';
import { expectAccessible, newContext, newPage, pdfText, screenshots } from '../support/browser.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const root = join(import.meta.dirname, '../..');

/** Clicks and waits for the page that follows. */
const follow = async (page: Page, selector: string): Promise<void> => {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.click(selector)]);
};
const textOf = (page: Page | Frame, selector = 'main'): Promise<string> =>
  page.$eval(selector, (element) => (element as HTMLElement).innerText);

/** The page of the content inside the launch frame. */
async function contentOf(page: Page, file: string): Promise<Frame> {
  for (let tries = 0; tries < 100; tries++) {
    const frame = page.frames().find((each) => each.url().includes(`/${file}`));
    if (frame && (await frame.evaluate(() => document.readyState === 'complete').catch(() => false)))
      return frame;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(
    `The content did not open; frames: ${page.frames().map((frame) => frame.url().replace(/\/s\/[^/]+/, '/s/…'))}`,
  );
}

const until = async (what: string, check: () => Promise<boolean>, tries = 150): Promise<void> => {
  for (let at = 0; at < tries; at++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`It did not happen: ${what}`);
};

describe('from an uploaded package to a certificate, in a real browser', function () {
  this.timeout(180_000);
  let server: RunningServer;
  let vendor: BrowserContext;
  let learner: BrowserContext;

  before(async () => {
    await Promise.all([buildContent(), buildClient()]);
    const started = await startServer();
    if (!started) throw new Error('no server');
    server = started;
    vendor = await newContext();
    learner = await newContext();
  });
  after(async () => {
    await vendor?.close();
    await learner?.close();
    await server?.remove();
  });

  const signIn = async (page: Page, who: string): Promise<void> => {
    await page.goto(`${server.origin}/sign-in`);
    await follow(page, `button[data-demo="${who}"]`);
  };
  const statements = async (
    query: string,
  ): Promise<{ verb: { id: string }; result?: { duration?: string } }[]> => {
    const answer = await fetch(`${server.lrs.endpoint}/statements?${query}`, {
      headers: { authorization: server.lrs.authorization, 'x-experience-api-version': '1.0.3' },
    });
    expect(answer.status).to.equal(200);
    return ((await answer.json()) as { statements: { verb: { id: string } }[] }).statements;
  };

  it('the vendor uploads a package, is told it is good, and makes a course of it', async () => {
    const page = await newPage(vendor);
    await signIn(page, 'vendor');
    await page.goto(`${server.origin}/vendor/upload`);
    await expectAccessible(page);
    await screenshots(page, 'vendor-upload');
    const input = await page.$('input[type="file"]');
    await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(
      join(root, 'build/content/personal-data-protection.zip'),
    );
    await follow(page, 'form.upload button[type="submit"]');
    expect(await textOf(page))
      .to.include('教材可以使用')
      .and.include('個人資料保護的第一課');
    await screenshots(page, 'vendor-report');
    await follow(page, 'a[href^="/vendor/courses/new"]');
    await page.type('#code', 'E2E-001');
    await page.type('#summary-zh', '由瀏覽器測試開設的課程。');
    await page.$eval('#hours', (element) => ((element as HTMLInputElement).value = '0.1'));
    await page.type('#reading', '00:00:03');
    await follow(page, 'form.panel button[type="submit"]');
    expect(await textOf(page)).to.include('已儲存');

    await follow(page, 'form[action$="/publish"] button');
    expect(await textOf(page))
      .to.include('測驗（已設定及格分數）')
      .and.include('問卷（已設定需填問卷）');

    await follow(page, 'a[href$="/quiz"]');
    const title = await page.$eval('#title-zh', (field) => (field as HTMLInputElement).value);
    expect(title).to.equal('個人資料保護的第一課');
    await page.type(
      '#questions',
      '一加一等於多少？\n( ) 一\n(*) 二\n\n哪些是水果？\n[*] 蘋果\n[*] 芭樂\n[ ] 石頭',
    );
    await follow(page, 'form.panel button[type="submit"]');
    await follow(page, 'a[href$="/survey"]');
    await page.type('#questions', '* 滿意嗎？\n- 不滿意\n- 滿意\n\n建議');
    await follow(page, 'form.panel button[type="submit"]');
    await screenshots(page, 'vendor-course');
    await expectAccessible(page);
    await follow(page, 'form[action$="/publish"] button');
    expect(page.url()).to.include('/courses/E2E-001');
    expect(page.faults.filter((fault) => !fault.includes('422'))).to.deep.equal([]);
  });

  it('a faulty package is refused with file, line and remedy, and leaves nothing behind', async () => {
    const page = await newPage(vendor);
    const { zipOf } = await import('../support/packages.ts');
    const { writeFile, mkdtemp } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const file = join(await mkdtemp(join(tmpdir(), 'zhixing-zip-')), 'faulty.zip');
    await writeFile(
      file,
      await zipOf({
        'imsmanifest.xml': `<?xml version="1.0"?>
<manifest identifier="m" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2">
<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion></metadata>
<organizations default="o"><organization identifier="o"><title>錯誤的教材</title>
<item identifier="i" identifierref="r"><title>單元</title></item></organization></organizations>
<resources><resource identifier="r" type="webcontent" adlcp:scormtype="sco" href="Index.html"/></resources></manifest>`,
        'index.html': '<p>大小寫不同</p>',
      }),
    );
    await page.goto(`${server.origin}/vendor/upload`);
    const input = await page.$('input[type="file"]');
    await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(file);
    await follow(page, 'form.upload button[type="submit"]');
    const text = await textOf(page);
    expect(text)
      .to.include('教材有錯誤')
      .and.include('imsmanifest.xml')
      .and.include('第 6 行')
      .and.include('大小寫');
    await screenshots(page, 'vendor-refused');
    await expectAccessible(page);
    await page.goto(`${server.origin}/vendor`);
    expect(await textOf(page)).to.not.include('錯誤的教材');
  });

  it('the learner enrols, takes half of the course, closes the tab and comes back to the same page', async () => {
    const page = await newPage(learner);
    await signIn(page, 'learner');
    await page.goto(`${server.origin}/courses/E2E-001`);
    await follow(page, 'form[action$="/enrol"] button');
    await expectAccessible(page);
    await page.goto(`${server.origin}/courses/E2E-001/learn`);
    const content = await contentOf(page, 'index.html');
    await content.waitForSelector('#next:not([disabled])');
    for (let at = 0; at < 3; at++) await content.click('#next');
    expect(await content.$eval('#where', (element) => element.textContent)).to.include('第 4 頁');
    await screenshots(page, 'player');
    await expectAccessible(page, ['iframe']);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await page.close({ runBeforeUnload: false });

    const again = await newPage(learner);
    await again.goto(`${server.origin}/courses/E2E-001/learn`);
    const resumed = await contentOf(again, 'index.html');
    await resumed.waitForSelector('#next:not([disabled])');
    await until('the bookmark is back', async () =>
      ((await resumed.$eval('#where', (element) => element.textContent)) ?? '').includes('第 4 頁'),
    );
    for (let at = 0; at < 3; at++) await resumed.click('#next');
    await new Promise((resolve) => setTimeout(resolve, 3500));
    await follow(again, '#player-leave');
    expect(again.url()).to.equal(`${server.origin}/courses/E2E-001`);
    await until('the reading time is met', async () => {
      await again.reload();
      return (await again.$('.conditions .reading.met')) !== null;
    });
    await again.close();
  });

  it('does the quiz and the survey, and the course is passed', async () => {
    const page = await newPage(learner);
    await page.goto(`${server.origin}/courses/E2E-001/quiz`);
    await screenshots(page, 'quiz');
    await follow(page, 'form[action$="/attempts"] button');
    await page.click('input[name="answers[q1][]"][value="b"]');
    for (const value of ['a', 'b']) await page.click(`input[name="answers[q2][]"][value="${value}"]`);
    await screenshots(page, 'quiz-attempt');
    await expectAccessible(page);
    await follow(page, 'form[action*="/attempts/"] button[type="submit"]');
    expect(await textOf(page))
      .to.include('100')
      .and.include('已通過');
    await screenshots(page, 'quiz-result');
    await expectAccessible(page);
    await page.goto(`${server.origin}/courses/E2E-001/survey`);
    await page.click('input[name="answers[s1][]"][value="b"]');
    await page.type('textarea', '很清楚');
    await screenshots(page, 'survey');
    await expectAccessible(page);
    await follow(page, 'form button[type="submit"]:not(.link)');
    expect(await textOf(page)).to.include('問卷已送出');
    await page.goto(`${server.origin}/courses/E2E-001`);
    expect(await textOf(page)).to.include('您已通過這門課程');
    await screenshots(page, 'course-passed');
  });

  it('the record says so in both languages, and one click gives a certificate whose text and verification agree', async () => {
    const page = await newPage(learner);
    for (const language of ['en', 'zh-TW']) {
      await page.goto(`${server.origin}/record?lang=${language}`);
      await screenshots(page, `record-${language}`);
      await expectAccessible(page);
    }
    expect(await textOf(page))
      .to.include('個人資料保護的第一課')
      .and.include('已通過')
      .and.include('100');
    const pdf = await page.evaluate(async () => {
      const form = document.querySelector<HTMLFormElement>('form[id^="one-"]');
      if (!form) throw new Error('no certificate to print');
      const answer = await fetch(form.action, {
        method: 'POST',
        body: new URLSearchParams(new FormData(form) as unknown as Record<string, string>),
      });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      return {
        status: answer.status,
        url: answer.url,
        base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')),
      };
    });
    expect(pdf.status).to.equal(200);
    const text = (await pdfText(Buffer.from(pdf.base64, 'base64'))).replace(/\s+/g, '');
    expect(text).to.include('王小明').and.include('個人資料保護的第一課').and.include('E2E-001');
    const code = /\/verify\/([0-9A-Z-]+)/.exec(text)?.[1];
    expect(code, 'the verification address stands in the certificate').to.be.a('string');

    const stranger = await newContext();
    try {
      const outside = await newPage(stranger);
      await outside.goto(`${server.origin}/verify/${code}?lang=zh-TW`);
      const shown = await textOf(outside);
      expect(shown).to.include('證書有效').and.include('個人資料保護的第一課').and.not.include('王小明');
      await screenshots(outside, 'verify');
      await expectAccessible(outside);
    } finally {
      await stranger.close();
    }
  });

  it('all of it stands in the LRS as Statements by the SCORM profile', async () => {
    const found = new Set((await statements('limit=200')).map(({ verb }) => verb.id.split('/').at(-1)));
    for (const verb of [
      'registered',
      'initialized',
      'suspended',
      'resumed',
      'terminated',
      'completed',
      'exited',
      'answered',
      'passed',
    ])
      expect([...found], verb).to.include(verb);
    const course = encodeURIComponent(`${server.origin}/courses/E2E-001`);
    const completed = await statements(
      `activity=${course}&verb=${encodeURIComponent('http://adlnet.gov/expapi/verbs/completed')}`,
    );
    expect(completed).to.have.length(1);
    expect(completed[0]?.result?.duration).to.match(/^PT/);
  });

  it('the pages that a guest sees are accessible and fit, in both languages', async () => {
    const guest = await newContext();
    try {
      const page = await newPage(guest);
      for (const language of ['zh-TW', 'en'])
        for (const [name, path] of [
          ['home', '/'],
          ['courses', '/courses'],
          ['course', '/courses/ZX115110001'],
          ['sign-in', '/sign-in'],
          ['verify-form', '/verify'],
          ['interfaces', '/interfaces'],
          ['not-found', '/nothing-here'],
        ] as const) {
          await page.goto(`${server.origin}${path}?lang=${language}`);
          await screenshots(page, `${name}-${language}`);
          await expectAccessible(page);
        }
    } finally {
      await guest.close();
    }
  });

  it('the pages of those signed in are accessible and fit in English too', async () => {
    for (const [context, paths] of [
      [
        learner,
        [
          '/my-courses',
          '/courses/E2E-001',
          '/courses/E2E-001/quiz',
          '/courses/E2E-001/survey',
          '/courses/E2E-001/learn',
        ],
      ],
      [vendor, ['/vendor', '/vendor/upload', '/vendor/courses/new']],
    ] as const) {
      const page = await newPage(context);
      for (const path of paths) {
        await page.goto(`${server.origin}${path}?lang=en`);
        await screenshots(page, `en${path.replaceAll('/', '-')}`);
        await expectAccessible(page, ['iframe']);
      }
      await page.goto(`${server.origin}/?lang=zh-TW`);
      await page.close();
    }
  });

  it('a learner who is not a vendor is refused the vendor area, and a guest is led to sign in and back', async () => {
    const page = await newPage(learner);
    const refused = await page.goto(`${server.origin}/vendor`);
    expect(refused?.status()).to.equal(403);
    expect(await textOf(page)).to.include('沒有這項權限');
    const guest = await newContext();
    try {
      const other = await newPage(guest);
      await other.goto(`${server.origin}/record`);
      expect(other.url()).to.include('/sign-in?returnTo=%2Frecord');
      await follow(other, 'button[data-demo="citizen"]');
      expect(other.url()).to.equal(`${server.origin}/record`);
    } finally {
      await guest.close();
    }
  });
});
