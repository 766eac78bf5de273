import { expect } from 'chai';
import { DomainError } from '../../src/base/errors.ts';
import { isUnderWay, jobAt, uploadFailed } from '../../src/player/packages/jobs.ts';
import type { ImportJob } from '../../src/player/packages/store.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));
const job = (phase: ImportJob['phase']): ImportJob => ({
  id: 'j',
  personId: 'p',
  organisation: 'o',
  fileName: 'a.zip',
  phase,
  done: 0,
  total: 0,
  versionId: null,
  findings: [],
  updatedAt: at(0),
});

describe('an upload on its way', () => {
  it('has failed once its process has been silent for more than half a minute', () => {
    for (const phase of ['receiving', 'checking', 'storing'] as const) {
      expect(jobAt(job(phase), at(30))).to.deep.equal(job(phase));
      const dead = jobAt(job(phase), at(31));
      expect(dead.phase).to.equal('failed');
      expect(dead.findings.map(({ rule }) => rule)).to.deep.equal(['internal']);
      expect(isUnderWay(dead)).to.equal(false);
    }
  });

  it('stays what it became, however long ago', () => {
    for (const phase of ['accepted', 'refused', 'failed'] as const)
      expect(jobAt(job(phase), at(59))).to.deep.equal(job(phase));
  });

  it('says why it failed where that is the sender’s to know, and nothing of a fault of ours', () => {
    expect(
      uploadFailed(new DomainError('too-large', 'The package is larger than 5 bytes.')).message.en,
    ).to.include('5 bytes');
    expect(JSON.stringify(uploadFailed(new Error('secret path')))).to.not.include('secret');
  });
});
