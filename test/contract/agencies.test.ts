import { expect } from 'chai';
import iconv from 'iconv-lite';
import { isDomainError } from '../../src/base/errors.ts';
import { createAgencies, type Agencies } from '../../src/identity/agencies/agencies.ts';
import { demoDirectory, ensureDemoAgencies } from '../../src/identity/agencies/demo-agencies.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const table = (...lines: string[]): Buffer =>
  Buffer.from(['機關代碼,機關名稱,上級機關代碼', ...lines].join('\r\n'));

onEveryEngine('the agency directory', ({ storage }) => {
  const clock = new TestClock();
  let agencies: Agencies;
  before(() => {
    agencies = createAgencies({ store: storage().agencies, clock });
  });
  const add = (...lines: string[]) => agencies.import(table(...lines), { whole: false });

  it('is empty at first, and is filled for the demonstration once, by whichever process comes first', async () => {
    expect(await agencies.count()).to.deep.equal({ all: 0, active: 0 });
    await Promise.all([
      ensureDemoAgencies(agencies),
      ensureDemoAgencies(createAgencies({ store: storage().agencies, clock })),
    ]);
    const { all, active } = await agencies.count();
    expect(all).to.equal(13);
    expect(active).to.equal(12);
    expect((await agencies.byCode(' 301000000a '))?.name).to.deep.equal({
      'zh-TW': '範例縣政府',
      en: 'Example County Government',
    });
  });

  it('finds by the beginning of a code or a name, in any case and width, 台 for 臺, and by a former name', async () => {
    const codes = async (text: string, withInactive = false) =>
      (await agencies.search(text, { withInactive })).map(({ agency }) => agency.code);
    expect(await codes('3010301')).to.deep.equal(['301030100A']);
    expect(await codes('ａ９００１')).to.deep.equal(['A90010000E']);
    expect((await codes('範例縣政府'))[0]).to.equal('301000000A');
    expect(await codes('青山')).to.deep.equal(['301030100A']);
    expect(await codes('ministry of ex')).to.include('A90000000E');
    expect(await codes('資訊室')).to.deep.equal([]);
    expect(await codes('資訊室', true)).to.deep.equal(['301090000A']);
    expect(await agencies.search('竹影鎮')).to.deep.include({
      agency: await agencies.byCode('301050000A'),
      formerName: '範例縣竹影鎮公所',
    });
    await add('B00000001,臺南範例所,');
    expect(await codes('台南')).to.deep.equal(['B00000001']);
  });

  it('knows what lies within what', async () => {
    expect((await agencies.lineOf('301030100A')).toSorted()).to.deep.equal([
      '300000000A',
      '301000000A',
      '301030000A',
      '301030100A',
    ]);
    expect(await agencies.lineOf('unknown')).to.deep.equal(['unknown']);
    expect(await agencies.lineOf(null)).to.deep.equal([]);
    expect((await agencies.treeOf(['301030000A', 'unknown'])).toSorted()).to.deep.equal([
      '301030000A',
      '301030100A',
      '301030200A',
      'unknown',
    ]);
    // A closed agency still belongs to the tree.
    expect(await agencies.treeOf(['301000000A'])).to.include.members([
      '301090000A',
      '301030200A',
      '301010000A',
    ]);
    expect(await agencies.treeOf(['301000000A'])).to.not.include.members(['300000000A', 'A90000000E']);
    expect((await agencies.pathOf('301030100A')).map(({ code }) => code)).to.deep.equal([
      '300000000A',
      '301000000A',
      '301030000A',
      '301030100A',
    ]);
  });

  it('keeps the former names with their days', async () => {
    expect((await agencies.nameOn('301020000A', '2023-12-31'))?.['zh-TW']).to.equal('範例縣政府環境保護處');
    expect((await agencies.nameOn('301020000A', '2024-01-01'))?.['zh-TW']).to.equal('範例縣政府環境永續處');
    const report = await agencies.import(
      Buffer.from('code,name,from\nB00000001,臺南典範所,1150701\nB00000002,新所,'),
      { whole: false },
    );
    expect(report.effects.map(({ effect, before }) => [effect, before])).to.deep.equal([
      ['renamed', '臺南範例所'],
      ['added', null],
    ]);
    expect((await agencies.nameOn('B00000001', '2026-06-30'))?.['zh-TW']).to.equal('臺南範例所');
    expect((await agencies.nameOn('B00000001', '2026-07-01'))?.['zh-TW']).to.equal('臺南典範所');
    // Without a day of its own the new name begins today.
    await add('B00000002,更新所,');
    expect((await agencies.byCode('B00000002'))?.formerNames).to.deep.equal([
      { name: { 'zh-TW': '新所' }, from: null, to: '2026-11-23' },
    ]);
  });

  it('says beforehand what an import does, line by line, and changes nothing by saying it', async () => {
    const lines = [
      '301000000A,範例縣政府,',
      'C00000001,新機關,301000000A',
      '301040000A,松濤鄉公所,301000000A',
    ];
    const before = await agencies.export();
    const report = await agencies.check(table(...lines), { whole: false });
    expect(report.faults).to.deep.equal([]);
    expect(report.effects.map(({ line, code, effect }) => [line, code, effect])).to.deep.equal([
      [2, '301000000A', 'changed'],
      [3, 'C00000001', 'added'],
      [4, '301040000A', 'renamed'],
    ]);
    expect(await agencies.export()).to.equal(before);
  });

  it('names line and column of every fault, and imports nothing then', async () => {
    const before = await agencies.export();
    const report = await agencies.import(
      Buffer.from(
        [
          '機關代碼,機關名稱,上級機關代碼,狀態,起日,備註',
          'D00000001,好的機關,,,,',
          '不是代碼,甲,,,,',
          'D00000002,,,,,',
          'D00000003,丙,X99999999,,,',
          'D00000004,丁,,也許,,',
          'D00000005,戊,,,115.13.01,',
          'D00000001,重複,,,,',
          'D00000006,己,D00000007,,,',
          'D00000007,庚,D00000006,,,',
          'D00000008,太少',
        ].join('\n'),
      ),
      { whole: false },
    );
    expect(
      report.faults.map(({ line, column, heading, code }) => [line, column, heading, code]),
    ).to.deep.equal([
      [3, 1, '機關代碼', 'code-form'],
      [4, 2, '機關名稱', 'name-missing'],
      [5, 3, '上級機關代碼', 'parent-unknown'],
      [6, 4, '狀態', 'active-form'],
      [7, 5, '起日', 'date-form'],
      [8, 1, '機關代碼', 'code-twice'],
      [9, 3, '上級機關代碼', 'parent-circle'],
      [10, 3, '上級機關代碼', 'parent-circle'],
      [11, null, null, 'too-few'],
    ]);
    expect(report.ignored).to.deep.equal(['備註']);
    expect(await agencies.export()).to.equal(before);
    expect(await agencies.byCode('D00000001')).to.equal(null);
  });

  it('names what is wrong with a table as a whole', async () => {
    const faultOf = async (bytes: Uint8Array) =>
      (await agencies.check(bytes, { whole: false })).faults[0]?.code;
    expect(await faultOf(Buffer.alloc(0))).to.equal('empty');
    expect(await faultOf(Buffer.from('代碼,名稱'))).to.equal('empty');
    expect(await faultOf(Buffer.from('甲,乙\n1,2'))).to.equal('column-missing');
    expect(await faultOf(Buffer.from('代碼,名稱,機關代碼\n11,2,3'))).to.equal('column-twice');
    expect(await faultOf(Buffer.from('代碼,名稱\nA1,"乙'))).to.equal('unclosed-quote');
    expect(await faultOf(Buffer.from([0xff, 0xff, 0x80, 0x00]))).to.equal('encoding');
    expect(await faultOf(Buffer.from('PK\u0003\u0004\0\0'))).to.equal('encoding');
  });

  it('reads Big5 and a byte order mark', async () => {
    const report = await agencies.import(iconv.encode('代碼,名稱\r\nE00000001,許功蓋鄉公所\r\n', 'big5'), {
      whole: false,
    });
    expect(report.encoding).to.equal('big5');
    expect((await agencies.byCode('E00000001'))?.name['zh-TW']).to.equal('許功蓋鄉公所');
    await agencies.import(Buffer.from('\ufeff代碼,名稱\r\nE00000002,有標記\r\n'), { whole: false });
    expect((await agencies.byCode('E00000002'))?.name['zh-TW']).to.equal('有標記');
  });

  it('closes what a whole directory leaves out, and forgets nothing of it', async () => {
    const report = await agencies.import(Buffer.from(demoDirectory), { whole: true });
    expect(report.closed.map(({ code }) => code)).to.include.members(['B00000001', 'E00000001']);
    expect(await agencies.byCode('B00000001')).to.include({ active: false });
    expect((await agencies.count()).active).to.equal(12);
  });

  it('gives out the table that gives the same directory when imported again', async () => {
    const text = await agencies.export();
    const report = await agencies.import(Buffer.from(text), { whole: true });
    expect(report.faults).to.deep.equal([]);
    expect(new Set(report.effects.map(({ effect }) => effect))).to.deep.equal(new Set(['unchanged']));
    expect(await agencies.export()).to.equal(text);
  });

  it('lets one of several imports at once win, whole, and tells the others', async () => {
    const others = Array.from({ length: 4 }, () => createAgencies({ store: storage().agencies, clock }));
    for (const one of others) await one.count();
    const results = await Promise.allSettled(
      others.map((one, at) =>
        one.import(table(`F0000000${at},甲${at},`, `G0000000${at},乙${at},`), { whole: false }),
      ),
    );
    const won = results.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []));
    expect(won.length).to.be.greaterThan(0);
    for (const result of results)
      if (result.status === 'rejected')
        expect(isDomainError(result.reason, 'conflict') && result.reason.code).to.equal('agencies-changed');
    for (let at = 0; at < 4; at++)
      for (const letter of ['F', 'G'])
        expect((await agencies.byCode(`${letter}0000000${at}`)) !== null, `${letter}${at}`).to.equal(
          won.includes(at),
        );
  });

  it('imports only what was checked', async () => {
    const { revision } = await agencies.check(table('H00000001,甲,'), { whole: false });
    await add('H00000002,乙,');
    const late = await agencies
      .import(table('H00000001,甲,'), { whole: false, expected: revision })
      .catch((error: unknown) => error);
    expect(isDomainError(late, 'conflict')).to.equal(true);
    expect(await agencies.byCode('H00000001')).to.equal(null);
  });

  it('holds ten thousand agencies', async () => {
    const lines = Array.from({ length: 10_000 }, (_, at) => `Z${String(at).padStart(8, '0')},第${at}機關,`);
    await add(...lines);
    expect((await agencies.search('第9999機關'))[0]?.agency.code).to.equal('Z00009999');
    expect((await createAgencies({ store: storage().agencies, clock }).count()).all).to.be.greaterThan(
      10_000,
    );
  });
});
