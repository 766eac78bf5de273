import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import {
  columnsFor,
  stepNumber,
  suited,
  unsuitable,
  wizardStep,
  wizardSteps,
  type OfferedProvider,
} from '../../src/identity/first-login.ts';
import { idNumberKind } from '../../src/identity/id-numbers.ts';
import { parseMailUrl } from '../../src/identity/mail/smtp.ts';
import { nextIssueAt } from '../../src/identity/mail/store.ts';
import { cleanNickname, nicknameFault, suggestNicknames } from '../../src/identity/nicknames.ts';
import { signInGuide } from '../../src/identity/routes-first-login.ts';
import { createTerms, parseTerms } from '../../src/identity/terms.ts';
import { createViewEngine, viewsFolder } from '../../src/views/engine.ts';
import { loadMessages } from '../../src/views/messages.ts';
import { TestClock } from '../support/clock.ts';

const provider = (
  key: string,
  assurance: OfferedProvider['assurance'],
  columns: OfferedProvider['columns'] = ['civil-servant', 'public'],
): OfferedProvider => ({ key, label: { 'zh-TW': key }, columns, assurance });
const panel = [
  provider('ecpa', 'official', ['civil-servant']),
  provider('egov', 'official'),
  provider('facebook', 'social'),
  provider('google', 'social'),
  provider('apple', 'social'),
];
const keys = (list: readonly OfferedProvider[]): string[] => list.map(({ key }) => key);

describe('the first-login wizard (requirements.md §2)', () => {
  it('is a tree: every choice is a step that leads back to its question, and every end recommends something', () => {
    for (const step of wizardSteps) {
      for (const choice of step.choices) expect(wizardStep(choice)?.before, choice).to.equal(step.id);
      if (step.choices.length === 0) {
        expect(step.recommends, step.id).to.not.be.empty;
        expect(step.audience, step.id).to.not.equal(null);
      }
    }
    expect(wizardSteps.filter(({ before }) => before === null)).to.have.length(1);
    expect(wizardSteps.map(stepNumber)).to.deep.equal([1, 2, 3, 3, 3, 2, 3, 4, 4, 3]);
  });

  it('has its texts in the messages', () => {
    const zh = loadMessages('zh-TW');
    for (const { id, choices } of wizardSteps) {
      expect(zh.has(`first-login.steps.${id}.title`), id).to.equal(true);
      expect(zh.has(`first-login.steps.${id}.text`), id).to.equal(true);
      for (const choice of choices) expect(zh.has(`first-login.choices.${choice}`), choice).to.equal(true);
    }
  });
});

describe('the sign-in panel after the answer (W22)', () => {
  it('shows everything while nothing is known, or when asked to', () => {
    expect(keys(suited(panel, null, false).shown)).to.deep.equal(keys(panel));
    expect(suited(panel, 'official', true).hidden).to.deep.equal([]);
    expect(columnsFor(null)).to.deep.equal(['civil-servant', 'public']);
  });

  it('hides from civil servants the buttons that lose hours, and says why', () => {
    const { shown, hidden } = suited(panel, 'official', false);
    expect(keys(shown)).to.deep.equal(['ecpa', 'egov']);
    expect(hidden.map(({ provider: { key }, reason }) => [key, reason])).to.deep.equal([
      ['facebook', 'loses-hours'],
      ['google', 'loses-hours'],
      ['apple', 'loses-hours'],
    ]);
  });

  it('leaves the public who need proof 我的e政府 only, and the others everything but the civil servants’ own', () => {
    expect(keys(suited(panel, 'hours', false).shown)).to.deep.equal(['egov']);
    expect(keys(suited(panel, 'no-hours', false).shown)).to.deep.equal([
      'egov',
      'facebook',
      'google',
      'apple',
    ]);
    expect(unsuitable(panel[0] as OfferedProvider, 'no-hours')).to.equal('civil-servants-only');
    expect(unsuitable(panel[2] as OfferedProvider, 'hours')).to.equal('no-proof');
  });

  it('names what it left out with the reason, and offers to show all, keeping the way back', async () => {
    const shownFor = (query: Record<string, string>, cookie: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const guide = signInGuide({ headers: { cookie }, query } as never, () => panel, '/record');
        createViewEngine()(
          join(viewsFolder, 'pages/sign-in.hbs'),
          { language: 'zh-TW', guide, returnTo: '/record', csrfToken: 'x', otherLanguageUrl: '/', can: {} },
          (error, html) => (error ? reject(error) : resolve(html ?? '')),
        );
      });
    const suitedPage = await shownFor({}, 'a=b; zhixing-first-login=official');
    expect(suitedPage)
      .to.include('為避免您損失時數')
      .and.include('<strong>facebook</strong>：不是公務帳號，以此登入的學習時數不會累計。')
      .and.match(/href="\/sign-in\?show=all&amp;returnTo(=|&#x3D;)%2Frecord"/);
    expect(suitedPage.match(/data-hidden/g)).to.have.length(3);
    const whole = await shownFor({ show: 'all' }, 'zhixing-first-login=official');
    expect(whole).to.include('只顯示適合我的登入方式').and.not.include('data-hidden');
    expect(await shownFor({}, 'zhixing-first-login=nonsense')).to.not.include('依您的回答');
  });
});

describe('nicknames (W19)', () => {
  it('are kept in one plain form', () => {
    expect(cleanNickname('  Ａｂｃ　 阿\t明 ')).to.equal('Abc 阿 明');
  });

  it('may be words of any script with digits, single spaces and marks between', () => {
    for (const good of [
      '小明',
      'Wang',
      '山 風',
      'a-b_c.d·e',
      '王2',
      'Ōki',
      'ஆதி',
      '二十個字的暱稱剛好可以用得到喔二十字了吧',
    ])
      expect(nicknameFault(cleanNickname(good)), good).to.equal(null);
  });

  it('are refused with their reason', () => {
    const number = Array.from({ length: 10 }, (_, digit) => `Z10000000${digit}`).find(idNumberKind) ?? '';
    const faults: [string, string][] = [
      ['', 'empty'],
      ['　 ', 'empty'],
      ['一', 'short'],
      ['字'.repeat(21), 'long'],
      ['a'.repeat(21), 'long'],
      ['😀😀', 'characters'],
      ['a<b>', 'characters'],
      ['零\u200b寬', 'characters'],
      ['右\u202e左', 'characters'],
      ['-ab', 'edges'],
      ['ab.', 'edges'],
      ['a--b', 'edges'],
      ['123456', 'digits'],
      [number, 'personal'],
      [`${number.slice(0, 4)}-${number.slice(4)}`, 'personal'],
      ['me@example.org', 'personal'],
      ['管理員', 'reserved'],
      ['系統管理員', 'reserved'],
      ['A.d-m_i n', 'reserved'],
    ];
    for (const [wish, fault] of faults) expect(nicknameFault(cleanNickname(wish)), wish).to.equal(fault);
  });

  it('get at least three free suggestions that keep the rules, whatever is taken nearby', async () => {
    let turn = 0;
    const pick = (below: number): number => (turn++ * 7919) % below;
    for (const wish of ['小明', 'Wang', '二十個字的暱稱剛好可以用得到喔二十字了吧', 'a'.repeat(20)]) {
      const taken = new Set(['小明愛學習', '小明學員']);
      const found = await suggestNicknames(wish, async (name) => taken.has(name), pick);
      expect(new Set(found), wish).to.have.property('size', 3);
      for (const each of found) {
        expect(nicknameFault(each), each).to.equal(null);
        expect(cleanNickname(each)).to.equal(each);
        expect(taken.has(each)).to.equal(false);
      }
    }
  });

  it('grow their numbers when all short ones are taken', async () => {
    let turn = 0;
    const found = await suggestNicknames(
      '小明',
      async (name) => !/\d{4,}$/.test(name),
      (below) => (turn++ * 7919) % below,
    );
    expect(found).to.have.length(3);
  });
});

describe('terms', () => {
  it('are titles, headings, paragraphs and lists, and never markup', () => {
    expect(parseTerms('v', '# T\n\nfirst\n## H\n- a\n- b\n\nafter <b>')).to.deep.equal({
      version: 'v',
      title: 'T',
      sections: [
        { heading: null, blocks: [{ paragraph: 'first' }] },
        { heading: 'H', blocks: [{ items: ['a', 'b'] }, { paragraph: 'after <b>' }] },
      ],
    });
    expect(() => parseTerms('v', 'no title')).to.throw('need a title');
  });

  it('change on the day of the next version, in Taipei, in both languages', () => {
    const folder = mkdtempSync(join(tmpdir(), 'zhixing-terms-'));
    try {
      for (const version of ['2026-01-01', '2026-12-01'])
        for (const language of ['zh-TW', 'en'])
          writeFileSync(join(folder, `${version}.${language}.md`), `# ${version} ${language}\ntext\n`);
      const clock = new TestClock('2026-11-30T15:59:59Z');
      const terms = createTerms({ clock, folder });
      expect(terms.currentVersion()).to.equal('2026-01-01');
      clock.advance(1);
      expect(terms.currentVersion()).to.equal('2026-12-01');
      expect(terms.text('en').title).to.equal('2026-12-01 en');
      clock.set('2025-06-01T00:00:00Z');
      expect(terms.currentVersion(), 'before the first one').to.equal('2026-01-01');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('say in both languages what the law asks to be told, under the same headings', () => {
    const terms = createTerms({ clock: new TestClock() });
    const [zh, en] = [terms.text('zh-TW'), terms.text('en')];
    expect(zh.sections).to.have.length(en.sections.length);
    const text = JSON.stringify(zh);
    for (const part of [
      '個人資料保護法第八條',
      '蒐集目的',
      '資料類別',
      '利用期間',
      '利用地區',
      '利用對象',
      '您的權利',
      '不提供的影響',
    ])
      expect(text).to.include(part);
  });
});

describe('mail', () => {
  it('reads the server from one address, and refuses others without repeating them', () => {
    expect(parseMailUrl('smtp://me:p%40ss@mail.example.org?tls')).to.deep.equal({
      host: 'mail.example.org',
      port: 587,
      secure: false,
      requireTLS: true,
      auth: { user: 'me', pass: 'p@ss' },
    });
    expect(parseMailUrl('smtps://mail.example.org')).to.include({ port: 465, secure: true });
    expect(parseMailUrl('smtp://127.0.0.1:2525')).to.not.have.property('auth');
    for (const wrong of ['secret', 'http://secret@x', 'smtp://', 'smtp://x/secret']) {
      let error: unknown;
      try {
        parseMailUrl(wrong);
      } catch (thrown) {
        error = thrown;
      }
      expect(isDomainError(error, 'invalid'), wrong).to.equal(true);
      expect((error as Error).message).to.not.include('secret');
    }
  });

  it('may be asked for again after the pause, and so often within the window', () => {
    const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));
    const limits = { most: 2, windowSeconds: 100, pauseSeconds: 10 };
    expect(nextIssueAt([], at(0), limits)).to.equal(null);
    expect(nextIssueAt([at(0)], at(9), limits)).to.deep.equal(at(10));
    expect(nextIssueAt([at(0)], at(10), limits)).to.equal(null);
    expect(nextIssueAt([at(0), at(10)], at(50), limits)).to.deep.equal(at(100));
    expect(nextIssueAt([at(0), at(10)], at(100), limits)).to.equal(null);
    // A clock that stepped back waits for the pause at most from what it knows.
    expect(nextIssueAt([at(5)], at(0), limits)).to.deep.equal(at(15));
  });
});
