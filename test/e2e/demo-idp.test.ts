import { createServer } from 'node:http';
import { expect } from 'chai';
import { auditLines } from '../support/audit.ts';
import { close } from '../support/oidc-idp.ts';
import { freePort, type RunningServer, startServer } from '../support/server.ts';
import { createWanderer, formsOf, type Page, type Wanderer } from '../support/wanderer.ts';

describe('the identity providers of demo mode', function () {
  this.timeout(90_000);
  let server: RunningServer;
  let idpPort: number;
  before(async () => {
    idpPort = await freePort();
    const started = await startServer({
      environment: { DEMO_IDP: 'on', DEMO_IDP_PORT: String(idpPort), LOG_LEVEL: 'info' },
    });
    if (!started) throw new Error('no server');
    server = started;
  });
  after(() => server?.remove());

  const choose = async (wanderer: Wanderer, key: string, person: string): Promise<Page> => {
    const page = await wanderer.submit(await wanderer.get(`${server.origin}/sign-in/${key}`), person);
    // SAML's and Apple's way: the answer is a form that the provider's page sends off.
    return /Submitting Callback|hiddenform/.test(page.text) ? wanderer.submit(page) : page;
  };

  it('stand in the two columns of the sign-in panel (requirements.md §1, 2)', async () => {
    const { text } = await createWanderer().get(`${server.origin}/sign-in`);
    const column = (name: string): string[] => {
      const section = new RegExp(`<section[^>]*aria-labelledby="column-${name}">([\\s\\S]*?)</section>`).exec(
        text,
      )?.[1];
      return [...(section ?? '').matchAll(/data-provider="([^"]+)"/g)].map(([, key = '']) => key);
    };
    expect(column('public')).to.deep.equal(['egov', 'facebook', 'google', 'apple']);
    expect(column('civil-servant')).to.deep.equal(['ecpa', 'egov', 'facebook', 'google', 'apple']);
  });

  for (const [key, person, kind] of [
    ['ecpa', '吳公務', null],
    ['egov', '周民眾', '一般民眾'],
    ['egov', '鄭約聘', '公務人員'],
    ['facebook', '阿傑', null],
    ['google', '小芳', null],
    ['apple', '小如', null],
  ] as const)
    it(`bring ${person} in by ${key}, over the real protocol, to the terms of a first sign-in`, async () => {
      const wanderer = createWanderer();
      const chooser = await wanderer.get(`${server.origin}/sign-in/${key}`);
      expect(new URL(chooser.url).host).to.equal(`127.0.0.1:${idpPort}`);
      const shown = formsOf(chooser).find(({ button }) => button.includes(person));
      expect(shown?.button).to.equal(kind === null ? person : `${person}（${kind}）`);
      const page = await choose(wanderer, key, person);
      expect(page.url, page.text.slice(0, 500)).to.equal(`${server.origin}/welcome/terms`);
      expect(page.text).to.include(person);
      // Neither side's cookies go to the other.
      expect(wanderer.cookie('127.0.0.1', 'zhixing')).to.equal(null);
    });

  it('give nobody an ID number that shows on a page or in the log', async () => {
    const wanderer = createWanderer();
    await choose(wanderer, 'egov', '周民眾');
    expect(server.output()).to.not.match(/[A-Z][12]\d{8}/);
  });

  describe('after a sign-out', () => {
    const there = ({ text }: Page): string | null => /data-there="([a-z]+)"/.exec(text)?.[1] ?? null;
    const signOut = async (wanderer: Wanderer, key: string, person: string): Promise<Page> =>
      wanderer.submit(await choose(wanderer, key, person), '登出');
    /** Says yes on the provider's own page. */
    const confirm = async (wanderer: Wanderer, page: Page): Promise<Page> => {
      const [form] = formsOf(page);
      if (!form) throw new Error(`no form on ${page.url}`);
      return wanderer.post(form.action, { ...form.fields, logout: 'yes' }, page.url);
    };

    it('the session at the provider can be ended too (RP-initiated logout), and only then a new person is asked for', async () => {
      const wanderer = createWanderer();
      const page = await signOut(wanderer, 'egov', '周民眾');
      expect(page.url).to.equal(`${server.origin}/sign-in/signed-out`);
      expect(page.text).to.include('您已登出本平臺').and.include('「我的e政府」可能仍是登入狀態');
      expect(there(page)).to.equal('offered');
      // Still signed in there: no choice is offered.
      expect((await wanderer.get(`${server.origin}/sign-in/egov`)).url).to.equal(
        `${server.origin}/welcome/terms`,
      );
      await wanderer.submit(await wanderer.get(`${server.origin}/welcome/terms`), '登出');
      const asked = await wanderer.get(`${server.origin}/sign-in/egov/sign-out`);
      expect(asked.url).to.include(`:${idpPort}/egov/session/end?`);
      const back = await confirm(wanderer, asked);
      expect(back.url).to.equal(`${server.origin}/sign-in/signed-out`);
      expect(back.text).to.include('「我的e政府」也已登出');
      expect((await wanderer.get(`${server.origin}/sign-in/egov`)).text).to.include('選擇一位使用者');
      const line = auditLines(server.options.dataDir).findLast(
        ({ action }) => action === 'sign-out.provider',
      );
      expect(line).to.deep.include({ outcome: 'success', detail: { provider: 'egov' } });
    });

    it('nothing is claimed for an answer that nobody asked for', async () => {
      const wanderer = createWanderer();
      await signOut(wanderer, 'egov', '周民眾');
      const asked = await wanderer.get(`${server.origin}/sign-in/egov/sign-out`);
      const forged = await wanderer.get(`${server.origin}/sign-in/egov/logout?state=guessed`);
      expect(there(forged)).to.equal('going');
      expect(forged.text).to.not.include('也已登出');
      expect(asked.status).to.equal(200);
      expect(
        (await createWanderer().get(`${server.origin}/sign-in/egov/logout?state=x`)).text,
      ).to.not.include('也已登出');
    });

    it('a provider that is left alone is named', async () => {
      const left = await signOut(createWanderer(), 'google', '小芳');
      expect(there(left)).to.equal('left');
      expect(left.text).to.include('「Google」可能仍是登入狀態').and.not.include('data-leave');
    });
  });

  it('keep their people over a restart, numbers included: nobody is new, nobody is refused', async () => {
    await server.stop();
    await server.restart();
    const page = await choose(createWanderer(), 'egov', '周民眾');
    expect(page.url).to.equal(`${server.origin}/welcome/terms`);
    expect(page.text).to.include('周民眾');
  });

  it('answer under their own name only', async () => {
    const answer = await fetch(`http://127.0.0.1:${idpPort}/egov/.well-known/openid-configuration`);
    expect(answer.status).to.equal(200);
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) =>
      request(
        {
          host: '127.0.0.1',
          port: idpPort,
          path: '/egov/.well-known/openid-configuration',
          headers: { host: 'evil.example' },
        },
        (res) => resolve(res.resume().statusCode),
      )
        .once('error', reject)
        .end(),
    );
    expect(status).to.equal(421);
  });

  it('take another port when theirs is taken, and the start says which', async () => {
    const port = await freePort();
    const occupant = createServer((_req, res) => res.end('somebody else'));
    await new Promise<void>((resolve) => occupant.listen(port, '127.0.0.1', resolve));
    const other = await startServer({ environment: { DEMO_IDP: 'on', DEMO_IDP_PORT: String(port) } });
    try {
      const chooser = await createWanderer().get(`${other?.origin}/sign-in/egov`);
      const { host } = new URL(chooser.url);
      expect(host).to.not.equal(`127.0.0.1:${port}`);
      expect(chooser.text).to.include('周民眾');
      expect(other?.output()).to.include(host);
    } finally {
      await other?.remove();
      await close(occupant);
    }
  });
});
