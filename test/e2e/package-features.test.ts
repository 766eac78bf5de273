import { expect } from 'chai';
import iconv from 'iconv-lite';
import type { BrowserContext, Frame, Page } from 'puppeteer-core';
import { newUuid } from '../../src/base/ids.ts';
import type { LaunchRequest, PackageVersion } from '../../src/player/types.ts';
import { newContext, newPage } from '../support/browser.ts';
import { onEveryEngine } from '../support/engines.ts';
import { scoPage, startPlayer, type PlayerHouse } from '../support/player.ts';

/** What a page of content offers (test/support/player.ts). */
interface Content {
  get(element: string): string;
  set(element: string, value: string): string;
  commit(): string;
  finish(): string;
  error(): string;
}
type Toc = {
  title: string;
  next: boolean;
  previous: boolean;
  review: boolean;
  entries: { identifier: string; title: string; enabled: boolean; current: boolean; state: string }[];
};

/**
 * SCORM 1.2 as old tools wrote it: Big5, no namespaces at all, a base on every level, a parameter, and every launch datum
 * of CAM 2.3.2.5.
 */
const oldManifest = `<?xml version="1.0" encoding="Big5"?>
<manifest identifier="m" version="1.0">
  <metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion>
    <lom><general><title><langstring xml:lang="zh-TW">認識台灣樹木</langstring></title><language>zh-TW</language></general></lom></metadata>
  <organizations default="o"><organization identifier="o"><title>台灣的樹</title>
    <item identifier="A" identifierref="R1" parameters="?page=3&amp;mode=x"><title>樹皮與樹葉</title>
      <prerequisites type="aicc_script"></prerequisites>
      <maxtimeallowed>0000:45:00</maxtimeallowed>
      <timelimitaction>exit,message</timelimitaction>
      <datafromlms>卷=一;頁=3</datafromlms>
      <masteryscore>75</masteryscore></item>
    <item identifier="hidden" isvisible="false" identifierref="R2"><title>不見</title></item>
  </organization></organizations>
  <resources xml:base="content/">
    <resource identifier="R1" type="webcontent" scormtype="sco" href="bark.html" xml:base="trees/"><file href="bark.html"/></resource>
    <resource identifier="R2" type="webcontent" scormtype="asset" href="leaf.html"><file href="leaf.html"/></resource>
  </resources>
</manifest>`;

/** SCORM 2004 4th Edition in UTF-16: a threshold, a collection, a limit, hidden buttons, metadata beside the manifest. */
const wideManifest = `<?xml version="1.0" encoding="UTF-16"?>
<manifest identifier="m" version="1.0" xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3" xmlns:adlnav="http://www.adlnet.org/xsd/adlnav_v1p3" xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3" xmlns:imsss="http://www.imsglobal.org/xsd/imsss">
  <metadata><schema>ADL SCORM</schema><schemaversion>2004 4th Edition</schemaversion><adlcp:location>about.xml</adlcp:location></metadata>
  <organizations default="o"><organization identifier="o"><title>步道</title>
    <item identifier="A" identifierref="R1" parameters="#start"><title>入口</title>
      <adlcp:timeLimitAction>continue,no message</adlcp:timeLimitAction>
      <adlcp:dataFromLMS>路線=甲</adlcp:dataFromLMS>
      <adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="0.6"/>
      <imsss:sequencing IDRef="once"><imsss:objectives><imsss:primaryObjective objectiveID="goal" satisfiedByMeasure="true"><imsss:minNormalizedMeasure>0.7</imsss:minNormalizedMeasure></imsss:primaryObjective></imsss:objectives></imsss:sequencing>
      <adlnav:presentation><adlnav:navigationInterface><adlnav:hideLMSUI>previous</adlnav:hideLMSUI></adlnav:navigationInterface></adlnav:presentation></item>
    <item identifier="B" identifierref="R2"><title>出口</title>
      <adlnav:presentation><adlnav:navigationInterface><adlnav:hideLMSUI>continue</adlnav:hideLMSUI></adlnav:navigationInterface></adlnav:presentation></item>
    <imsss:sequencing><imsss:controlMode choice="true" flow="true"/></imsss:sequencing>
  </organization></organizations>
  <resources>
    <resource identifier="R1" type="webcontent" adlcp:scormType="sco" href="a.html"><file href="a.html"/><dependency identifierref="C"/></resource>
    <resource identifier="R2" type="webcontent" adlcp:scormType="sco" href="b.html"><file href="b.html"/></resource>
    <resource identifier="C" type="webcontent" adlcp:scormType="asset"><file href="c.css"/></resource>
  </resources>
  <imsss:sequencingCollection><imsss:sequencing ID="once"><imsss:limitConditions attemptLimit="1" attemptAbsoluteDurationLimit="PT20M"/></imsss:sequencing></imsss:sequencingCollection>
</manifest>`;

onEveryEngine('What manifests ask for, as content finds it in a browser', ({ storage }) => {
  let house: PlayerHouse;
  let browser: BrowserContext;
  let current: { version: PackageVersion; overrides: Partial<LaunchRequest> };

  before(async () => {
    browser = await newContext();
    house = await startPlayer(storage(), {
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

  const play = async (version: PackageVersion, overrides: Partial<LaunchRequest> = {}): Promise<Page> => {
    current = { version, overrides: { registration: newUuid(), ...overrides } };
    const page = await newPage(browser);
    await page.goto(`${house.publicOrigin}/player`);
    return page;
  };
  const sco = async (page: Page, title: string): Promise<Frame> => {
    const frame = await page.waitForFrame(
      async (one) =>
        /\/s\/[^/]+\//.test(one.url()) &&
        (await one.title().catch(() => '')) === title &&
        one.parentFrame() !== null,
      { timeout: 10_000 },
    );
    await frame.waitForFunction('window.started !== undefined', { timeout: 10_000 });
    return frame;
  };
  const read = (frame: Frame, ...elements: string[]): Promise<string[]> =>
    frame.evaluate((names) => names.map((name) => (window as unknown as Content).get(name)), elements);
  const toc = async (page: Page): Promise<Toc> =>
    (await page.evaluate(() =>
      (window as unknown as { messages: { zhixing: string }[] }).messages
        .filter(({ zhixing }) => zhixing === 'toc')
        .at(-1),
    )) as unknown as Toc;
  const say = (page: Page, message: object): Promise<void> =>
    page.evaluate((m) => (window as unknown as { tell(m: object): void }).tell(m), message);
  const leave = async (page: Page): Promise<void> => {
    await say(page, { zhixing: 'leave' });
    await page.waitForFunction('messages.some((m) => m.zhixing === "left")', { timeout: 10_000 });
    await page.close();
  };

  it('SCORM 1.2 in Big5 without namespaces: xml:base, parameters, launch data, time limit, mastery score', async () => {
    const version = await house.import({
      'imsmanifest.xml': iconv.encode(oldManifest, 'big5'),
      'content/trees/bark.html': scoPage('樹皮'),
      'content/leaf.html': '<!doctype html><title>葉</title>',
    });
    const registration = newUuid();
    const page = await play(version, { registration });
    const frame = await sco(page, '樹皮');
    expect(new URL(frame.url()).pathname).to.match(/\/content\/trees\/bark\.html$/);
    expect(new URL(frame.url()).search).to.equal('?page=3&mode=x');
    expect(
      await read(
        frame,
        'cmi.launch_data',
        'cmi.student_data.mastery_score',
        'cmi.student_data.max_time_allowed',
        'cmi.student_data.time_limit_action',
        'cmi.core.credit',
        'cmi.core.lesson_mode',
      ),
    ).to.deep.equal(['卷=一;頁=3', '75', '0000:45:00', 'exit,message', 'credit', 'normal']);
    const { title, entries } = await toc(page);
    expect([title, entries.map((entry) => entry.title)]).to.deep.equal(['樹皮與樹葉', ['樹皮與樹葉']]);
    // RTE 3.4.4: the mastery score overrules what the SCO says.
    await frame.evaluate(() => {
      const c = window as unknown as Content;
      c.set('cmi.core.lesson_status', 'passed');
      c.set('cmi.core.score.raw', '60');
      c.set('cmi.student_preference.language', 'zh-TW');
      c.set('cmi.comments', '樹皮很粗');
      c.finish();
    });
    await leave(page);
    const said = (await house.statements.find({ registration, ascending: true })).map(
      ({ statement: { verb, result, context } }) => [
        verb.id.split('/').at(-1),
        result?.response,
        context?.language,
      ],
    );
    expect(said).to.deep.equal([
      ['initialized', undefined, 'zh-TW'],
      ['scored', undefined, 'zh-TW'],
      ['failed', undefined, 'zh-TW'],
      ['commented', '樹皮很粗', 'zh-TW'],
      ['terminated', undefined, 'zh-TW'],
    ]);
    const again = await play(version, { registration });
    const resumed = await sco(again, '樹皮');
    expect(await read(resumed, 'cmi.student_preference.language', 'cmi.comments')).to.deep.equal([
      'zh-TW',
      '樹皮很粗',
    ]);
    await leave(again);
  });

  for (const order of ['utf-16le', 'utf-16be'])
    it(`SCORM 2004 in ${order}: threshold, passing score, collection with limits, hidden buttons, metadata by reference`, async () => {
      const version = await house.import({
        'imsmanifest.xml': iconv.encode(wideManifest, order, { addBOM: true }),
        'about.xml':
          '<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><language>zh-Hant</language></general></lom>',
        'a.html': scoPage('入'),
        'b.html': scoPage('出'),
        'c.css': 'body{}',
      });
      expect(version.extra['metadata']).to.deep.equal({ language: 'zh-Hant' });
      const registration = newUuid();
      const page = await play(version, { registration });
      const frame = await sco(page, '入');
      expect(new URL(frame.url()).hash).to.equal('#start');
      expect(
        await read(
          frame,
          'cmi.launch_data',
          'cmi.completion_threshold',
          'cmi.scaled_passing_score',
          'cmi.max_time_allowed',
          'cmi.time_limit_action',
          'cmi.objectives.0.id',
          'cmi.completion_status',
        ),
      ).to.deep.equal(['路線=甲', '0.6', '0.7', 'PT20M', 'continue,no message', 'goal', 'unknown']);
      const statuses = await frame.evaluate(() => {
        const c = window as unknown as Content;
        const both = (): string => `${c.get('cmi.completion_status')} ${c.get('cmi.success_status')}`;
        c.set('cmi.completion_status', 'completed');
        const said = both();
        c.set('cmi.progress_measure', '0.5');
        c.set('cmi.score.scaled', '0.5');
        const below = both();
        c.set('cmi.progress_measure', '0.6');
        c.set('cmi.score.scaled', '0.7');
        c.set('cmi.objectives.0.success_status', 'passed');
        return [said, below, both()];
      });
      expect(statuses).to.deep.equal(['unknown unknown', 'incomplete failed', 'completed passed']);
      const first = await toc(page);
      expect([first.previous, first.next]).to.deep.equal([false, true]);
      await say(page, { zhixing: 'next' });
      await sco(page, '出');
      await page.waitForFunction(
        'messages.filter((m) => m.zhixing === "toc").at(-1).entries.some((e) => e.identifier === "B" && e.current)',
      );
      const second = await toc(page);
      // continue is hidden here, and A may be attempted only once (the collection's limit).
      expect([second.previous, second.next]).to.deep.equal([false, false]);
      expect(second.entries.find(({ identifier }) => identifier === 'A')).to.include({
        enabled: false,
        state: 'passed',
      });
      await leave(page);
      // The objective's id came with the item: what was said of it is a Statement of that objective all the same.
      const objectives = (await house.statements.find({ registration })).flatMap(({ statement }) =>
        'id' in statement.object && statement.object.id.endsWith('/objectives/goal')
          ? [statement.verb.id.split('/').at(-1)]
          : [],
      );
      expect(objectives).to.include('passed');
    });

  it('a course that opens what is done for review only: content reads no-credit, and nothing changes', async () => {
    const version = await house.import({
      'imsmanifest.xml': iconv.encode(wideManifest, 'utf-16le', { addBOM: true }),
      'about.xml': '<lom xmlns="http://ltsc.ieee.org/xsd/LOM"/>',
      'a.html': scoPage('入'),
      'b.html': scoPage('出'),
      'c.css': '',
    });
    const registration = newUuid();
    const course = {
      activityId: `${house.publicOrigin}/courses/R`,
      title: '步道',
      requiredSeconds: null,
      attempts: { limit: null, review: true },
    };
    const page = await play(version, { registration, course });
    await sco(page, '入');
    await say(page, { zhixing: 'next' });
    const b = await sco(page, '出');
    await b.evaluate(() => {
      const c = window as unknown as Content;
      c.set('cmi.completion_status', 'completed');
      c.set('cmi.location', 'gate');
      c.set('cmi.exit', 'normal');
      c.set('adl.nav.request', 'exitAll');
      c.finish();
    });
    await page.waitForFunction('messages.some((m) => m.zhixing === "ended")', { timeout: 10_000 });
    await leave(page);
    const before = (await house.statements.find({ registration })).length;

    const again = await play(version, { registration, course });
    await again.waitForFunction('messages.some((m) => m.zhixing === "toc")');
    await say(again, { zhixing: 'open', item: 'B' });
    const reviewed = await sco(again, '出');
    expect(
      await read(reviewed, 'cmi.mode', 'cmi.credit', 'cmi.location', 'cmi.completion_status'),
    ).to.deep.equal(['review', 'no-credit', 'gate', 'completed']);
    await again.waitForFunction('messages.filter((m) => m.zhixing === "toc").at(-1).review === true');
    await reviewed.evaluate(() => {
      const c = window as unknown as Content;
      c.set('cmi.completion_status', 'incomplete');
      c.finish();
    });
    await leave(again);
    const after = await house.statements.find({ registration, ascending: true });
    expect(
      after.slice(before).filter(({ statement }) => JSON.stringify(statement).includes('incomplete')),
    ).to.deep.equal([]);
    expect(
      after.filter(
        ({ statement }) => statement.object && 'id' in statement.object && statement.object.id.endsWith('/B'),
      ),
    ).to.have.length(
      after
        .slice(0, before)
        .filter(({ statement }) => 'id' in statement.object && statement.object.id.endsWith('/B')).length,
    );
  });
});
