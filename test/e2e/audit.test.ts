import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import Database from 'better-sqlite3';
import { newContext, newPage, screenshots, expectAccessible } from '../support/browser.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { Visitor } from '../support/visitor.ts';

const root = join(import.meta.dirname, '../..');

describe('the audit log in the portal', function () {
  this.timeout(120_000);
  let server: RunningServer | null = null;
  const origin = (): string => server?.origin ?? '';
  before(async () => {
    server = await startServer();
  });
  after(() => server?.remove());

  const signedIn = async (loginName: string, password: string): Promise<Visitor> => {
    const visitor = new Visitor(origin());
    await visitor.submit('/sign-in', '/sign-in', { loginName, password });
    return visitor;
  };

  it('holds sign-ins that failed and that succeeded, and who looked at Statements; never a password', async () => {
    const stranger = new Visitor(origin());
    const refused = await stranger
      .submit('/sign-in', '/sign-in', { loginName: 'learner', password: 'a wrong secret' })
      .catch(String);
    expect(refused).to.include('401 at /sign-in');
    const admin = await signedIn('admin', 'admin-demo');
    await admin.get('/admin/lrs');
    const { text } = await admin.get('/admin/audit?person=learner&outcome=failure');
    expect(text).to.include('wrong-password').and.include('王小明');
    expect(text).to.not.include('a wrong secret');
    expect((await admin.get('/admin/audit?action=statements.read')).text).to.include('查詢學習歷程陳述');
    // Looking at the log is in the log.
    expect((await admin.get('/admin/audit?action=audit.read')).text).to.include('李管理');
    const csv = await admin.get('/admin/audit.csv?action=sign-in');
    expect(csv.text)
      .to.match(/^\ufeff?seq,at,action,/)
      .and.to.include(',sign-in,');
  });

  it('is closed to everyone without the right', async () => {
    const learner = await signedIn('learner', 'learner-demo');
    for (const path of ['/admin/audit', '/admin/audit.csv'])
      expect((await learner.get(path)).text).to.not.include('192.0.2');
  });

  it('is checked on the page and by the command, which names the first line that was changed', async () => {
    const admin = await signedIn('admin', 'admin-demo');
    const check = await admin.submit('/admin/audit', '/admin/audit/check');
    expect(check.text).to.include('鏈結完整');
    const dataDir = server?.options.dataDir ?? '';
    const verify = () =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/audit-verify.ts'], {
        cwd: root,
        env: { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir },
      }).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: { code: number; stdout: string }) => error,
      );
    expect((await verify()).stdout).to.include('the chain is intact');
    const db = new Database(join(dataDir, 'zhixing.db'));
    expect(() => db.prepare("UPDATE audit_log SET actor_id = 'x' WHERE seq = 2").run()).to.throw(
      'only added to',
    );
    db.exec('DROP TRIGGER audit_log_fixed');
    db.prepare("UPDATE audit_log SET reason = 'nothing' WHERE seq = 2").run();
    db.close();
    const broken = await verify();
    expect(broken.code).to.equal(1);
    expect(broken.stdout).to.include('Line 2 was changed');
  });

  it('reads well in both languages, on desktop and phone, by keyboard', async () => {
    const context = await newContext();
    try {
      for (const language of ['zh-TW', 'en']) {
        const page = await newPage(context);
        await page.goto(`${origin()}/sign-in?lang=${language}`);
        if (language === 'zh-TW')
          await Promise.all([page.waitForNavigation(), page.click('button[data-demo="admin"]')]);
        await page.goto(`${origin()}/admin/audit?lang=${language}`);
        await screenshots(page, `audit-${language}`);
        for (const width of [390, 1280]) {
          await page.setViewport({ width, height: 900 });
          await expectAccessible(page);
        }
        await page.focus('.main-nav .menu summary');
        await page.keyboard.press('Enter');
        await page.waitForSelector('.main-nav .menu a[href="/admin/audit"]', { visible: true });
        await expectAccessible(page);
        await screenshots(page, `audit-menu-${language}`);
        await page.close();
      }
    } finally {
      await context.close();
    }
  });
});
