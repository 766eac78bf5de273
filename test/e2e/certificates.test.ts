import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import express from 'express';
import { PDFDocument } from 'pdf-lib';
import { isDomainError } from '../../src/base/errors.ts';
import { createViewEngine, viewsFolder } from '../../src/views/engine.ts';
import { errorModel } from '../../src/views/error-model.ts';
import { createAssetRoutes } from '../../src/views/routes-assets.ts';
import { createOwnedBrowser } from '../../src/certificates/browser.ts';
import { createCertificates } from '../../src/certificates/certificates.ts';
import { loadCertificateFonts } from '../../src/certificates/fonts.ts';
import { createCertificateRenderer } from '../../src/certificates/render.ts';
import { createCertificateRoutes } from '../../src/certificates/routes.ts';
import type { Certificates, CompletedCourse } from '../../src/certificates/types.ts';
import { createErrorHandler } from '../../src/http/errors.ts';
import type { Person, Role } from '../../src/identity/types.ts';
import { createLogger } from '../../src/base/logger.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createAudit } from '../../src/identity/audit/audit.ts';
import type { Storage } from '../../src/storage/open.ts';
import { expectAccessible, newContext, newPage, pdfPages, screenshots } from '../support/browser.ts';
import { certificate, completedCourse } from '../support/certificates.ts';
import { TestClock } from '../support/clock.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';

const publicOrigin = 'https://learn.example.gov.tw';
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );
/** Without the white space that a reader puts between columns and letters. */
const tight = (text: string | undefined): string => (text ?? '').replaceAll(/\s/g, '');

describe('Certificates (學習證明)', function () {
  this.timeout(60_000);
  const fonts = loadCertificateFonts();
  const logged: unknown[] = [];
  const logger = { warn: (...line: unknown[]) => logged.push(line) } as never;
  const browser = createOwnedBrowser({ assets: fonts.asset });
  const renderer = createCertificateRenderer({ browser, fonts, publicOrigin, logger });
  const clock = new TestClock();
  const completed = new Map<string, CompletedCourse>();
  let empty: EmptyStore;
  let storage: Storage;
  let certificates: Certificates;

  before(async () => {
    const store = await emptyStore('sqlite');
    if (!store) throw new Error('SQLite is always there');
    empty = store;
    storage = await openStorage(store.options);
    certificates = createCertificates({
      store: storage.certificates,
      clock,
      renderer,
      facts: async (registration) => completed.get(registration) ?? null,
    });
    expect(await renderer.prewarm()).to.equal(true);
  });
  after(async () => {
    await browser.close();
    await storage.close();
    empty.remove();
  });

  describe('issue', () => {
    it('refuses a registration that is not completed', async () => {
      const error = await failure(certificates.issue('r-open'));
      expect(isDomainError(error, 'unprocessable')).to.equal(true);
    });

    it('freezes what was true, and gives the same certificate ever after', async () => {
      completed.set('r1', completedCourse());
      const [one, two] = await Promise.all([certificates.issue('r1', 'p1'), certificates.issue('r1', 'p1')]);
      expect(one).to.deep.equal(two);
      expect(one.number).to.equal('ZX-115-0000001');
      expect(one.issuedAt).to.deep.equal(clock.now());
      completed.set('r1', completedCourse({ personName: '王曉明', courseTitle: { 'zh-TW': '改名後' } }));
      const again = await certificates.issue('r1');
      expect(again).to.deep.equal(one);
      expect(again.personName).to.equal('王小明');
    });

    it('does not freeze more than a certificate says, whatever the facts carry (requirements 43: no ID number)', async () => {
      completed.set('r-id', {
        ...completedCourse({ personId: 'p9' }),
        idNumber: 'SECRET-ID',
      } as CompletedCourse);
      const issued = await certificates.issue('r-id');
      expect(JSON.stringify(issued)).to.not.contain('SECRET-ID');
      expect((await pdfPages(await certificates.pdf(issued))).join()).to.not.contain('SECRET-ID');
    });

    it("hides another person's registration", async () => {
      expect(isDomainError(await failure(certificates.issue('r1', 'p2')), 'not-found')).to.equal(true);
      completed.set('r2', completedCourse());
      expect(isDomainError(await failure(certificates.issue('r2', 'p2')), 'not-found')).to.equal(true);
      expect(await certificates.ofPerson('p2')).to.deep.equal([]);
    });

    it('a revoked one is not issued again by the learner, but anew by the platform with the facts of now', async () => {
      completed.set('r3', completedCourse({ personId: 'p3', personName: '陳美鈴' }));
      const wrong = await certificates.issue('r3');
      await certificates.revoke(wrong.number, 'admin', '姓名誤植');
      expect(isDomainError(await failure(certificates.issue('r3')), 'unprocessable')).to.equal(true);
      expect((await certificates.verify(wrong.verificationCode))?.revokedAt).to.deep.equal(clock.now());
      completed.set('r3', completedCourse({ personId: 'p3', personName: '陳美玲' }));
      const [right, same] = await Promise.all([certificates.reissue('r3'), certificates.reissue('r3')]);
      expect(right).to.deep.equal(same);
      expect([right.personName, right.edition]).to.deep.equal(['陳美玲', 2]);
      expect(right.number).to.not.equal(wrong.number);
      expect(await certificates.reissue('r3')).to.deep.equal(right);
      expect(isDomainError(await failure(certificates.revoke('ZX-1', 'a', 'b')), 'not-found')).to.equal(true);
    });

    it('verification tells strangers only what is public', async () => {
      const issued = await certificates.issue('r1');
      const seen = await certificates.verify(issued.verificationCode.toLowerCase().replaceAll('-', ''));
      expect(seen).to.deep.equal({
        number: issued.number,
        maskedName: '王○明',
        courseCode: issued.courseCode,
        courseTitle: issued.courseTitle,
        courseTitleEn: issued.courseTitleEn,
        organisation: issued.organisation,
        certifiedHours: 2,
        completedAt: issued.completedAt,
        issuedAt: issued.issuedAt,
        revokedAt: null,
      });
      expect(await certificates.verify('0000-0000-0000-0000-0000')).to.equal(null);
      expect(await certificates.verify(issued.number)).to.equal(null);
    });
  });

  describe('print', () => {
    it('two A4 landscape pages whose text can be read, searched and copied', async () => {
      const pdf = await renderer.pdf([certificate()]);
      const document = await PDFDocument.load(pdf, { updateMetadata: false });
      const sizes = document
        .getPages()
        .map((page) => [Math.round(page.getWidth()), Math.round(page.getHeight())]);
      expect(sizes).to.deep.equal([
        [842, 595],
        [842, 595],
      ]);
      expect(document.getTitle()).to.equal('學習證明 ZX-115-0000001');
      const [front, back] = (await pdfPages(pdf)).map(tight);
      for (const text of [
        '學習證明',
        '王小明',
        'WANG,Hsiao-Ming',
        '個人資料保護法：從條文到日常業務',
        'ThePersonalDataProtectionAct',
        'ZX115110001',
        '2.0小時',
        '115.10.01–115.11.23',
        '2026-10-01–2026-11-23',
        '01:12:05',
        '85分',
        '中華民國115年11月23日',
        'ZX-115-0000001',
        '國家發展委員會',
        '知行公務學習平臺',
      ])
        expect(front, text).to.contain(text);
      for (const text of [
        '通過條件',
        '閱讀時數',
        '01:00:00（含）以上',
        '課程測驗',
        '60分（含）以上',
        '課後問卷已填',
        `${publicOrigin}/verify/K7QW-2M9X-3F4H-8TZC-PV5D`,
      ].map((text) => tight(text)))
        expect(tight(back).replace('Survey', ''), text).to.contain(text);
    });

    it('embeds its fonts: rare characters and every mark of a Latin name come back as they were', async () => {
      for (const personName of [
        '陳喆堃',
        '翃瀞鈊囍峯',
        '龘犇淼焱垚',
        'Đặng Müller-Žižková',
        '人大小山川日月車貝金長',
      ])
        expect(
          tight((await pdfPages(await renderer.pdf([certificate({ personName })])))[0]),
          personName,
        ).to.contain(tight(personName));
      expect(logged).to.deep.equal([]);
    });

    it('reports characters that no embedded font has, by code point and never by name', async () => {
      await renderer.pdf([certificate({ personName: '王\u{2B81A}明' })]);
      const line = JSON.stringify(logged.splice(0));
      expect(line).to.contain('U+2B81A').and.not.to.contain('王');
    });

    it('long names and titles keep to their page, whole', async () => {
      const long = certificate({
        personName: '瑪麗亞·費爾南達·德拉克魯斯－羅德里格斯·伊·桑托斯',
        personNameEn: 'María Fernanda de la Cruz-Rodríguez y Santos-Oliveira',
        courseTitle:
          '公務人員資訊安全與個人資料保護法規概論：從雲端服務、生成式人工智慧到跨境資料傳輸之風險評估與因應措施（一一五年度更新版，含實務案例研討）',
        organisation: '行政院環境部國家環境研究院暨行政院人事行政總處公務人力發展學院',
      });
      const pages = await pdfPages(await renderer.pdf([long]));
      expect(pages).to.have.length(2);
      for (const text of [long.personName, long.personNameEn, long.courseTitle, long.organisation])
        expect(tight(pages[0])).to.contain(tight(text ?? ''));
    });

    it('other people’s text is text: markup in names and titles neither runs nor loads', async () => {
      const nasty = '<img src=x onerror="document.body.innerHTML=1"><b>{{number}}</b>';
      const [front] = await pdfPages(await renderer.pdf([certificate({ courseTitle: nasty })]));
      expect(tight(front)).to.contain(tight(nasty));
    });

    it('shows only the conditions that were asked, and marks a revoked certificate', async () => {
      const one = certificate({
        score: null,
        conditions: { readingSeconds: 1800, passScore: null, survey: false },
        revokedAt: clock.now(),
        revocation: { at: clock.now(), reason: 'x', by: 'y' },
      });
      const [front, back] = (await pdfPages(await renderer.pdf([one]))).map(tight);
      expect(front).to.contain('已註銷').and.to.contain('測驗成績Score--');
      expect(back).to.contain('00:30:00').and.not.to.contain('課後問卷').and.not.to.contain('課程測驗');
    });

    it('several at once as one PDF in their order, beyond one drawing too (⚑W16)', async () => {
      const many = Array.from({ length: 23 }, (_unused, at) =>
        certificate({ number: `ZX-115-${1000 + at}` }),
      );
      const pages = await pdfPages(await certificates.pdfOfAll(many));
      expect(pages).to.have.length(46);
      many.forEach(({ number }, at) => expect(pages[at * 2]).to.contain(number));
    });

    it('prints for several people at once without mixing them', async () => {
      const names = ['趙一', '錢二', '孫三', '李四', '周五', '吳六'];
      const pdfs = await Promise.all(names.map((personName) => renderer.pdf([certificate({ personName })])));
      for (const [at, name] of names.entries())
        for (const page of await pdfPages(pdfs[at] ?? new Uint8Array())) expect(page).to.contain(name);
    });
  });

  describe('over HTTP', () => {
    let server: Server;
    let origin: string;
    let who: { id: string; roles: Role[] } | null = null;
    const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
      fetch(`${origin}${path}`, { redirect: 'manual', ...init });
    const post = (fields: [string, string][], headers: Record<string, string> = {}): Promise<Response> =>
      ask('/certificates', {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { Accept: 'text/html', ...headers },
      });

    before(async () => {
      const app = express();
      app.set('views', viewsFolder);
      app.set('view engine', 'hbs');
      app.engine('hbs', createViewEngine());
      app.use(createAssetRoutes());
      app.use(express.urlencoded({ extended: false }));
      app.use((req, res, next) => {
        Object.assign(res.locals, {
          language: 'zh-TW',
          otherLanguageUrl: '/?lang=en',
          path: req.path,
          person: null,
        });
        if (who)
          req.user = {
            id: who.id,
            roles: who.roles.map((role) => ({ role, organisation: null })),
          } as Person;
        next();
      });
      app.use(
        createCertificateRoutes({
          certificates,
          audit: createAudit({ store: storage.audit, clock: systemClock }).record,
          rateLimit: () => (_req, _res, next) => next(),
        }),
      );
      app.use(createErrorHandler(createLogger('silent'), (_res, error) => errorModel('zh-TW', error)));
      server = createServer(app);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    after(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    beforeEach(() => {
      who = { id: 'p1', roles: ['learner'] };
    });

    it('one tick and one click: issued, then shown as a PDF', async () => {
      completed.set('r10', completedCourse());
      const answer = await post([['registration', 'r10']]);
      expect(answer.status).to.equal(303);
      const pdf = await ask(answer.headers.get('location') ?? '');
      expect(pdf.status).to.equal(200);
      expect(pdf.headers.get('content-type')).to.equal('application/pdf');
      expect(pdf.headers.get('cache-control')).to.equal('private, no-store');
      expect((await pdfPages(new Uint8Array(await pdf.arrayBuffer())))[0]).to.contain('王小明');
    });

    it('several ticks: one PDF, or a ZIP of one PDF each', async () => {
      completed.set('r11', completedCourse());
      const ticked: [string, string][] = [
        ['registration', 'r10'],
        ['registration', 'r11'],
      ];
      const together = await ask((await post(ticked)).headers.get('location') ?? '');
      expect(await pdfPages(new Uint8Array(await together.arrayBuffer()))).to.have.length(4);
      const zipped = await ask((await post([...ticked, ['format', 'zip']])).headers.get('location') ?? '');
      expect(zipped.headers.get('content-type')).to.equal('application/zip');
      const bytes = Buffer.from(await zipped.arrayBuffer());
      expect(bytes.subarray(0, 2).toString()).to.equal('PK');
      expect(bytes.toString('latin1').match(/ZX-115-\d{7}\.pdf/g)).to.have.length(4); // each in its place and in the list
    });

    it('answers programs in JSON', async () => {
      const answer = await post([['registration', 'r10']], { Accept: 'application/json' });
      expect(answer.status).to.equal(201);
      const { numbers, address } = (await answer.json()) as { numbers: string[]; address: string };
      expect(address).to.equal(`/certificates/${numbers[0]}.pdf`);
    });

    it('belongs to its owner and to those whom the policy lets read it; to others it does not exist', async () => {
      const { number } = await certificates.issue('r10');
      who = null;
      expect(
        (await ask(`/certificates/${number}.pdf`, { headers: { Accept: 'application/json' } })).status,
      ).to.equal(401);
      expect((await post([['registration', 'r10']], { Accept: 'application/json' })).status).to.equal(401);
      who = { id: 'p2', roles: ['learner'] };
      const json = { headers: { Accept: 'application/json' } };
      const others = await ask(`/certificates/${number}.pdf`, json);
      const none = await ask('/certificates/ZX-115-9999999.pdf', json);
      expect([others.status, none.status]).to.deep.equal([403, 403]);
      expect((await ask(`/certificates.zip?number=${number}`, json)).status).to.equal(403);
      expect((await post([['registration', 'r10']], { Accept: 'application/json' })).status).to.equal(404);
      who = { id: 'p2', roles: ['support'] };
      expect((await ask(`/certificates/${number}.pdf`)).status).to.equal(200);
      expect((await ask('/certificates/ZX-115-9999999.pdf', json)).status).to.equal(404);
    });

    it('refuses an empty or endless list', async () => {
      const json = { Accept: 'application/json' };
      expect((await post([], json)).status).to.equal(400);
      const endless = Array.from({ length: 101 }, (_unused, at): [string, string] => [
        'registration',
        `r${at}`,
      ]);
      expect((await post(endless, json)).status).to.equal(400);
    });

    it('anybody may verify: valid, revoked and unknown look different in words, and nothing private shows', async () => {
      who = null;
      const valid = await certificates.issue('r10');
      const revoked = (await certificates.ofPerson('p3')).find(({ revokedAt }) => revokedAt);
      const context = await newContext();
      try {
        const page = await newPage(context);
        await page.goto(`${origin}/verify`);
        await page.type('#code', valid.verificationCode.toLowerCase());
        await Promise.all([page.waitForNavigation(), page.click('button')]);
        const text = await page.$eval('main', (main) => main.innerText);
        expect(text).to.contain('證書有效').and.to.contain('王○明').and.to.contain('115.11.23');
        expect(text).to.not.contain('王小明').and.not.to.contain('85');
        await expectAccessible(page);
        await screenshots(page, 'verify-valid');
        await page.goto(`${origin}/verify/${revoked?.verificationCode}`);
        expect(await page.$eval('main', (main) => main.innerText)).to.contain('證書已註銷');
        const missing = await page.goto(`${origin}/verify/0000-0000-0000-0000-0000`);
        expect(missing?.status()).to.equal(404);
        expect(await page.$eval('main', (main) => main.innerText)).to.contain('查無此證書');
        await expectAccessible(page);
      } finally {
        await context.close();
      }
      const page = await ask(`/verify/${valid.verificationCode}`, { headers: { Accept: 'text/html' } });
      expect(page.headers.get('referrer-policy')).to.equal('no-referrer');
      expect(page.headers.get('x-robots-tag')).to.equal('noindex');
      const answer = await ask(`/verify/${valid.verificationCode}`, {
        headers: { Accept: 'application/json' },
      });
      expect(((await answer.json()) as { state: string }).state).to.equal('valid');
    });
  });
});
