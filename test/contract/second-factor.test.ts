import { expect } from 'chai';
import { Secret, TOTP } from 'otpauth';
import { isDomainError } from '../../src/base/errors.ts';
import { createSealer } from '../../src/base/sealing.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople, type People } from '../../src/identity/people.ts';
import { createSecondFactor, type SecondFactor } from '../../src/identity/second-factor/second-factor.ts';
import type { AuditEvent, Role } from '../../src/identity/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

onEveryEngine('second factor', ({ storage }) => {
  const clock = new TestClock();
  const audited: AuditEvent[] = [];
  let people: People;
  let factor: SecondFactor;
  let made = 0;
  before(() => {
    const store = storage().identity;
    people = createPeople({ store, vault: createIdNumberVault(Buffer.alloc(32, 1)), clock });
    factor = createSecondFactor({
      store,
      sealer: createSealer(Buffer.alloc(32, 2), 'totp/seal'),
      clock,
      audit: async (event) => void audited.push(event),
      issuer: '知行 Zhixing',
      required: true,
    });
  });

  const someone = (role: Role = 'support') =>
    people.create({
      name: `測試 ${++made}`,
      accountKind: 'local',
      roles: [{ role, organisation: null }],
    });
  /** What an authenticator app shows. */
  const codeOf = (secret: string, secondsFromNow = 0): string =>
    new TOTP({ algorithm: 'SHA1', digits: 6, period: 30, secret: Secret.fromBase32(secret) }).generate({
      timestamp: clock.now().getTime() + secondsFromNow * 1000,
    });
  const wrongFor = (secret: string): string => {
    const near = [-30, 0, 30].map((seconds) => codeOf(secret, seconds));
    return ['000000', '000001', '000002', '000003'].find((code) => !near.includes(code)) ?? '';
  };
  const enrolled = async () => {
    const person = await someone();
    const sealed = factor.begin(person.id);
    const { secret } = factor.shown(person, sealed);
    const by = { actorId: person.id, address: '192.0.2.1' };
    const recovery = await factor.confirm(person.id, sealed, codeOf(secret), by);
    clock.advance(60);
    return { person, secret, recovery, by };
  };
  const refused = async (act: Promise<unknown>): Promise<string | null> => {
    const error: unknown = await act.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    return isDomainError(error) ? error.code : error === null ? null : String(error);
  };

  it('is not there until a right code has confirmed it, and keeps neither secret nor recovery codes readable', async () => {
    const person = await someone();
    expect(await factor.state(person)).to.deep.equal({ since: null, recoveryLeft: 0, required: true });
    const sealed = factor.begin(person.id);
    const { secret, address } = factor.shown(person, sealed);
    expect(address)
      .to.match(/^otpauth:\/\/totp\/.*secret=.*/)
      .and.include(secret);
    const by = { actorId: person.id, address: null };
    expect(await refused(factor.confirm(person.id, sealed, wrongFor(secret), by))).to.equal('wrong-code');
    expect(await factor.has(person.id)).to.equal(false);
    const typed = codeOf(secret).replace(/^(...)/, '$1 ');
    const recovery = await factor.confirm(person.id, sealed, typed, by);
    expect(recovery).to.have.length(10);
    expect(new Set(recovery).size).to.equal(10);
    const state = await factor.state(person);
    expect(state).to.include({ since: clock.now().toISOString(), recoveryLeft: 10 });
    const kept = JSON.stringify(await storage().identity.byId(person.id));
    for (const plain of [secret, ...recovery, ...recovery.map((code) => code.replaceAll('-', ''))])
      expect(kept).to.not.include(plain);
    expect(audited.at(-1)).to.include({
      action: 'second-factor.set',
      subjectId: person.id,
      outcome: 'success',
    });
    expect(JSON.stringify(audited)).to.not.include(secret);
  });

  it('binds a secret to its account: another one cannot confirm it', async () => {
    const [one, two] = [await someone(), await someone()];
    expect(() => factor.shown(two, factor.begin(one.id))).to.throw();
  });

  it('takes a code once, and none that is older than a spent one (RFC 6238, 5.2)', async () => {
    const { person, secret } = await enrolled();
    const [before, now, after] = [codeOf(secret, -30), codeOf(secret), codeOf(secret, 30)];
    await factor.spend(person.id, { means: 'code', code: now });
    expect(await refused(factor.spend(person.id, { means: 'code', code: now }))).to.equal('wrong-code');
    expect(await refused(factor.spend(person.id, { means: 'code', code: before }))).to.equal('wrong-code');
    await factor.spend(person.id, { means: 'code', code: after });
    expect(await refused(factor.spend(person.id, { means: 'code', code: codeOf(secret, 90) }))).to.equal(
      'wrong-code',
    );
  });

  it('lets one of several who send the same code at once win', async () => {
    const { person, secret, recovery } = await enrolled();
    const code = codeOf(secret);
    const codes = await Promise.all(
      [1, 2, 3].map(() => refused(factor.spend(person.id, { means: 'code', code }))),
    );
    expect(codes.filter((each) => each === null)).to.have.length(1);
    clock.advance(16 * 60);
    const spent = await Promise.all(
      [1, 2, 3].map(() => refused(factor.spend(person.id, { means: 'recovery', code: recovery[0] ?? '' }))),
    );
    expect(spent.filter((each) => each === null)).to.have.length(1);
    expect((await factor.state(person)).recoveryLeft).to.equal(9);
  });

  it('takes a recovery code once, typed as people type', async () => {
    const { person, recovery } = await enrolled();
    const typed = ` ${(recovery[3] ?? '').toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
    await factor.spend(person.id, { means: 'recovery', code: typed });
    expect(await refused(factor.spend(person.id, { means: 'recovery', code: recovery[3] ?? '' }))).to.equal(
      'wrong-code',
    );
    expect((await factor.state(person)).recoveryLeft).to.equal(9);
  });

  it('locks the second step for 15 minutes after five wrong codes, for the right code too', async () => {
    const { person, secret, recovery } = await enrolled();
    const wrong = wrongFor(secret);
    for (let at = 0; at < 4; at++)
      expect(await refused(factor.spend(person.id, { means: 'code', code: wrong }))).to.equal('wrong-code');
    expect(await refused(factor.spend(person.id, { means: 'code', code: wrong }))).to.equal('code-locked');
    expect(await refused(factor.spend(person.id, { means: 'code', code: codeOf(secret) }))).to.equal(
      'code-locked',
    );
    expect(await refused(factor.spend(person.id, { means: 'recovery', code: recovery[0] ?? '' }))).to.equal(
      'code-locked',
    );
    clock.advance(15 * 60 + 1);
    await factor.spend(person.id, { means: 'code', code: codeOf(secret) });
    clock.advance(60);
    // A success clears the count.
    expect(await refused(factor.spend(person.id, { means: 'code', code: wrong }))).to.equal('wrong-code');
  });

  it('tries no more than five codes when many come at the same moment', async () => {
    const { person, secret } = await enrolled();
    const wrong = wrongFor(secret);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => refused(factor.spend(person.id, { means: 'code', code: wrong }))),
    );
    expect(answers.filter((each) => each === 'wrong-code').length).to.be.below(5);
    expect(answers.filter((each) => each === 'code-locked').length).to.be.above(7);
  });

  it('gives new recovery codes, and the former ones are void', async () => {
    const { person, recovery, by } = await enrolled();
    const renewed = await factor.renewRecovery(person.id, by);
    expect(await refused(factor.spend(person.id, { means: 'recovery', code: recovery[0] ?? '' }))).to.equal(
      'wrong-code',
    );
    await factor.spend(person.id, { means: 'recovery', code: renewed[0] ?? '' });
  });

  it('is replaced by another secret, and the former one is void', async () => {
    const { person, secret, recovery, by } = await enrolled();
    const sealed = factor.begin(person.id);
    const next = factor.shown(person, sealed).secret;
    // Until the confirmation the former one works.
    await factor.spend(person.id, { means: 'code', code: codeOf(secret) });
    await factor.confirm(person.id, sealed, codeOf(next), by);
    clock.advance(60);
    expect(await refused(factor.spend(person.id, { means: 'code', code: codeOf(secret) }))).to.equal(
      'wrong-code',
    );
    expect(await refused(factor.spend(person.id, { means: 'recovery', code: recovery[0] ?? '' }))).to.equal(
      'wrong-code',
    );
    await factor.spend(person.id, { means: 'code', code: codeOf(next) });
  });

  it('is reset by an administrator, with a line of its own in the audit log', async () => {
    const { person, secret } = await enrolled();
    await factor.remove(person.id, { actorId: 'the-administrator', address: '192.0.2.9' });
    expect(audited.at(-1)).to.deep.equal({
      action: 'second-factor.reset',
      actorId: 'the-administrator',
      subjectId: person.id,
      outcome: 'success',
      reason: null,
      address: '192.0.2.9',
    });
    expect(await factor.has(person.id)).to.equal(false);
    expect(await refused(factor.spend(person.id, { means: 'code', code: codeOf(secret) }))).to.equal(
      'no-second-factor',
    );
  });

  it('is asked of every role but learner', async () => {
    expect((await factor.state(await someone('learner'))).required).to.equal(false);
    for (const role of ['vendor', 'partner', 'teacher', 'hr', 'support', 'admin', 'auditor'] as const)
      expect((await factor.state(await someone(role))).required, role).to.equal(true);
  });
});
