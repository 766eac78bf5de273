import { expect } from 'chai';
import type { BrowserContext, Frame, Page } from 'puppeteer-core';
import { newUuid } from '../../src/base/ids.ts';
import type { LaunchRequest, PackageVersion } from '../../src/player/types.ts';
import { newContext, newPage } from '../support/browser.ts';
import { onEveryEngine } from '../support/engines.ts';
import { manifest12, manifest2004, scoPage, startPlayer, type PlayerHouse } from '../support/player.ts';

/** What the test's pages of content offer (test/support/player.ts). */
interface Content {
  started: string;
  init(): string;
  get(element: string): string;
  set(element: string, value: string): string;
  commit(): string;
  finish(): string;
  error(): string;
}

onEveryEngine('The player in a browser', function ({ storage }) {
  let house: PlayerHouse;
  let browser: BrowserContext;
  let cut = false;
  let current: { version: PackageVersion; overrides: Partial<LaunchRequest> };

  before(async () => {
    browser = await newContext();
    // The smallest portal page that holds the player: a form into a frame.
    house = await startPlayer(storage(), {
      // A cable pulled: connections to the run-time API break off.
      before: (req, res, next) => {
        if (cut && req.path.startsWith('/runtime/')) res.destroy();
        else next();
      },
      portal: (of) => async (req, res, next) => {
        if (req.path !== '/player') return next();
        const launch = await of().launch(current.version, current.overrides);
        res.type('html').send(`<!doctype html><html lang="zh-Hant"><title>player</title>
<iframe name="content-frame" style="width:800px;height:500px"></iframe>
<form id="f" method="post" target="content-frame" action="${launch.frameUrl}"><input type="hidden" name="token" value="${launch.launchToken}"></form>
<script>window.messages=[];addEventListener('message',e=>messages.push(e.data));document.getElementById('f').submit();
window.tell=m=>frames[0].postMessage(m,${JSON.stringify(new URL(launch.frameUrl).origin)})</script>`);
      },
    });
  });
  after(async () => {
    await browser.close();
    await house.close();
  });

  const play = async (
    version: PackageVersion,
    registration: string,
  ): Promise<{ page: Page; sco: () => Promise<Frame> }> => {
    current = { version, overrides: { registration } };
    const page = await newPage(browser);
    await page.goto(`${house.publicOrigin}/player`);
    const sco = async (): Promise<Frame> => {
      const frame = await page.waitForFrame(
        (one) => /\/s\/[^/]+\//.test(one.url()) && one.parentFrame() !== null,
        {
          timeout: 10_000,
        },
      );
      await frame.waitForFunction('window.started !== undefined', { timeout: 10_000 });
      return frame;
    };
    return { page, sco };
  };
  const say = (page: Page, message: object): Promise<void> =>
    page.evaluate((m) => (window as unknown as { tell(m: object): void }).tell(m), message);
  const messages = (page: Page, kind: string): Promise<Record<string, unknown>[]> =>
    page.evaluate(
      (k) =>
        (window as unknown as { messages: { zhixing: string }[] }).messages.filter(
          ({ zhixing }) => zhixing === k,
        ) as unknown as Record<string, unknown>[],
      kind,
    );
  const leave = async (page: Page): Promise<void> => {
    await say(page, { zhixing: 'leave' });
    await page.waitForFunction('messages.some((m) => m.zhixing === "left")', { timeout: 10_000 });
    await page.close();
  };
  const verbsOf = async (registration: string): Promise<string[]> =>
    (await house.statements.find({ registration, ascending: true })).map(
      ({ statement }) => statement.verb.id.split('/').at(-1) ?? '',
    );

  it('plays SCORM 1.2, writes what happens, and resumes where the learner left', async () => {
    const version = await house.import({
      'imsmanifest.xml': manifest12([
        { id: 'A', title: '樹皮', href: 'a.html', extra: '<adlcp:masteryscore>80</adlcp:masteryscore>' },
      ]),
      'a.html': scoPage('樹皮'),
    });
    const registration = newUuid();
    const first = await play(version, registration);
    let sco = await first.sco();
    expect(await sco.evaluate(() => (window as unknown as Content).started)).to.equal('true');
    expect(await sco.evaluate(() => (window as unknown as Content).get('cmi.core.entry'))).to.equal(
      'ab-initio',
    );
    expect(await sco.evaluate(() => (window as unknown as Content).get('cmi.core.student_name'))).to.equal(
      '王小明',
    );
    await sco.evaluate(() => {
      const c = window as unknown as Content;
      c.set('cmi.core.lesson_location', 'page-3');
      c.set('cmi.suspend_data', '資料 a.b$c');
      c.set('cmi.core.score.raw', '90');
      c.set('cmi.core.session_time', '0000:01:30.50');
      c.set('cmi.core.exit', 'suspend');
      c.commit();
    });
    await leave(first.page);
    expect(await verbsOf(registration)).to.deep.equal([
      'initialized',
      'scored',
      'completed',
      'passed',
      'suspended',
    ]);

    const second = await play(version, registration);
    sco = await second.sco();
    const read = await sco.evaluate(() => {
      const c = window as unknown as Content;
      return ['entry', 'lesson_location', 'total_time', 'lesson_status', 'score.raw']
        .map((name) => c.get(`cmi.core.${name}`))
        .concat(c.get('cmi.suspend_data'));
    });
    expect(read).to.deep.equal(['resume', 'page-3', '0000:01:30.50', 'passed', '90', '資料 a.b$c']);
    await leave(second.page);
    expect((await verbsOf(registration)).slice(5)).to.deep.equal(['resumed', 'terminated']);
  });

  it('plays SCORM 2004 with several items: table of contents, choosing, progress', async () => {
    const version = await house.import({
      'imsmanifest.xml': manifest2004([
        { id: 'A', title: '根', href: 'a.html' },
        { id: 'B', title: '葉', href: 'pages/b.html?x=1#y' },
      ]),
      'a.html': scoPage('根'),
      'pages/b.html': scoPage('葉'),
    });
    const registration = newUuid();
    const { page, sco } = await play(version, registration);
    const a = await sco();
    await a.evaluate(() => {
      const c = window as unknown as Content;
      c.set('cmi.completion_status', 'completed');
      c.set('cmi.success_status', 'passed');
      c.set('cmi.score.scaled', '0.75');
      c.commit();
    });
    await say(page, { zhixing: 'open', item: 'B' });
    await page.waitForFrame((one) => one.url().includes('/pages/b.html?x=1#y'), { timeout: 10_000 });
    const b = await sco();
    expect(await b.evaluate(() => (window as unknown as Content).get('cmi.entry'))).to.equal('ab-initio');
    await b.waitForFunction('document.title === "葉"');
    await leave(page);
    expect(await verbsOf(registration)).to.deep.equal([
      'initialized',
      'scored',
      'completed',
      'passed',
      'terminated',
      'initialized',
      // 離開課程 is suspendAll (SN 4.5.4): the lesson goes on where it was left.
      'suspended',
    ]);

    const again = await play(version, registration);
    await again.sco();
    const toc = (await messages(again.page, 'toc')).at(-1) as {
      entries: { identifier: string; state: string; current: boolean }[];
    };
    expect(toc.entries.map(({ identifier, state, current: now }) => [identifier, state, now])).to.deep.equal([
      ['A', 'passed', false],
      ['B', 'started', true],
    ]);
    await leave(again.page);
  });

  it('keeps items with SCORM 1.2 prerequisites locked, says why, and opens them when they are met', async () => {
    const version = await house.import({
      'imsmanifest.xml': manifest12([
        { id: 'A', title: '根', href: 'a.html' },
        {
          id: 'B',
          title: '葉',
          href: 'b.html',
          extra: '<adlcp:prerequisites type="aicc_script">A="passed"</adlcp:prerequisites>',
        },
      ]),
      'a.html': scoPage('根'),
      'b.html': scoPage('葉'),
    });
    const registration = newUuid();
    const { page, sco } = await play(version, registration);
    const a = await sco();
    const toc = async (): Promise<Record<string, unknown>> =>
      ((await messages(page, 'toc')).at(-1) ?? {}) as Record<string, unknown>;
    const b = async (): Promise<unknown> => ((await toc())['entries'] as unknown[])[1];
    expect(await b()).to.deep.include({
      enabled: false,
      locked: { kind: 'is', item: '根', status: 'passed' },
    });
    expect((await toc())['next']).to.equal(false);
    await say(page, { zhixing: 'open', item: 'B' });
    // The server says no as well, whatever a browser asks for.
    const launch = await house.launch(version, { registration });
    const authenticated = await house.sessions.authenticate('launch', launch.launchToken);
    expect(await house.runtime.open(authenticated, 'B').catch((e: unknown) => e)).to.include({
      kind: 'forbidden',
      code: 'player.locked',
    });
    await a.evaluate(() => {
      const c = window as unknown as Content;
      c.set('cmi.core.lesson_status', 'passed');
      c.commit();
    });
    await page.waitForFunction(
      'messages.filter((m) => m.zhixing === "toc").at(-1).entries[1].enabled === true',
    );
    expect(await b()).to.deep.include({ locked: null });
    await say(page, { zhixing: 'next' });
    await page.waitForFrame((one) => one.url().endsWith('/b.html'), { timeout: 10_000 });
    const opened = await sco();
    await opened.waitForFunction('document.title === "葉"');
    await leave(page);
  });

  it('follows SCORM 2004 sequencing: flow, rules on a global objective, state over a relaunch (SN 4)', async () => {
    const objective = (id: string, maps: string): string =>
      `<imsss:objectives><imsss:primaryObjective objectiveID="${id}"><imsss:mapInfo targetObjectiveID="g1" ${maps}/></imsss:primaryObjective></imsss:objectives>`;
    const version = await house.import({
      'imsmanifest.xml': manifest2004(
        [
          {
            id: 'A',
            title: '根',
            href: 'a.html',
            // Left alone, an item that says nothing counts as satisfied when it ends (UP.4): this one is asked.
            extra: `<imsss:sequencing>${objective('pa', 'writeSatisfiedStatus="true"')}<imsss:deliveryControls objectiveSetByContent="true"/></imsss:sequencing>`,
          },
          {
            id: 'B',
            title: '葉',
            href: 'b.html',
            extra: `<imsss:sequencing><imsss:sequencingRules><imsss:preConditionRule><imsss:ruleConditions conditionCombination="any"><imsss:ruleCondition referencedObjective="pb" operator="not" condition="satisfied"/><imsss:ruleCondition referencedObjective="pb" operator="not" condition="objectiveStatusKnown"/></imsss:ruleConditions><imsss:ruleAction action="disabled"/></imsss:preConditionRule></imsss:sequencingRules>${objective('pb', 'readSatisfiedStatus="true"')}</imsss:sequencing>`,
          },
        ],
        '<imsss:sequencing><imsss:controlMode choice="true" flow="true"/></imsss:sequencing>',
      ),
      'a.html': scoPage('根'),
      'b.html': scoPage('葉'),
    });
    const registration = newUuid();
    const { page, sco } = await play(version, registration);
    const a = await sco();
    const asked = await a.evaluate(() => {
      const c = window as unknown as Content;
      return [
        c.get('adl.nav.request_valid.continue'),
        c.get('adl.nav.request_valid.choice.{target=B}'),
        c.get('adl.nav.request_valid.choice.{target=A}'),
      ];
    });
    expect(asked[1]).to.equal('false');
    const enabled = async (): Promise<Record<string, boolean>> =>
      Object.fromEntries(
        (
          (await messages(page, 'toc')).at(-1) as { entries: { identifier: string; enabled: boolean }[] }
        ).entries.map((entry) => [entry.identifier, entry.enabled]),
      );
    // The course as a whole can be chosen too: it opens at its start.
    expect(await enabled()).to.deep.equal({ org: true, A: true, B: false });
    await a.evaluate(() => {
      const c = window as unknown as Content;
      c.set('cmi.completion_status', 'completed');
      c.set('cmi.success_status', 'passed');
      c.set('adl.nav.request', 'continue');
      c.finish();
    });
    await page.waitForFrame((one) => one.url().endsWith('/b.html'), { timeout: 10_000 });
    const b = await sco();
    await b.waitForFunction('document.title === "葉"');
    expect(
      await b.evaluate(() => (window as unknown as Content).get('cmi.objectives.0.success_status')),
    ).to.equal('passed');
    await leave(page);

    const again = await play(version, registration);
    const resumed = await again.sco();
    expect(resumed.url().endsWith('/b.html')).to.equal(true);
    expect(await resumed.evaluate(() => (window as unknown as Content).get('cmi.entry'))).to.equal('resume');
    await leave(again.page);
  });

  it('keeps what content sets in its unload handler when the tab is closed', async () => {
    const version = await house.import({
      'imsmanifest.xml': manifest2004([{ id: 'A', title: '根', href: 'a.html' }]),
      'a.html': scoPage('根').replace(
        'if (!window.quiet) finish();',
        "set('cmi.location', 'last'); set('cmi.exit', 'suspend'); finish();",
      ),
    });
    const registration = newUuid();
    const first = await play(version, registration);
    await first.sco();
    await first.page.close({ runBeforeUnload: false });
    const second = await play(version, registration);
    const sco = await second.sco();
    expect(await sco.evaluate(() => (window as unknown as Content).get('cmi.location'))).to.equal('last');
    expect(await sco.evaluate(() => (window as unknown as Content).get('cmi.entry'))).to.equal('resume');
    await leave(second.page);
  });

  it('loses nothing when the network is cut: kept in the browser, sent when it is back, also by the next window', async () => {
    const version = await house.import({
      'imsmanifest.xml': manifest2004([{ id: 'A', title: '根', href: 'a.html' }]),
      'a.html': scoPage('根').replace('if (!window.quiet) finish();', ''),
    });
    const registration = newUuid();
    const first = await play(version, registration);
    let sco = await first.sco();
    await first.page.waitForFunction('messages.some((m) => m.zhixing === "saving" && m.state === "saved")');
    cut = true;
    try {
      await sco.evaluate(() => {
        const c = window as unknown as Content;
        c.set('cmi.suspend_data', '文'.repeat(30_000));
        c.set('cmi.success_status', 'passed');
        c.commit();
      });
      await first.page.waitForFunction(
        'messages.some((m) => m.zhixing === "saving" && m.state === "offline")',
      );
      await first.page.close();
    } finally {
      cut = false;
    }
    const second = await play(version, registration);
    sco = await second.sco();
    expect(
      await sco.evaluate(() => {
        const c = window as unknown as Content;
        return [c.get('cmi.entry'), c.get('cmi.suspend_data').length, c.get('cmi.success_status')];
      }),
    ).to.deep.equal(['resume', 30_000, 'passed']);

    // In the same window it arrives by itself once the network is back.
    cut = true;
    await sco.evaluate(() => {
      const c = window as unknown as Content;
      c.set('cmi.completion_status', 'completed');
      c.commit();
    });
    await second.page.waitForFunction('messages.at(-1).state === "offline"');
    cut = false;
    await second.page.waitForFunction(
      'messages.at(-1).zhixing === "saving" && messages.at(-1).state === "saved"',
      {
        timeout: 15_000,
      },
    );
    expect(await verbsOf(registration)).to.deep.equal(['initialized', 'passed', 'resumed', 'completed']);
    await leave(second.page);
  });

  it('lets no token stand in an address', async () => {
    const version = await house.import({
      'imsmanifest.xml': manifest12([{ id: 'A', title: '樹', href: 'a.html' }]),
      'a.html': scoPage('樹'),
    });
    const { page, sco } = await play(version, newUuid());
    const frame = await sco();
    expect(frame.parentFrame()?.url()).to.equal(`${house.contentOrigin}/launch`);
    expect(page.url()).to.equal(`${house.publicOrigin}/player`);
    expect(await frame.evaluate(() => document.cookie)).to.equal('');
    await leave(page);
  });
});
