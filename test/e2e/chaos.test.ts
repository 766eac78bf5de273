import { expect } from 'chai';
import type { BrowserContext, Frame, Page } from 'puppeteer-core';
import type { ReadingView } from '../../src/player/sessions/player-sessions.ts';
import { newContext, newPage } from '../support/browser.ts';
import { manifest2004, scoPage } from '../support/player.ts';
import { follow, publishCourse, signInAs, statementsOf, until, verbOf } from '../support/portal.ts';
import { startServer, type RunningServer } from '../support/server.ts';
import { ToldClock } from '../support/told-clock.ts';

/** What the content offers (test/support/player.ts). */
interface Content {
  get(element: string): string;
  set(element: string, value: string): string;
  commit(): string;
}

/** Everything that a learner, a teacher or an auditor would look at afterwards. */
interface CourseRecord {
  /** Of 學習紀錄: reading time in seconds, and whether passed. */
  readingSeconds: number;
  passed: boolean;
  /** Outcomes as Statements, each with how often it was said. */
  said: string[];
  /** Of the lesson, opened again. */
  bookmark: string[];
}

const beatSeconds = 15;

describe('Chaos in the middle of a course', function () {
  this.timeout(240_000);
  let server: RunningServer;
  let clock: ToldClock;
  let vendor: BrowserContext;
  let learner: BrowserContext;
  let undisturbed: CourseRecord;

  before(async () => {
    clock = new ToldClock();
    server = (await startServer({ environment: clock.environment })) as RunningServer;
    vendor = await newContext();
    await signInAs(vendor, server.origin, 'vendor');
  });
  after(async () => {
    await vendor?.close();
    await server?.remove();
    clock?.remove();
  });
  // A browser of its own for every story; after a long sleep its session is over.
  beforeEach(async () => {
    learner = await newContext();
    await signInAs(learner, server.origin, 'learner');
  });
  afterEach(() => learner.close());

  const lessonIn = async (page: Page): Promise<Frame> => {
    const frame = await page.waitForFrame((one) => /\/s\/[^/]+\/a\.html/.test(one.url()), {
      timeout: 30_000,
    });
    await frame.waitForFunction('window.started === "true"', { timeout: 30_000 });
    return frame;
  };
  const enter = async (code: string): Promise<{ page: Page; lesson: Frame }> => {
    const page = await newPage(learner);
    const counting = page.waitForResponse(isBeat, { timeout: 30_000 });
    await page.goto(`${server.origin}/courses/${code}/learn`);
    await counting;
    return { page, lesson: await lessonIn(page) };
  };
  const isBeat = (answer: { url(): string; ok(): boolean }): boolean =>
    answer.url().endsWith('/beat') && answer.ok();
  /** A quarter of a minute of reading: the page's next beat arrives. */
  const read = async (page: Page, times: number): Promise<ReadingView> => {
    let view: ReadingView | null = null;
    for (let n = 0; n < times; n++) {
      clock.advance(beatSeconds);
      const answered = page.waitForResponse(isBeat, { timeout: 30_000 });
      await page.evaluate(() => window.dispatchEvent(new Event('online')));
      view = (await (await answered).json()) as ReadingView;
    }
    if (!view) throw new Error('nothing was read');
    return view;
  };
  const put = (lesson: Frame, values: Record<string, string>): Promise<void> =>
    lesson.evaluate((all) => {
      const content = window as unknown as Content;
      for (const [element, value] of Object.entries(all)) content.set(element, value);
      content.commit();
    }, values);
  const saved = (page: Page): Promise<unknown> =>
    page.waitForFunction('document.getElementById("player-saving").dataset.state === "saved"', {
      timeout: 60_000,
    });
  const firstHalf = { 'cmi.location': 'page-2', 'cmi.suspend_data': '筆記'.repeat(9000) };
  const secondHalf = {
    'cmi.location': 'page-4',
    'cmi.score.scaled': '0.9',
    'cmi.completion_status': 'completed',
    'cmi.success_status': 'passed',
    'cmi.exit': 'suspend',
  };

  const recordOf = async (code: string): Promise<CourseRecord> => {
    const outcomes = async (): Promise<string[]> =>
      (await statementsOf(server.lrs, code)).map(
        (one) =>
          `${verbOf(one)} ${one.result?.score?.scaled ?? ''}`.trim() +
          (one.object.id?.endsWith(`/${code}`) ? ' course' : ''),
      );
    await until('the course is passed', async () => (await outcomes()).includes('completed course')).catch(
      async (error: Error) => {
        const read = (await statementsOf(server.lrs, code)).map((one) => one.result?.duration ?? '');
        throw new Error(`${error.message}; said: ${(await outcomes()).join(', ')}; ${read.join(' ')}`);
      },
    );
    const page = await newPage(learner);
    await page.goto(`${server.origin}/record`);
    if (page.url().includes('/sign-in')) {
      await signInAs(learner, server.origin, 'learner');
      await page.goto(`${server.origin}/record`);
    }
    const row = await page.$$eval(
      'tbody tr',
      (rows, wanted) =>
        rows.map((one) => (one as HTMLElement).innerText).find((text) => text.includes(wanted)) ?? '',
      code,
    );
    await page.close();
    const [, h = '0', m = '0', s = '0'] =
      /(\d\d):(\d\d):(\d\d)/.exec(row.replace(/\d\d:\d\d:\d\d（含）/, '')) ?? [];
    const again = await enter(code);
    const bookmark = await again.lesson.evaluate(() =>
      ['cmi.entry', 'cmi.location', 'cmi.completion_status', 'cmi.success_status', 'cmi.suspend_data'].map(
        (element) => (window as unknown as Content).get(element),
      ),
    );
    // Left, not closed: a beacon under way would have the next story's reading wait for this session's end.
    await follow(again.page, '#player-leave');
    await again.page.close();
    return {
      readingSeconds: Number(h) * 3600 + Number(m) * 60 + Number(s),
      passed: row.includes('已通過'),
      // How often a lesson was resumed and left is the story itself; what came of it is the record.
      said: (await outcomes())
        .filter((said) => /^(initialized|scored|completed|passed|failed)/.test(said))
        .toSorted(),
      bookmark,
    };
  };

  /** A course read in two halves, with something between them; gives the record it ends with. */
  const learn = async (
    code: string,
    between: (at: { page: Page; lesson: Frame }) => Promise<{ page: Page; lesson: Frame }>,
  ): Promise<CourseRecord> => {
    await publishCourse(
      { vendor, learner, origin: server.origin },
      code,
      {
        'imsmanifest.xml': manifest2004([{ id: 'A', title: '根', href: 'a.html' }]),
        'a.html': scoPage('根').replace('if (!window.quiet) finish();', ''),
      },
      { reading: '00:01:30' },
    );
    const first = await enter(code);
    await read(first.page, 4);
    await put(first.lesson, firstHalf);
    await saved(first.page);
    const { page, lesson } = await between(first);
    await put(lesson, secondHalf);
    await saved(page);
    await read(page, 4);
    // Who was signed out meanwhile is told over the page; the time went on counting.
    if (await page.$('#session-end[open]')) await page.click('#session-end-close');
    await follow(page, '#player-leave');
    await page.close();
    return recordOf(code);
  };
  const endsAlike = (record: CourseRecord): void => {
    expect(record.readingSeconds).to.be.within(
      undisturbed.readingSeconds - beatSeconds,
      undisturbed.readingSeconds,
    );
    expect({ ...record, readingSeconds: 0 }).to.deep.equal({ ...undisturbed, readingSeconds: 0 });
  };

  before(async () => {
    learner = await newContext();
    await signInAs(learner, server.origin, 'learner');
    undisturbed = await learn('CHAOS-0', async (at) => {
      await read(at.page, 1);
      return at;
    });
    await learner.close();
  });

  it('nothing happens: two minutes and a quarter, passed, everything said once, the bookmark there', () => {
    expect(undisturbed).to.deep.equal({
      readingSeconds: 9 * beatSeconds,
      passed: true,
      said: ['completed', 'completed course', 'initialized', 'passed 0.9', 'scored 0.9'],
      bookmark: ['resume', 'page-4', 'completed', 'passed', '筆記'.repeat(9000)],
    });
  });

  it('the network is cut: what is set meanwhile arrives afterwards, and a beat that was missed counts', async () => {
    endsAlike(
      await learn('CHAOS-NET', async ({ page, lesson }) => {
        await page.setOfflineMode(true);
        await put(lesson, { 'cmi.location': 'page-3', 'cmi.score.scaled': '0.9' });
        await page.waitForFunction('document.getElementById("player-saving").dataset.state === "offline"');
        await page.setOfflineMode(false);
        await read(page, 1);
        await saved(page);
        return { page, lesson };
      }),
    );
  });

  it('the server is killed with SIGKILL while a commit is on its way', async () => {
    endsAlike(
      await learn('CHAOS-KILL', async ({ page, lesson }) => {
        await put(lesson, { 'cmi.location': 'page-3', 'cmi.score.scaled': '0.9' });
        await server.kill();
        await put(lesson, { 'cmi.objectives.0.id': 'o1' });
        await server.restart();
        await read(page, 1);
        await saved(page);
        return { page, lesson };
      }),
    );
  });

  it('the tab is closed with changes that were not committed yet', async () => {
    endsAlike(
      await learn('CHAOS-TAB', async ({ page, lesson }) => {
        await read(page, 1);
        await lesson.evaluate(() => (window as unknown as Content).set('cmi.score.scaled', '0.9'));
        await page.close();
        const again = await enter('CHAOS-TAB');
        expect(
          await again.lesson.evaluate(() => (window as unknown as Content).get('cmi.score.scaled')),
        ).to.equal('0.9');
        return again;
      }),
    );
  });

  it('the laptop sleeps for three hours', async () => {
    endsAlike(
      await learn('CHAOS-SLEEP', async ({ page, lesson }) => {
        await read(page, 1);
        clock.advance(3 * 3600);
        // Awake again: the first beat ends what fell asleep at its last beat, and counts from here.
        const answered = page.waitForResponse(isBeat, { timeout: 30_000 });
        await page.evaluate(() => window.dispatchEvent(new Event('online')));
        expect(((await (await answered).json()) as ReadingView).seconds).to.equal(5 * beatSeconds);
        return { page, lesson };
      }),
    );
  });
});
