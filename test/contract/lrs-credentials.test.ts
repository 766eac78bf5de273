import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { createCredentials } from '../../src/lrs/credentials.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const basic = (key: string, secret: string): string =>
  `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

onEveryEngine('Credentials', ({ storage }) => {
  const clock = new TestClock();
  const credentials = () =>
    createCredentials({ store: storage().lrs.credentials, clock, homePage: 'http://localhost:8080' });

  it('open with their key and secret only, and only the hash is kept', async () => {
    const { credential, secret } = await credentials().create({ label: 'partner', scopes: ['all'] });
    const caller = await credentials().authenticate(basic(credential.key, secret));
    expect(caller?.credential.id).to.equal(credential.id);
    expect(await credentials().authenticate(basic(credential.key, `${secret}x`))).to.equal(null);
    expect(await credentials().authenticate(basic('nobody', secret))).to.equal(null);
    expect(await credentials().authenticate('Basic !!!')).to.equal(null);
    expect(await credentials().authenticate(undefined)).to.equal(null);
    expect(JSON.stringify(await credentials().list())).to.not.include(secret);
    expect((await storage().lrs.credentials.byId(credential.id))?.lastUsedAt).to.deep.equal(clock.now());
  });

  it('a flood of wrong secrets is turned away beyond a number, and keeps nobody out who was let in', async () => {
    const all = credentials();
    const { credential, secret } = await all.create({ label: 'besieged', scopes: ['all'] });
    const right = basic(credential.key, secret);
    // Many at once with the same secret cost one check.
    const together = await Promise.all(Array.from({ length: 300 }, () => all.authenticate(right)));
    expect(together.every((caller) => caller?.credential.id === credential.id)).to.equal(true);
    const flood = Array.from({ length: 50 }, (_, n) => all.authenticate(basic(credential.key, `wrong-${n}`)));
    expect((await all.authenticate(right))?.credential.id).to.equal(credential.id);
    const outcomes = await Promise.allSettled(flood);
    const turnedAway = outcomes.filter(
      (outcome) => outcome.status === 'rejected' && isDomainError(outcome.reason, 'rate-limited'),
    );
    expect(turnedAway.length).to.be.greaterThan(0);
    expect(outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value !== null)).to.equal(
      false,
    );
  });

  it('a key is unique, also in a race', async () => {
    const drafts = Array.from({ length: 4 }, () =>
      credentials().create({ label: 'twin', key: 'twin', scopes: ['all'] }),
    );
    const outcomes = await Promise.allSettled(drafts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(isDomainError(outcome.reason, 'conflict')).to.equal(true);
  });

  it('rotation leaves the old secret good for its grace and no longer', async () => {
    const all = credentials();
    const { credential, secret } = await all.create({ label: 'rotated', scopes: ['all'] });
    const { id, key } = credential;
    expect(await all.authenticate(basic(key, secret))).to.not.equal(null);
    const fresh = await all.rotate(id, 3600);
    expect(await all.authenticate(basic(key, secret))).to.not.equal(null);
    expect(await all.authenticate(basic(key, fresh))).to.not.equal(null);
    clock.advance(3601);
    expect(await all.authenticate(basic(key, secret))).to.equal(null);
    expect(await all.authenticate(basic(key, fresh))).to.not.equal(null);
  });

  it('expire, and can be switched off', async () => {
    const all = credentials();
    const soon = new Date(clock.now().getTime() + 60_000);
    const { credential, secret } = await all.create({ label: 'short', scopes: ['state'], expiresAt: soon });
    expect(await all.authenticate(basic(credential.key, secret))).to.not.equal(null);
    clock.advance(60);
    expect(await all.authenticate(basic(credential.key, secret))).to.equal(null);
    const off = await all.create({ label: 'off', scopes: ['state'] });
    await all.update(off.credential.id, { disabled: true });
    expect(await all.authenticate(basic(off.credential.key, off.secret))).to.equal(null);
  });

  it('the configured credential is made, and brought up to date when its secret changes', async () => {
    await Promise.all([
      credentials().ensure({ key: 'operator', secret: 'first-secret' }),
      credentials().ensure({ key: 'operator', secret: 'first-secret' }),
    ]);
    expect((await credentials().authenticate(basic('operator', 'first-secret')))?.scopes).to.deep.equal([
      'all',
    ]);
    await credentials().ensure({ key: 'operator', secret: 'second-secret' });
    expect(await credentials().authenticate(basic('operator', 'first-secret'))).to.equal(null);
    expect(await credentials().authenticate(basic('operator', 'second-secret'))).to.not.equal(null);
  });

  it('bearer tokens hold at most the scopes of their credential, for an hour (RFC 6749 §4.4)', async () => {
    const all = credentials();
    const { credential, secret } = await all.create({
      label: 'oauth',
      scopes: ['statements/write', 'state'],
    });
    const caller = await all.authenticate(basic(credential.key, secret));
    if (!caller) throw new Error('not authenticated');
    const { token, expiresInSeconds } = await all.issueToken(caller, ['state']);
    expect(expiresInSeconds).to.equal(3600);
    expect((await all.authenticate(`Bearer ${token}`))?.scopes).to.deep.equal(['state']);
    expect(isDomainError(await failure(all.issueToken(caller, ['all'])), 'invalid')).to.equal(true);
    clock.advance(3600);
    expect(await all.authenticate(`Bearer ${token}`)).to.equal(null);
    expect(await storage().lrs.credentials.deleteExpiredTokens(clock.now())).to.be.at.least(1);
  });
});
