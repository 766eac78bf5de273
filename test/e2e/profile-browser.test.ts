import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BrowserContext, ElementHandle, Page } from 'puppeteer-core';
import { expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const textOf = (page: Page, selector = 'main'): Promise<string> =>
  page.$eval(selector, (element) => (element as HTMLElement).innerText);

describe('個人資料, the card and the agency directory in a browser', function () {
  this.timeout(120_000);
  let server: RunningServer;
  let learner: BrowserContext;
  let admin: BrowserContext;
  let folder: string;

  before(async () => {
    const started = await startServer();
    if (!started) throw new Error('no server');
    server = started;
    learner = await newContext();
    admin = await newContext();
    folder = mkdtempSync(join(tmpdir(), 'zhixing-agencies-'));
  });
  after(async () => {
    await learner?.close();
    await admin?.close();
    await server?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const follow = async (page: Page, selector: string): Promise<void> => {
    await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.click(selector)]);
  };
  const signIn = async (context: BrowserContext, who: string) => {
    const page = await newPage(context);
    await page.goto(`${server.origin}/sign-in?lang=zh-TW`);
    await follow(page, `button[data-demo="${who}"]`);
    return page;
  };
  const fill = async (page: Page, selector: string, text: string): Promise<void> => {
    await page.$eval(selector, (input) => ((input as HTMLInputElement).value = ''));
    await page.type(selector, text);
  };

  it('a learner finds the page in the header, chooses an agency by typing, and decides what the card shows', async () => {
    const page = await signIn(learner, 'learner');
    await follow(page, 'header a.who');
    expect(await textOf(page))
      .to.include('個人資料')
      .and.include('顯示於名片')
      .and.include('平台識別編號');
    // 姓名 comes from the identity provider: there is no field for it, but a hint where to change it.
    expect(await page.$('#name')).to.equal(null);
    expect(await textOf(page, '#row-name'))
      .to.include('王小明')
      .and.include('請至該平臺修改');
    await screenshots(page, 'profile');
    await expectAccessible(page);

    await fill(page, '#agency', '青山');
    await page.waitForSelector('[role="option"]');
    expect(await page.$eval('#agency', (input) => input.getAttribute('aria-expanded'))).to.equal('true');
    await expectAccessible(page);
    await screenshots(page, 'profile-agency');
    await page.focus('#agency');
    await fill(page, '#agency', '301030200');
    await page.waitForFunction(() =>
      document.querySelector('[role="option"]')?.textContent?.includes('綠水'),
    );
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    expect(await page.$eval('#agency', (input) => (input as HTMLInputElement).value)).to.equal(
      '301030200A 範例縣立綠水國民中學',
    );
    await page.select('#personnelCategory', '10');
    await page.type('#introduction', '喜歡植物。\n也喜歡讀書。');
    await page.type('#website', 'example.org');
    for (const field of ['agencyName', 'introduction', 'website'])
      await page.click(`input[name="shownOnCard"][value="${field}"]`);
    await follow(page, 'form.profile button[type="submit"]');
    expect(await textOf(page)).to.include('個人資料已儲存');
    expect(await textOf(page, '#row-agencyCode')).to.include('301030200A');
    await follow(page, 'a[href^="/people/"]');
    expect(await textOf(page)).to.include('這是其他學員看到的您的名片');
    expect(page.faults).to.deep.equal([]);
  });

  it('a refused form says what is wrong at each field and keeps what was typed', async () => {
    const page = await newPage(learner);
    await page.goto(`${server.origin}/account/profile`);
    await fill(page, '#nickname', '管理員');
    await fill(page, '#email', 'nobody');
    await fill(page, '#partTimeAgency', '竹影');
    await page.keyboard.press('Escape');
    await follow(page, 'form.profile button[type="submit"]');
    expect(await textOf(page, '#problems'))
      .to.include('電子郵件')
      .and.include('兼職代碼');
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal('problems');
    expect(await page.$eval('#email', (input) => (input as HTMLInputElement).value)).to.equal('nobody');
    expect(await textOf(page, '#row-partTimeAgencyCode')).to.include('301050000A 範例縣竹影市公所');
    await screenshots(page, 'profile-refused');
    await expectAccessible(page);
    await fill(page, '#email', 'learner@example.org');
    await fill(page, '#partTimeAgency', '');
    await follow(page, 'form.profile button[type="submit"]');
    expect(await textOf(page, '#problems')).to.include('這個暱稱已有人使用');
  });

  it('works in English', async () => {
    const page = await newPage(learner);
    await page.goto(`${server.origin}/account/profile?lang=en`);
    expect(await textOf(page)).to.include('My profile');
    expect(await textOf(page)).to.include('Show on card');
    await screenshots(page, 'profile-en');
    await page.goto(`${server.origin}/account/profile?lang=zh-TW`);
  });

  it('others who are signed in see on the card what is shared and nothing else; guests see nothing', async () => {
    const page = await signIn(admin, 'admin');
    await page.goto(`${server.origin}/people/${encodeURIComponent('小明')}`);
    const text = await textOf(page);
    expect(text)
      .to.include('喜歡植物')
      .and.include('範例縣立綠水國民中學')
      .and.include('https://example.org/');
    expect(text).to.not.include('王小明').and.not.include('learner@example.org').and.not.include('教育人員');
    await screenshots(page, 'card');
    await expectAccessible(page);
    const guest = await fetch(`${server.origin}/people/${encodeURIComponent('小明')}`, {
      redirect: 'manual',
    });
    expect(guest.headers.get('location')).to.match(/^\/sign-in/);
    const picker = await fetch(`${server.origin}/api/agencies?q=301`);
    expect(picker.status).to.equal(401);
  });

  it('an administrator checks a table, sees each fault, corrects it, and imports what was checked', async () => {
    const page = await newPage(admin);
    const upload = async (text: string): Promise<void> => {
      const file = join(folder, 'agencies.csv');
      writeFileSync(file, text);
      await page.goto(`${server.origin}/admin/agencies`);
      await ((await page.$('#table')) as ElementHandle<HTMLInputElement>).uploadFile(file);
      await follow(page, 'button[name="action"][value="check"]');
    };
    await page.goto(`${server.origin}/admin/agencies?q=範例縣`);
    expect(await textOf(page))
      .to.include('範例縣竹影鎮公所')
      .and.include('2022-12-25');
    await screenshots(page, 'agencies');
    await expectAccessible(page);

    await upload(
      '機關代碼,機關名稱,上級機關代碼\n301060000A,新設機關,301000000A\n錯,壞,\n301070000A,孤兒,999999999Z\n',
    );
    expect(await textOf(page))
      .to.include('有 2 處需要修正')
      .and.include('名錄沒有任何變動');
    await screenshots(page, 'agencies-faults');
    await expectAccessible(page);

    await upload(
      '\ufeff機關代碼,機關名稱,上級機關代碼,起日\r\n301060000A,"新設機關,第一辦公室",301000000A,\r\n301040000A,範例縣松濤鄉公所,301000000A,115.1.1\r\n',
    );
    expect(await textOf(page))
      .to.include('新增：1')
      .and.include('更名：1')
      .and.include('範例縣松風鄉公所 →');
    await screenshots(page, 'agencies-check');
    await expectAccessible(page);
    await follow(page, 'main form button.primary');
    expect(await textOf(page)).to.include('共異動 2 筆');
    await page.goto(`${server.origin}/admin/agencies?q=松風`);
    expect(await textOf(page))
      .to.include('範例縣松濤鄉公所')
      .and.include('2026-01-01');
    expect(page.faults.filter((fault) => !fault.includes('422'))).to.deep.equal([]);
    const learnerPage = await newPage(learner);
    const answer = await learnerPage.goto(`${server.origin}/admin/agencies`);
    expect(answer?.status()).to.equal(403);
  });
});
