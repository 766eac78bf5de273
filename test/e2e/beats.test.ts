import { expect } from 'chai';
import { demoAccounts } from '../../src/identity/demo-people.ts';
import type { PageConfiguration } from '../../src/player/client/messages.ts';
import type { ReadingView } from '../../src/player/sessions/player-sessions.ts';
import { startServer, type RunningServer } from '../support/server.ts';
import { Visitor } from '../support/visitor.ts';

const passwordOf = (name: string): string =>
  demoAccounts.find(({ loginName }) => loginName === name)?.password ?? '';

describe('beats, most of which are answered ahead of express', function () {
  this.timeout(120_000);
  let server: RunningServer;
  let visitor: Visitor;
  let player: PageConfiguration;

  before(async function () {
    server = (await startServer()) as RunningServer;
    visitor = new Visitor(server.origin);
    await signIn('learner');
    await visitor.submit('/courses/ZX115110001', '/courses/ZX115110001/enrol');
    player = await enter();
  });
  after(() => server.remove());

  const signIn = (loginName: string) =>
    visitor.submit('/sign-in', '/sign-in', { loginName, password: passwordOf(loginName) });
  const enter = async (): Promise<PageConfiguration> => {
    const { text } = await visitor.get('/courses/ZX115110001/learn');
    const [, json = ''] = /id="player-configuration">([^<]+)</.exec(text) ?? [];
    return JSON.parse(json) as PageConfiguration;
  };
  /** `long`: it went through express, as its answer's headers show. */
  const beat = async (
    of: PageConfiguration,
    body: object = { visible: true },
    token = of.beatToken,
  ): Promise<{ status: number; long: boolean; said: ReadingView & { error?: { code: string } } }> => {
    const answer = await fetch(`${server.origin}/api/player/sessions/${of.sessionId}/beat`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', cookie: visitor.cookies },
      body: JSON.stringify({ token, ...body }),
    });
    return {
      status: answer.status,
      long: answer.headers.has('content-language'),
      said: (await answer.json()) as ReadingView,
    };
  };

  it('go the long way once, then the short one, and say the same', async () => {
    const first = await beat(player);
    expect([first.status, first.long, first.said.counting]).to.deep.equal([200, true, true]);
    const second = await beat(player);
    expect([second.status, second.long]).to.deep.equal([200, false]);
    // Who is signed in is asked on the long way only.
    const { signedIn, ...rest } = first.said as typeof first.said & { signedIn?: boolean };
    expect(signedIn).to.equal(true);
    expect(Object.keys(second.said)).to.deep.equal(Object.keys(rest));
    const hidden = await beat(player, { visible: false });
    expect([hidden.long, hidden.said.counting]).to.deep.equal([false, false]);
    expect((await beat(player)).said.counting).to.equal(true);
  });

  it('are refused on the short way as on the long one', async () => {
    const other = await enter();
    expect(await beat(player, { visible: true }, other.beatToken)).to.deep.include({
      status: 403,
      long: false,
    });
    expect(await beat(player, { visible: true }, 'nonsense')).to.deep.include({ status: 401, long: false });
    expect(await beat(player, { visible: 'perhaps' })).to.deep.include({ status: 400, long: false });
    const endless = await beat(player, { visible: true, more: 'x'.repeat(20_000) });
    expect([endless.status, endless.long]).to.deep.equal([413, true]);
  });

  it('count for nobody once someone else is signed in in that browser', async () => {
    expect((await beat(player)).long).to.equal(false);
    await visitor.submit('/courses', '/sign-out');
    await signIn('vendor');
    const refused = await beat(player);
    expect([refused.status, refused.long, refused.said.error?.code]).to.deep.equal([
      403,
      true,
      'player.other-learner',
    ]);
  });
});
