import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { certificateDraft } from '../support/certificates.ts';
import { onEveryEngine } from '../support/engines.ts';

const toNumber = (serial: number): string => `N-${serial}`;
const in115 = (serial: number): string => `ZX-115-${serial}`;

onEveryEngine('CertificateStore', ({ storage, reopen }) => {
  const store = () => storage().certificates;

  it('gives back what was issued, by every key, also after a restart', async () => {
    const draft = certificateDraft({
      score: null,
      personNameEn: null,
      courseTitleEn: null,
      conditions: { readingSeconds: 5400, passScore: null, survey: false },
    });
    const issued = await store().issue(draft, 90, (serial) => `A-${serial}`);
    const expected = { ...draft, number: 'A-1', revokedAt: null, revocation: null };
    expect(issued).to.deep.equal(expected);
    await reopen();
    expect(await store().byNumber('A-1')).to.deep.equal(expected);
    expect(await store().byVerificationCode(draft.verificationCode)).to.deep.equal(expected);
    expect(await store().byRegistration(draft.registration)).to.deep.equal(expected);
  });

  it('answers null where there is nothing', async () => {
    expect(await store().byNumber('none')).to.equal(null);
    expect(await store().byVerificationCode('none')).to.equal(null);
    expect(await store().byRegistration(newUuid())).to.equal(null);
    expect(await store().ofPerson('nobody')).to.deep.equal([]);
    expect(await store().revoke('none', { at: new Date(0), reason: 'x', by: 'a' })).to.equal(null);
  });

  it('two clicks, one certificate: of many calls for one registration one files, all get the same', async () => {
    const registration = newUuid();
    const all = await Promise.all(
      Array.from({ length: 8 }, () => store().issue(certificateDraft({ registration }), 91, toNumber)),
    );
    expect(new Set(all.map(({ number }) => number)).size).to.equal(1);
    expect(new Set(all.map(({ verificationCode }) => verificationCode)).size).to.equal(1);
    expect(await store().byRegistration(registration)).to.deep.equal(all[0]);
  });

  it('numbers are unique and without gaps when many are issued at once, and start at 1 every year', async () => {
    const issue = (year: number) =>
      store().issue(certificateDraft(), year, (serial) => `ZX-${year}-${serial}`);
    const issued = await Promise.all([
      ...Array.from({ length: 12 }, () => issue(115)),
      ...Array.from({ length: 3 }, () => issue(116)),
    ]);
    expect(issued.map(({ number }) => number)).to.have.members([
      ...Array.from({ length: 12 }, (_unused, at) => `ZX-115-${at + 1}`),
      ...Array.from({ length: 3 }, (_unused, at) => `ZX-116-${at + 1}`),
    ]);
  });

  it('a revocation stands as it was first made, and a new edition has a number of its own', async () => {
    const draft = certificateDraft();
    const { number } = await store().issue(draft, 115, in115);
    const first = { at: new Date('2026-11-24T00:00:00Z'), reason: '姓名誤植', by: 'admin' };
    const [one, two] = await Promise.all([store().revoke(number, first), store().revoke(number, first)]);
    expect(one).to.deep.equal(two);
    await store().revoke(number, { at: new Date('2027-01-01T00:00:00Z'), reason: 'later', by: 'other' });
    const revoked = await store().byNumber(number);
    expect(revoked?.revokedAt).to.deep.equal(first.at);
    expect(revoked?.revocation).to.deep.equal(first);

    const anew = await store().issue(
      { ...draft, verificationCode: newUuid(), edition: 2, personName: '王曉明' },
      115,
      in115,
    );
    expect(anew.number).to.not.equal(number);
    expect(await store().byRegistration(draft.registration)).to.deep.equal(anew);
    expect((await store().byNumber(number))?.revokedAt).to.deep.equal(first.at);
  });

  it("lists a person's certificates, newest first", async () => {
    const personId = newUuid();
    for (const day of ['2026-11-02', '2026-11-09', '2026-11-05'])
      await store().issue(
        certificateDraft({ personId, courseCode: day, issuedAt: new Date(`${day}T00:00:00Z`) }),
        115,
        in115,
      );
    expect((await store().ofPerson(personId)).map(({ courseCode }) => courseCode)).to.deep.equal([
      '2026-11-09',
      '2026-11-05',
      '2026-11-02',
    ]);
  });
});
