import { expect } from 'chai';
import { systemClock } from '../../src/base/clock.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople, type NewPerson } from '../../src/identity/people.ts';
import type { PersonRecord } from '../../src/identity/store.ts';
import { createTerms } from '../../src/identity/terms.ts';
import { auditLines } from '../support/audit.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { PlainBrowser } from '../support/plain-browser.ts';

const password = 'first-login-test';
const learner = (name: string, overrides: Partial<NewPerson> = {}): NewPerson => ({
  name,
  accountKind: 'official',
  roles: [{ role: 'learner', organisation: null }],
  login: { name, password },
  ...overrides,
});
const current = createTerms({ clock: systemClock }).currentVersion();

describe('the first login over HTTP (requirements.md §1, 10 and §2)', function () {
  this.timeout(60_000);
  let store: EmptyStore;
  let server: RunningServer;
  let mail: MailServer;
  /** The store again, beside the running server. */
  const within = async <T>(
    act: (use: {
      record(loginName: string): Promise<PersonRecord>;
      people: ReturnType<typeof createPeople>;
    }) => Promise<T>,
  ): Promise<T> => {
    const storage = await openStorage(store.options);
    const people = createPeople({
      store: storage.identity,
      vault: createIdNumberVault(Buffer.alloc(32, 1)),
      clock: systemClock,
    });
    try {
      return await act({
        people,
        async record(loginName) {
          const found = await storage.identity.byLoginName(loginName);
          if (!found) throw new Error(`no ${loginName}`);
          return found;
        },
      });
    } finally {
      await storage.close();
    }
  };
  const created = (...people: NewPerson[]): Promise<void> =>
    within(async (use) => {
      for (const person of people) await use.people.create(person);
    });
  const agreed = { consent: { version: current, at: '2026-10-01T00:00:00.000Z' } };

  before(async () => {
    mail = await startMailServer();
    const empty = await emptyStore('sqlite');
    if (!empty) throw new Error('SQLite is always there');
    store = empty;
    const started = await startServer({
      on: store.options,
      environment: { MAIL_URL: mail.url, MAIL_FROM: '知行 <no-reply@learn.example.org>', LOG_LEVEL: 'info' },
    });
    if (!started) throw new Error('no server');
    server = started;
  });
  after(async () => {
    await server?.remove();
    await mail?.close();
    store?.remove();
  });
  const visitor = (): PlainBrowser => new PlainBrowser(server.origin);

  describe('新會員第一次登入請看此', () => {
    /** Answers one question; gives the next page. */
    const answer = async (who: PlainBrowser, path: string, value: string) =>
      who.open(`${path}?next=1&answer=${value}`);

    it('is linked from the sign-in page beside 常見登入Q&A, with the notice on hours', async () => {
      const { text } = await visitor().open('/sign-in');
      expect(text)
        .to.include('一般民眾如需學習時數，請以「我的e政府」註冊並填寫正確的身分證字號')
        .and.match(/href="\/first-login"[^>]*>新會員第一次登入請看此/)
        .and.match(/href="\/sign-in-questions"[^>]*>常見登入Q&amp;A/);
      expect((await visitor().open('/sign-in-questions')).text).to.include('約聘雇');
    });

    it('asks the identity first, and says so when 下一步 comes without an answer', async () => {
      const who = visitor();
      const { text } = await who.open('/first-login');
      for (const part of ['請問您的身分別？', '公務人員', '一般民眾', '下一步', '返回前一頁'])
        expect(text).to.include(part);
      expect((await who.open('/first-login?next=1')).text).to.include('請先選擇一個答案');
      expect(who.cookie('zhixing-first-login')).to.equal(undefined);
    });

    it('leads a civil servant without an account to eCPA, with phone, mail and 直接前往登入', async () => {
      const who = visitor();
      const question = await answer(who, '/first-login', 'official');
      expect(question.path).to.equal('/first-login/official');
      for (const part of ['eCPA(已有帳號)', '我的e政府(已有帳號)', '我目前尚無上述平臺帳號', '返回前一頁'])
        expect(question.text).to.include(part);
      const advice = await answer(who, '/first-login/official', 'official-none');
      for (const part of [
        '每位公務人員都有預設的 eCPA 帳號',
        '重設驗證',
        '人事單位',
        '身分證字號及初始密碼',
        '02-23979108',
        'mailto:pemis@dgpa.gov.tw',
        '直接前往登入',
        '返回前一頁',
      ])
        expect(advice.text).to.include(part);
      expect(who.cookie('zhixing-first-login')).to.equal('official');
    });

    it('leads the public who need proof to 我的e政府 only, with or without an account', async () => {
      const who = visitor();
      expect((await answer(who, '/first-login', 'public')).text)
        .to.include('是(需要驗證您的身分)')
        .and.include('否');
      const question = await answer(who, '/first-login/public', 'hours');
      expect(question.text).to.include('只能使用「我的e政府」');
      expect((await answer(who, '/first-login/hours', 'hours-have')).text).to.include(
        '正確的姓名及身分證字號',
      );
      const advice = await answer(who, '/first-login/hours', 'hours-none');
      for (const part of [
        '一般會員',
        '自然人憑證',
        '02-2192-7111',
        'mailto:egov@service.gov.tw',
        '直接前往登入',
      ])
        expect(advice.text).to.include(part);
      expect(who.cookie('zhixing-first-login')).to.equal('hours');
    });

    it('leads the public who need no proof (否) to any social account, and says what that means (W20)', async () => {
      const who = visitor();
      const { path, text } = await answer(who, '/first-login/public', 'no-hours');
      expect(path).to.equal('/first-login/no-hours');
      expect(text).to.include('任何一種社群帳號').and.include('學習證明不會印出證號').and.include('認領');
      expect(who.cookie('zhixing-first-login')).to.equal('no-hours');
    });

    it('remembers the answer on the sign-in page, and can be asked again', async () => {
      const who = visitor();
      await who.open('/first-login/official');
      const { text } = await who.open('/sign-in');
      expect(text).to.include('您是公務人員：請以公務帳號登入').and.include('重新回答問題');
      await who.open('/first-login/no-hours');
      expect((await who.open('/sign-in')).text).to.include('可以使用任何一種社群帳號');
    });

    it('keeps the way back through every step, in both languages, and knows no other steps', async () => {
      const who = visitor();
      const { text } = await who.open('/first-login/official-ecpa?returnTo=%2Frecord&lang=en');
      expect(text).to.include('href="/sign-in?returnTo&#x3D;%2Frecord"').and.include('Go to sign in');
      expect((await who.get('/first-login/nonsense')).status).to.equal(404);
      const evil = await who.open('/first-login/official-ecpa?returnTo=%2F%2Fevil.example');
      expect(evil.text)
        .to.include('href="/sign-in">')
        .and.not.match(/href="[^"]*\/sign-in[^"]*evil/);
    });
  });

  describe('the gate', () => {
    it('leads to the terms, then to the nickname, and back to where the person was going', async () => {
      await created(learner('new-one'));
      const who = visitor();
      expect((await who.signIn('new-one', password, '/courses?type=open')).location).to.equal(
        '/courses?type=open',
      );
      const terms = await who.open('/courses?type=open');
      expect(terms.path).to.equal('/welcome/terms?returnTo=%2Fcourses%3Ftype%3Dopen');
      expect(terms.text).to.include('個人資料告知事項').and.include(`版本 ${current}`);

      // The nickname's page sends back to the terms.
      expect((await who.get('/welcome/nickname')).location).to.equal('/welcome/terms');
      const next = await who.post('/welcome/terms', { version: current, returnTo: '/courses?type=open' });
      expect(next.location).to.equal('/welcome/nickname?returnTo=%2Fcourses%3Ftype%3Dopen');
      expect((await who.open('/record')).path).to.equal('/welcome/nickname?returnTo=%2Frecord');
      const done = await who.post('/welcome/nickname', {
        nickname: '新來的人',
        email: 'new-one@example.org',
        returnTo: '/courses?type=open',
      });
      expect(done.location).to.equal('/welcome/done?mail=sent&returnTo=%2Fcourses%3Ftype%3Dopen');
      const page = await who.open(done.location ?? '');
      expect(page.text).to.include('註冊完成').and.include('新來的人').and.include('new-one@example.org');
      expect((await who.open('/courses?type=open')).path).to.equal('/courses?type=open');
      expect((await who.open('/welcome?returnTo=%2Fcourses')).path).to.equal('/courses');

      const record = await within(({ record }) => record('new-one'));
      expect(record.nickname).to.equal('新來的人');
      expect(record.consent?.version).to.equal(current);
      expect(Date.parse(record.consent?.at ?? '')).to.be.closeTo(Date.now(), 60_000);
      expect(record.emailConfirmed).to.equal(false);
      const consent = auditLines(server.options.dataDir).findLast(({ action }) => action === 'terms.agree');
      expect(consent?.detail).to.include({ version: current });
    });

    it('answers programs 403 with a code, and leaves sign-out, assets, terms and the wizard reachable', async () => {
      await created(learner('gated'));
      const who = visitor();
      await who.signIn('gated', password);
      const api = await who.get('/api/packages/jobs/x', { accept: 'application/json' });
      expect(api.status).to.equal(403);
      expect(JSON.parse(api.text)).to.have.nested.property('error.code', 'welcome-first');
      for (const path of [
        '/terms',
        '/first-login',
        '/assets/base.css',
        '/confirm-email?token=x',
        '/welcome/declined',
      ])
        expect((await who.get(path)).status, path).to.equal(200);
      expect((await who.post('/courses/x/enrol')).location).to.equal('/welcome');
      await who.open('/welcome');
      expect((await who.post('/sign-out')).location).to.equal('/');
      expect((await who.get('/')).status).to.equal(200);
    });

    it('signs out whoever declines, and records no consent', async () => {
      await created(learner('declines'));
      const who = visitor();
      await who.signIn('declines', password);
      await who.open('/');
      const answer = await who.post('/welcome/decline');
      expect(answer.location).to.equal('/welcome/declined');
      expect((await who.open('/welcome/declined')).text).to.include('平臺已為您登出');
      expect((await who.get('/record')).location).to.equal('/sign-in?returnTo=%2Frecord');
      expect((await within(({ record }) => record('declines'))).consent).to.equal(null);
      expect(auditLines(server.options.dataDir).map(({ action }) => action)).to.include('terms.decline');
    });

    it('asks again on a new version, and goes on where there is a nickname already', async () => {
      const before = { version: '2020-01-01', at: '2020-01-01T00:00:00.000Z' };
      await created(learner('again', { nickname: '再一次', consent: before }));
      const who = visitor();
      await who.signIn('again', password);
      const { path, text } = await who.open('/record');
      expect(path).to.equal('/welcome/terms?returnTo=%2Frecord');
      expect(text).to.include('條款已有新的版本');
      // A text that is no longer the one in force is not agreed to.
      expect((await who.post('/welcome/terms', { version: '2020-01-01' })).location).to.equal(
        '/welcome/terms',
      );
      const done = await who.post('/welcome/terms', { version: current, returnTo: '/record' });
      expect(done.location, 'has a nickname already').to.equal('/record');
      expect((await who.get('/record')).status).to.equal(200);
    });

    it('lets demo accounts and local staff in demo mode through', async () => {
      for (const [name, secret] of [
        ['learner', 'learner-demo'],
        ['citizen', 'citizen-demo'],
        ['admin', 'admin-demo'],
      ] as const) {
        const who = visitor();
        await who.signIn(name, secret);
        expect((await who.get('/my-courses')).status, name).to.equal(200);
      }
    });
  });

  describe('nickname and contact e-mail', () => {
    it('says while typing whether a nickname is free, with three free suggestions when it is not (W19)', async () => {
      await created(learner('holder', { ...agreed, nickname: '山風' }), learner('typist', agreed));
      const who = visitor();
      expect(
        (await who.get('/api/nickname-check?nickname=x', { accept: 'application/json' })).status,
      ).to.equal(401);
      await who.signIn('typist', password);
      const check = async (nickname: string) =>
        JSON.parse(
          (
            await who.get(`/api/nickname-check?nickname=${encodeURIComponent(nickname)}`, {
              accept: 'application/json',
            })
          ).text,
        ) as { free: boolean; reason: string; message: string; suggestions: string[] };
      expect(await check('海風')).to.include({ free: true, message: '這個暱稱可以使用。' });
      const taken = await check(' 山風 ');
      expect(taken).to.include({ free: false, reason: 'taken' });
      expect(new Set(taken.suggestions)).to.have.property('size', 3);
      for (const suggestion of taken.suggestions)
        expect((await check(suggestion)).free, suggestion).to.equal(true);
      expect((await check('一')).message).to.include('至少要 2 個字');
    });

    it('refuses bad input with the fault at its field and keeps what was typed', async () => {
      await created(learner('typo', agreed));
      const who = visitor();
      await who.signIn('typo', password);
      await who.open('/');
      const wrong = await who.post('/welcome/nickname', { nickname: '😀😀', email: 'nonsense' });
      expect(wrong.status).to.equal(422);
      expect(wrong.text)
        .to.include('不能使用表情符號')
        .and.include('電子郵件格式不正確')
        .and.include('value="nonsense"');
      const email = await who.post('/welcome/nickname', { nickname: '打字員', email: 'a@b\r\nbcc:x@y.z' });
      expect(email.status).to.equal(422);
      expect((await within(({ record }) => record('typo'))).nickname).to.equal(null);
    });

    it('lets one of two win a nickname at the same moment, and offers the other free ones, which work without a script', async () => {
      await created(learner('racer-1', agreed), learner('racer-2', agreed));
      const racers = [visitor(), visitor()];
      for (const [at, who] of racers.entries()) {
        await who.signIn(`racer-${at + 1}`, password);
        await who.open('/');
      }
      const answers = await Promise.all(
        racers.map((who, at) =>
          who.post('/welcome/nickname', { nickname: '同一個', email: `r${at}@example.org` }),
        ),
      );
      expect(answers.map(({ status }) => status).toSorted()).to.deep.equal([303, 422]);
      const loser = answers.findIndex(({ status }) => status === 422);
      const { text } = answers[loser] ?? { text: '' };
      expect(text).to.include('已有人使用');
      const offered = [...text.matchAll(/name="suggestion" value="([^"]+)"/g)].map(
        ([, value]) => value ?? '',
      );
      expect(offered).to.have.length(3);
      const second = await racers[loser]?.post('/welcome/nickname', {
        nickname: '同一個',
        suggestion: offered[0] ?? '',
        email: 'loser@example.org',
      });
      expect(second?.location).to.equal('/welcome/done?mail=sent');
    });

    it('confirms the e-mail by a link that works once; a look at it spends nothing', async () => {
      await created(learner('mailer', agreed));
      const who = visitor();
      await who.signIn('mailer', password);
      await who.open('/');
      mail.mails.length = 0;
      await who.post('/welcome/nickname', { nickname: '收信人', email: 'mailer@example.org' });
      const [taken] = mail.mails;
      expect(mail.credentials()).to.equal('mailer:p@ss');
      expect(taken?.to).to.deep.equal(['mailer@example.org']);
      expect(taken?.from).to.equal('no-reply@learn.example.org');
      expect(taken?.headers.get('subject')).to.equal('【知行】請確認您的聯絡信箱');
      expect(taken?.text).to.include('收信人 您好').and.include('24 小時');
      const link = /https?:\/\/\S+/.exec(taken?.text ?? '')?.[0] ?? '';
      expect(link.startsWith(`${server.origin}/confirm-email?token=`), link).to.equal(true);

      // On another device, not signed in.
      const phone = visitor();
      for (const _ of [1, 2]) expect((await phone.open(link)).text).to.include('確認信箱');
      expect((await within(({ record }) => record('mailer'))).emailConfirmed).to.equal(false);
      const token = new URL(link).searchParams.get('token') ?? '';
      const both = await Promise.all([1, 2].map(() => phone.post('/confirm-email', { token })));
      expect(both.map(({ status }) => status).toSorted()).to.deep.equal([200, 422]);
      expect((await within(({ record }) => record('mailer'))).emailConfirmed).to.equal(true);
      expect((await phone.post('/confirm-email', { token: 'nonsense' })).text).to.include('這個連結已使用過');
      expect((await who.open('/welcome/done')).text).to.include('聯絡信箱 mailer@example.org 已確認');
      expect(auditLines(server.options.dataDir).map(({ action }) => action)).to.include('email.confirm');
      expect(server.output()).to.not.include(token.split('.')[1]);
    });

    it('limits sending again, and goes on when the mail server refuses', async () => {
      await created(learner('impatient', agreed), learner('bounced', agreed));
      const who = visitor();
      await who.signIn('impatient', password);
      await who.open('/');
      await who.post('/welcome/nickname', { nickname: '急性子', email: 'impatient@example.org' });
      const again = await who.post('/welcome/resend', { returnTo: '/record' });
      expect(again.location).to.equal('/welcome/done?mail=limited&returnTo=%2Frecord');
      expect((await who.open(again.location ?? '')).text).to.include('稍後再試');

      mail.refuse(true);
      try {
        const other = visitor();
        await other.signIn('bounced', password);
        await other.open('/');
        const done = await other.post('/welcome/nickname', {
          nickname: '退信',
          email: 'bounced@example.org',
        });
        expect(done.location).to.equal('/welcome/done?mail=failed');
        expect((await other.open('/welcome/done?mail=failed')).text)
          .to.include('暫時無法寄到')
          .and.include('重新寄送');
        expect(server.output()).to.include('a mail could not be sent').and.not.include('bounced@example.org');
      } finally {
        mail.refuse(false);
      }
    });
  });

  it('reminds social accounts, and only them, until they close it', async () => {
    await created(learner('social', { ...agreed, nickname: '社群', accountKind: 'social' }));
    const who = visitor();
    await who.signIn('social', password);
    const { text } = await who.open('/courses');
    expect(text)
      .to.include('公務人員須以公務帳號登入，否則學習時數不會累計')
      .and.include('href="/first-login"');
    expect((await who.post('/welcome/reminder', { returnTo: '/courses' })).location).to.equal('/courses');
    expect((await who.open('/courses')).text).to.not.include('須以公務帳號登入，否則');
    const official = visitor();
    await official.signIn('learner', 'learner-demo');
    expect((await official.open('/courses')).text).to.not.include('須以公務帳號登入，否則');
  });
});

describe('the first login in production, and the outbox of demo mode', function () {
  this.timeout(120_000);

  it('keeps mails in the outbox in demo mode; production has none, and asks local accounts for the terms but not for a nickname', async () => {
    const ID_NUMBER_KEY = 'ab'.repeat(32);
    const server = await startServer({ environment: { ID_NUMBER_KEY } });
    if (!server) throw new Error('no server');
    try {
      expect((await new PlainBrowser(server.origin).open('/demo/outbox')).text).to.include('展示寄件匣');
      await server.stop();
      await server.restart({
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        SESSION_SECRET: 'x'.repeat(40),
        ID_NUMBER_KEY,
        ADMIN_LOGIN: 'chief',
        ADMIN_PASSWORD: 'a-long-password',
        STAFF_TOTP: 'optional',
        PUBLIC_ORIGIN: server.origin,
        CONTENT_ORIGIN: server.contentOrigin,
      });
      const chief = new PlainBrowser(server.origin);
      expect((await chief.get('/demo/outbox')).status).to.equal(404);
      await chief.signIn('chief', 'a-long-password');
      const { path } = await chief.open('/my-courses');
      expect(path).to.equal('/welcome/terms?returnTo=%2Fmy-courses');
      const agreed = await chief.post('/welcome/terms', { version: current, returnTo: '/my-courses' });
      expect(agreed.location).to.equal('/my-courses');
      expect((await chief.get('/my-courses')).status).to.equal(200);
      expect(server.output()).to.include('MAIL_URL is not set');
    } finally {
      await server.remove();
    }
  });
});
