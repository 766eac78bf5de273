import { expect } from 'chai';
import type { BrowserContext, Page } from 'puppeteer-core';
import { expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { agentNamed, aStatement } from '../support/statements.ts';

describe('administration of the LRS in the browser', function () {
  this.timeout(120_000);
  let server: RunningServer;
  let context: BrowserContext;
  let page: Page & { faults: string[] };

  const post = (body: unknown, authorization = server.lrs.authorization): Promise<Response> =>
    fetch(`${server.lrs.endpoint}/statements`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'x-experience-api-version': '2.0.0' },
      body: JSON.stringify(body),
    });
  const open = (path: string) => page.goto(`${server.origin}${path}`);
  const textOf = (): Promise<string> => page.evaluate(() => document.body.innerText);
  const submit = async (selector: string): Promise<void> => {
    await Promise.all([page.waitForNavigation(), page.click(selector)]);
  };
  const signIn = async (name: string): Promise<void> => {
    await open('/sign-in?lang=zh-TW');
    await page.type('[name=loginName]', name);
    await page.type('[name=password]', `${name}-demo`);
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  };

  before(async () => {
    const started = await startServer();
    if (!started) throw new Error('no server');
    server = started;
    context = await newContext();
    page = await newPage(context);
    await signIn('admin');
  });
  after(async () => {
    await context?.close();
    await server?.remove();
  });

  it('finds Statements by learner and by words, marks voided ones, and shows the exact JSON', async () => {
    const actor = { ...agentNamed('find-me'), name: '陳小華' };
    const object = { id: 'http://e.x/o', definition: { name: { 'zh-TW': '資訊安全概論', en: 'Security' } } };
    const verb = { id: 'http://e.x/done', display: { 'zh-TW': '完成了', en: 'finished' } };
    const statement = aStatement({ actor, object, verb });
    const text = JSON.stringify(statement).replace(/}$/, ',"result":{"score":{"raw":85.50}}}');
    await fetch(`${server.lrs.endpoint}/statements`, {
      method: 'POST',
      headers: {
        authorization: server.lrs.authorization,
        'content-type': 'application/json',
        'x-experience-api-version': '2.0.0',
      },
      body: text,
    });
    const other = aStatement({ actor: agentNamed('other') });
    await post([
      other,
      aStatement({
        verb: { id: 'http://adlnet.gov/expapi/verbs/voided' },
        object: { objectType: 'StatementRef', id: other.id ?? '' },
      }),
    ]);
    await open(`/admin/lrs?text=${encodeURIComponent('資訊安全')}`);
    expect(await textOf()).to.include('陳小華 完成了 資訊安全概論（85.5）');
    await screenshots(page, 'lrs-statements');
    await expectAccessible(page);
    await open(`/admin/lrs?learner=${encodeURIComponent(JSON.stringify(agentNamed('other')))}`);
    expect(await textOf()).to.include('已作廢');
    await open(`/admin/lrs/statements/${statement.id}`);
    expect(await textOf()).to.include('"raw": 85.50');
    await screenshots(page, 'lrs-statement');
    await expectAccessible(page);
  });

  it('shows Statements as they arrive', async () => {
    await open('/admin/lrs');
    await page.waitForFunction(() => document.querySelector('#live') !== null);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await post(aStatement({ actor: { ...agentNamed('live'), name: '剛剛到達' } }));
    await page.waitForFunction(() => document.querySelector('#live')?.textContent?.includes('剛剛到達'), {
      timeout: 10_000,
    });
  });

  it('makes a credential, shows its secret once, and what it is refused with the reason', async () => {
    await open('/admin/lrs/credentials');
    await page.type('#label', '合作平台');
    await page.click('input[value="statements/write"]');
    await submit('form.panel button.primary');
    const [key = '', secret = ''] = await page.$$eval('.notice.done code', (codes) =>
      codes.map(({ textContent }) => textContent ?? ''),
    );
    await screenshots(page, 'lrs-credentials');
    await expectAccessible(page);
    const authorization = `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;
    expect((await post(aStatement(), authorization)).status).to.equal(200);
    expect((await post({ ...aStatement(), verb: {} }, authorization)).status).to.equal(400);
    await open('/admin/lrs/credentials');
    expect(await textOf()).to.not.include(secret);
    await open('/admin/lrs/rejections');
    const text = await textOf();
    expect(text).to.include('合作平台').and.include('$.verb.id');
    await screenshots(page, 'lrs-rejections');
    await expectAccessible(page);
  });

  it('changes every attribute of a credential, gives it a new secret, switches it off and removes it', async () => {
    await open('/admin/lrs/credentials');
    await page.type('#label', '工具甲');
    await page.click('input[value="all"]');
    await page.type('#authority', 'tool-a@example.org');
    await submit('form.panel button.primary');
    const [key = '', secret = ''] = await page.$$eval('.notice.done code', (codes) =>
      codes.map(({ textContent }) => textContent ?? ''),
    );
    const basic = (of: string): string => `Basic ${Buffer.from(`${key}:${of}`).toString('base64')}`;
    const link = await page.$$eval(
      'table a',
      (links) => links.find((a) => a.textContent === '工具甲')?.getAttribute('href') ?? '',
    );
    await open(link);
    const fields = {
      label: '工具乙',
      owner: '王小姐 02-0000-0000',
      actorHomePage: 'https://mooc.example.org',
      activityPrefix: 'https://mooc.example.org/courses/',
      origins: 'https://tool.example.org/ http://localhost:3000',
      rate: '120',
    };
    const fill = async (values: Record<string, string>): Promise<void> => {
      for (const [id, value] of Object.entries(values))
        await page.$eval(`#${id}`, (input, text) => ((input as HTMLInputElement).value = text), value);
    };
    await fill({ ...fields, origins: 'tool.example.org/page', rate: '0', activityPrefix: 'courses' });
    await submit('form.panel button.primary');
    expect(
      await page.$$eval('.field[data-invalid] input', (inputs) => inputs.map(({ id }) => id)),
    ).to.have.members(['activityPrefix', 'origins', 'rate']);
    expect(await page.$eval('#owner', (input) => (input as HTMLInputElement).value)).to.equal(fields.owner);
    await screenshots(page, 'lrs-credential-faults');
    await expectAccessible(page);
    await fill({ ...fields, expires: '2036-12-31' });
    await page.click('input[value="all"]');
    await page.click('input[value="statements/write"]');
    await submit('form.panel button.primary');
    const kept = await page.$$eval('form.panel .grid-2 input', (inputs) =>
      Object.fromEntries(inputs.map((input) => [input.id, (input as HTMLInputElement).value])),
    );
    expect(kept).to.deep.equal({
      ...fields,
      origins: 'https://tool.example.org http://localhost:3000',
      expires: '2036-12-31',
    });
    expect(
      await page.$$eval('input[name=scopes]:checked', (inputs) =>
        inputs.map((input) => (input as HTMLInputElement).value),
      ),
    ).to.deep.equal(['statements/write']);
    expect(await textOf()).to.include('mailto:tool-a@example.org');
    const about = {
      actor: { account: { homePage: 'https://mooc.example.org', name: 'u1' } },
      object: { id: 'https://mooc.example.org/courses/1' },
    };
    expect((await post(aStatement(about), basic(secret))).status).to.equal(200);
    expect((await post(aStatement(), basic(secret))).status).to.equal(403);

    await page.select('#grace', '1');
    await submit('form[action$="/rotate"] button');
    const fresh = await page.$eval(
      '.notice.done div:last-child code',
      ({ textContent }) => textContent ?? '',
    );
    expect(await textOf()).to.include('舊密鑰可用至');
    await screenshots(page, 'lrs-credential');
    await expectAccessible(page);
    for (const good of [secret, fresh])
      expect((await post(aStatement(about), basic(good))).status).to.equal(200);
    await page.select('#grace', '0');
    await submit('form[action$="/rotate"] button');
    expect((await post(aStatement(about), basic(fresh))).status).to.equal(401);

    await submit('form[action$="/switch"] button');
    expect(await textOf()).to.include('已停用');
    await submit('form[action$="/remove"] button');
    expect(await textOf()).to.not.include('工具乙');
    expect((await page.goto(`${server.origin}${link}`))?.status()).to.equal(404);
    await open('/admin/audit?action=credential.change');
    expect(await textOf())
      .to.include('工具乙')
      .and.include('ratePerMinute');
  });

  it('follows references in both directions, to the same learner and course, and marks what is voided', async () => {
    const actor = { ...agentNamed('follow'), name: '林同學' };
    const target = aStatement({ actor, object: { id: `${server.origin}/courses/FOLLOW-1` } });
    const about = aStatement({
      actor: { ...agentNamed('teacher'), name: '老師' },
      object: { objectType: 'StatementRef', id: target.id ?? '' },
    });
    const voiding = aStatement({
      actor: { ...agentNamed('teacher'), name: '老師' },
      verb: { id: 'http://adlnet.gov/expapi/verbs/voided' },
      object: { objectType: 'StatementRef', id: target.id ?? '' },
    });
    await post([target, about, voiding]);
    await open(`/admin/lrs/statements/${about.id}`);
    await submit(`dl.facts a[href$="${target.id}"]`);
    expect(await textOf())
      .to.include('已作廢')
      .and.include('指向這筆的陳述');
    await screenshots(page, 'lrs-statement-voided');
    await expectAccessible(page);
    await submit(`section[aria-labelledby="referring"] a[href$="${voiding.id}"]`);
    expect(page.url()).to.include(voiding.id);
    await open('/admin/lrs?activity=FOLLOW-1&lang=en');
    expect(await page.$$eval('tbody tr', (rows) => rows.length)).to.equal(3);
    expect(await textOf()).to.include('voided');
    await screenshots(page, 'lrs-statements-en');
    await open(`/admin/lrs/statements/${target.id}`);
    await submit('dl.facts a[href*="learner="]');
    expect(await page.$$eval('tbody tr', (rows) => rows.length)).to.equal(3);
    await open('/admin/lrs?lang=zh-TW');
  });

  it('finds a learner by login name, and a day to its end', async () => {
    const me = await fetch(`${server.origin}/api/lrs/statements?learner=learner`, {
      headers: { cookie: (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ') },
    });
    expect(me.status).to.equal(200);
    const named = new URLSearchParams({ learner: '王小明', activity: '個人資料保護的第一課' }).toString();
    expect((await open(`/admin/lrs?${named}`))?.status()).to.equal(200);
    await post(aStatement({ actor: agentNamed('today') }));
    const today = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10);
    await open(
      `/admin/lrs?learner=${encodeURIComponent(JSON.stringify(agentNamed('today')))}&since=${today}&until=${today}`,
    );
    expect(await page.$$eval('tbody tr', (rows) => rows.length)).to.equal(1);
  });

  it('adds and removes a forwarding rule; its secret is never shown again', async () => {
    await open('/admin/lrs/forwarding');
    await page.type('#label', '備援');
    await page.type('#endpoint', 'http://127.0.0.1:9/xapi');
    await page.type('#key', 'k');
    await page.type('#secret', 'very-secret');
    await submit('form.panel[action="/admin/lrs/forwarding"] button.primary');
    expect(await textOf()).to.include('備援');
    expect(await page.content())
      .to.not.include('very-secret')
      .and.not.include('Basic ');
    await submit('form[action$="/switch"] button');
    expect(await textOf()).to.include('已暫停');
    await screenshots(page, 'lrs-forwarding');
    await expectAccessible(page);
    await submit('form[action$="/switch"] button');
    expect(await textOf()).to.not.include('已暫停');
    await submit('form[action$="/remove"] button');
    expect(await textOf()).to.not.include('備援');
  });

  it('an erasure is counted, asked for, and waits for a second person', async () => {
    const learner = JSON.stringify(agentNamed('find-me'));
    await open(`/admin/lrs/erasures?learner=${encodeURIComponent(learner)}`);
    expect(await textOf()).to.include('將刪除 1 筆陳述與 0 份文件');
    await page.type('#reason', '本人來信要求');
    await submit('.notice button.primary');
    expect(await textOf()).to.include('等待另一人確認');
    expect(await page.$$('form[action$="/confirm"]')).to.have.length(0);
    await screenshots(page, 'lrs-erasures');
    await expectAccessible(page);
    await open('/admin/audit?action=erasure.request');
    expect(await textOf()).to.include('提出個人資料刪除');
  });

  it('exports what was searched for', async () => {
    const csv = await page.evaluate(async () =>
      (await fetch('/api/lrs/export.csv?verb=http://e.x/done')).text(),
    );
    expect(csv.split('\r\n')).to.have.length(3);
    expect(csv).to.include('資訊安全概論');
  });

  describe('export with a progress bar', () => {
    const many = 1200;
    const verb = 'http://e.x/exported';
    before(async () => {
      await context.close();
      context = await newContext();
      page = await newPage(context);
      await signIn('admin');
      for (let at = 0; at < many; at += 400)
        await post(
          Array.from({ length: 400 }, () =>
            aStatement({ actor: { ...agentNamed('many'), name: '含\n換行，與"引號"' }, verb: { id: verb } }),
          ),
        );
    });
    const exportOf = async (
      format: string,
    ): Promise<{ state: string; rows: string; saved: string | null }> => {
      await page.click(`a[data-export][href*="${format}"]`);
      await page.waitForFunction(
        () => document.querySelector<HTMLElement>('#export [data-stop]')?.hidden === true,
      );
      return page.evaluate(async () => {
        const { saved } = window as unknown as { saved?: { name: string; blob: Blob } };
        const part = (name: string): string =>
          document.querySelector(`#export [data-${name}]`)?.textContent ?? '';
        return {
          state: part('state'),
          rows: `${part('rows')}${document.querySelector<HTMLElement>('#export [data-of]')?.innerText ?? ''}`,
          saved: saved ? `${saved.name} ${await saved.blob.text()}` : null,
        };
      });
    };
    beforeEach(async () => {
      await open(`/admin/lrs?verb=${encodeURIComponent(verb)}`);
      // What the browser would write to its downloads.
      await page.evaluate(() => {
        HTMLAnchorElement.prototype.click = function (this: HTMLAnchorElement) {
          const blob = (window as unknown as { made: Blob }).made;
          (window as unknown as { saved: unknown }).saved = { name: this.download, blob };
        };
        const make = URL.createObjectURL.bind(URL);
        URL.createObjectURL = (blob: Blob) => {
          (window as unknown as { made: Blob }).made = blob;
          return make(blob);
        };
      });
    });

    it('shows rows so far of all there are, and saves the whole file', async () => {
      for (const format of ['csv', 'ndjson']) {
        const { state, rows, saved } = await exportOf(format);
        expect(state).to.equal('匯出完成。');
        expect(rows.replaceAll(',', '')).to.equal('1200 / 1200');
        expect(saved).to.match(new RegExp(`^statements-[\\d-]+\\.${format} `));
        expect(saved?.split(format === 'csv' ? '\r\n' : '}\n')).to.have.length(
          format === 'csv' ? many + 2 : many + 1,
        );
      }
      await screenshots(page, 'lrs-export');
      await expectAccessible(page);
    });

    it('can be cancelled: nothing is saved, and the next one works', async () => {
      await page.evaluate(() => {
        document
          .querySelector('a[data-export]')
          ?.dispatchEvent(new MouseEvent('click', { cancelable: true, bubbles: true }));
        document
          .querySelector('#export [data-stop]')
          ?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
      });
      await page.waitForFunction(() =>
        document.querySelector('#export [data-state]')?.textContent?.includes('已取消匯出'),
      );
      expect(
        await page.evaluate(() => (window as unknown as { saved?: unknown }).saved === undefined),
      ).to.equal(true);
      expect((await exportOf('csv')).state).to.equal('匯出完成。');
    });

    it('a program that breaks off the download harms nothing', async () => {
      const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
      const abort = new AbortController();
      const response = await fetch(`${server.origin}/api/lrs/export.ndjson`, {
        headers: { cookie },
        signal: abort.signal,
      });
      expect(Number(response.headers.get('x-through'))).to.be.at.least(many);
      const reader = response.body?.getReader();
      await reader?.read();
      abort.abort();
      expect((await fetch(`${server.origin}/readyz`)).status).to.equal(200);
    });
  });

  it('is closed to guests and to learners', async () => {
    const guest = await fetch(`${server.origin}/api/lrs/statements`, {
      headers: { accept: 'application/json' },
    });
    expect(guest.status).to.equal(401);
    const learner = await newContext();
    const own = await newPage(learner);
    page = own;
    await signIn('learner');
    for (const path of ['/admin/lrs', '/admin/lrs/credentials', '/api/lrs/export.csv', '/admin/lrs/erasures'])
      expect((await own.goto(`${server.origin}${path}`))?.status(), path).to.equal(403);
    await learner.close();
  });
});
