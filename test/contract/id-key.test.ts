import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { newUuid } from '../../src/base/ids.ts';
import { createSealer } from '../../src/base/sealing.ts';
import { checkIdKey, rotateIdKey } from '../../src/id-key.ts';
import { createIdNumberVault, idNumberKind } from '../../src/identity/id-numbers.ts';
import { createPeople } from '../../src/identity/people.ts';
import type { PersonRecord } from '../../src/identity/store.ts';
import type { Person } from '../../src/identity/types.ts';
import { forwardingBinding, forwardingSealUse } from '../../src/lrs/admin/forwarding.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const numberFrom = (start: string): string =>
  Array.from({ length: 10 }, (_, digit) => `${start}${digit}`).find((each) => idNumberKind(each)) ?? '';
const root = join(import.meta.dirname, '../..');

onEveryEngine('replacing ID_NUMBER_KEY', ({ storage, reopen, options }) => {
  const clock = new TestClock();
  const [oldKey, newKey, otherKey] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const [older, newer] = [createIdNumberVault(oldKey), createIdNumberVault(newKey)];
  const rotate = (more: Partial<Parameters<typeof rotateIdKey>[0]> = {}) =>
    rotateIdKey({ storage: storage(), oldKey, newKey, clock, dryRun: false, ...more });
  const codeOf = async (act: Promise<unknown>): Promise<string | null> => {
    const error: unknown = await act.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    return isDomainError(error) ? error.kind : error === null ? null : String(error);
  };
  const numbers = Array.from({ length: 6 }, (_, at) => numberFrom(`V2000000${at}`));
  const people: Person[] = [];
  const rule = { id: newUuid(), endpoint: 'https://lrs.example.org/xapi' };
  const record = async (at: number): Promise<PersonRecord> => {
    const found = await storage().identity.byId(people[at]?.id ?? '');
    if (!found) throw new Error('gone');
    return found;
  };

  before(async () => {
    const { identity, lrs, once } = storage();
    await checkIdKey(once, oldKey, clock);
    const all = createPeople({ store: identity, vault: older, clock });
    for (const idNumber of numbers)
      people.push(
        await all.create({
          name: '換鑰',
          accountKind: 'verified',
          roles: [{ role: 'learner', organisation: null }],
          idNumber,
          identity: { provider: 'egov', subject: `id-number:${older.lookup(idNumber)}` },
        }),
      );
    const [first] = people;
    const id = first?.id ?? '';
    await identity.link(id, { provider: 'google', subject: 'a-name-of-its-own' });
    await identity.update(id, {
      totp: {
        sealed: createSealer(oldKey, 'totp/seal').seal('JBSWY3DPEHPK3PXP', id),
        lastStep: 7,
        recoveryHashes: ['h'],
        since: 's',
      },
    });
    await lrs.admin.putRule(
      {
        ...rule,
        label: 'partner',
        authorization: createSealer(oldKey, forwardingSealUse).seal('Basic secret', forwardingBinding(rule)),
        terms: [],
        enabled: true,
        createdAt: clock.now(),
      },
      3,
    );
  });

  it('says beforehand what it would do, and changes nothing', async () => {
    const before = await record(0);
    const plan = await rotate({ dryRun: true });
    expect(plan.changed).to.deep.equal({ idNumbers: 6, secondFactors: 1, signIns: 6, forwarding: 1 });
    expect([plan.people, plan.already, plan.faults, plan.stale]).to.deep.equal([6, 0, [], []]);
    expect(await record(0)).to.deep.equal(before);
    expect(await codeOf(checkIdKey(storage().once, oldKey, clock))).to.equal(null);
  });

  it('takes no other keys than the store’s', async () => {
    expect(await codeOf(rotate({ oldKey: otherKey }))).to.equal('conflict');
    expect(await codeOf(checkIdKey(storage().once, newKey, clock))).to.equal('conflict');
  });

  it('goes on where it was cut off; until it is finished the program does not start', async () => {
    // Cut off in the middle: after the third person's write the store answers no more.
    let writes = 0;
    const { identity } = storage();
    const cut = {
      ...storage(),
      identity: {
        ...identity,
        update: async (...given: Parameters<typeof identity.update>) => {
          if (++writes > 3) throw new Error('cut off');
          return identity.update(...given);
        },
      },
    };
    expect(await codeOf(rotate({ storage: cut }))).to.include('cut off');
    await reopen();
    for (const key of [oldKey, newKey])
      expect(await codeOf(checkIdKey(storage().once, key, clock))).to.equal('conflict');
    expect(await codeOf(rotate({ newKey: otherKey }))).to.equal('conflict');
    const done = await rotate();
    expect(done.changed.idNumbers).to.equal(3);
    expect(done.faults).to.deep.equal([]);
    expect(await codeOf(checkIdKey(storage().once, newKey, clock))).to.equal(null);
    expect(await codeOf(checkIdKey(storage().once, oldKey, clock))).to.equal('conflict');
  });

  it('leaves everything as it was, under the new key', async () => {
    const { identity, lrs } = storage();
    for (const [at, idNumber] of numbers.entries()) {
      const id = people[at]?.id;
      expect((await identity.byIdNumber(newer.lookup(idNumber)))?.id).to.equal(id);
      expect(await identity.byIdNumber(older.lookup(idNumber))).to.equal(null);
      const { idNumber: kept } = await record(at);
      expect(kept && newer.open(kept)).to.equal(idNumber);
      expect(
        (await identity.byIdentity({ provider: 'egov', subject: `id-number:${newer.lookup(idNumber)}` }))?.id,
      ).to.equal(id);
      expect(
        await identity.byIdentity({ provider: 'egov', subject: `id-number:${older.lookup(idNumber)}` }),
      ).to.equal(null);
    }
    expect(await identity.identitiesOf(people[0]?.id ?? '')).to.deep.include({
      provider: 'google',
      subject: 'a-name-of-its-own',
    });
    const { totp, id } = await record(0);
    expect(createSealer(newKey, 'totp/seal').open(totp?.sealed ?? '', id)).to.equal('JBSWY3DPEHPK3PXP');
    expect(totp).to.include({ lastStep: 7, since: 's' });
    const [kept] = await lrs.admin.rules();
    expect(
      createSealer(newKey, forwardingSealUse).open(kept?.authorization ?? '', forwardingBinding(rule)),
    ).to.equal('Basic secret');
    expect(kept?.position).to.equal(3);
    const again = await rotate();
    expect(again.changed).to.deep.equal({ idNumbers: 0, secondFactors: 0, signIns: 0, forwarding: 0 });
    expect(again.already).to.equal(14);
  });

  it('names what neither key opens, and is not finished then', async () => {
    const { identity, once } = storage();
    const { id, idNumber } = await record(5);
    await identity.update(id, { idNumber: { ...createIdNumberVault(otherKey).seal(numbers[5] ?? '') } });
    const report = await rotate();
    expect(report.faults).to.deep.equal([`person ${id}: ID number`]);
    expect(await codeOf(checkIdKey(once, newKey, clock))).to.equal('conflict');
    await identity.update(id, { idNumber });
    expect((await rotate()).faults).to.deep.equal([]);
    expect(await codeOf(checkIdKey(once, newKey, clock))).to.equal(null);
  });

  it('is one command, with a dry run, a final check and an audit line', async function () {
    this.timeout(60_000);
    const { mongodbUri, dataDir } = options();
    const run = (args: string[]) =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/rotate-id-key.ts', ...args], {
        cwd: root,
        env: {
          PATH: process.env['PATH'] ?? '',
          DATA_DIR: dataDir,
          ...(mongodbUri === null ? {} : { MONGODB_URI: mongodbUri }),
          ID_NUMBER_KEY_OLD: newKey.toString('hex'),
          ID_NUMBER_KEY_NEW: otherKey.toString('hex'),
        },
      });
    expect((await run(['--dry-run'])).stdout).to.include('Would seal anew, of 6 people: 6 ID numbers');
    const { stdout } = await run([]);
    expect(stdout).to.include('Sealed anew, of 6 people: 6 ID numbers, 6 sign-ins, 1 second factors');
    expect(stdout).to.include('everything opens with the new key');
    for (const idNumber of numbers) expect(stdout).to.not.include(idNumber);
    await reopen();
    expect(await codeOf(checkIdKey(storage().once, otherKey, clock))).to.equal(null);
    const [line] = await storage().audit.after(0, 10);
    expect(line).to.include({ action: 'id-key.rotate', outcome: 'success' });
  });
});
