import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { createCatalogue } from '../../src/courses/catalogue.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople } from '../../src/identity/people.ts';
import { createSearch } from '../../src/lrs/admin/search.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

onEveryEngine('The words of a search for Statements', ({ storage }) => {
  const homePage = 'https://learn.example.org';
  const clock = new TestClock();
  const people = () =>
    createPeople({ store: storage().identity, vault: createIdNumberVault(Buffer.alloc(32, 7)), clock });
  const catalogue = () => createCatalogue({ store: storage().courses, clock, checks: [] });
  const search = () =>
    createSearch({
      homePage,
      peopleNamed: async (text) =>
        (await people().named(text)).map(({ id, agencyName }) => ({ id, told: `${id} ${agencyName ?? ''}` })),
      coursesNamed: (title) => catalogue().codesTitled(title),
    });
  const person = async (name: string, login: string, nameEn?: string): Promise<string> => {
    const made = await people().create({
      name,
      ...(nameEn === undefined ? {} : { nameEn }),
      accountKind: 'local',
      roles: [{ role: 'learner', organisation: null }],
      login: { name: login, password: 'a-long-password' },
    });
    return made.id;
  };
  const course = async (code: string, title: string): Promise<void> => {
    const made = await catalogue().create(
      {
        code,
        title: { 'zh-TW': title, en: `About ${code}` },
        summary: { 'zh-TW': '摘要' },
        certifiedHours: 1,
        packageVersionId: 'any',
      },
      { personId: 'nobody', organisation: '測試' },
    );
    await catalogue().publish(made.id);
  };
  const refusal = (fields: Record<string, string>): Promise<unknown> =>
    search()
      .filterOf(fields)
      .then(
        () => null,
        (error: unknown) => error,
      );

  it('a learner by login name, by name in either language, by id, mailbox or agent', async () => {
    const id = await person('歐陽見聞', 'seen-once', 'Ouyang Jianwen');
    const account = { homePage, name: id };
    for (const learner of ['seen-once', ' SEEN-ONCE', '歐陽見聞', 'ouyang jianwen', id])
      expect((await search().filterOf({ learner: learner.trim() })).agent, learner).to.deep.equal({
        account,
      });
    // Part of a name is not the name: nobody else's Statements come along.
    expect((await search().filterOf({ learner: '歐陽' })).agent).to.deep.equal({
      account: { homePage, name: '歐陽' },
    });
    expect((await search().filterOf({ learner: 'a@example.org' })).agent).to.deep.equal({
      mbox: 'mailto:a@example.org',
    });
  });

  it('names the ones to choose from where several are called so', async () => {
    const ids = [await person('同名人', 'same-1'), await person('同名人', 'same-2')];
    const error = await refusal({ learner: '同名人' });
    expect(isDomainError(error, 'invalid')).to.equal(true);
    for (const id of ids) expect((error as Error).message).to.include(id);
    expect((await search().filterOf({ learner: 'same-2' })).agent).to.deep.equal({
      account: { homePage, name: ids[1] },
    });
  });

  it('a course by code, by title in either language, and says what else it takes', async () => {
    await course('SEARCH-1', '公文寫作入門');
    await course('SEARCH-2', '兩班同名');
    await course('SEARCH-3', '兩班同名');
    for (const activity of ['SEARCH-1', '公文寫作入門', 'about search-1'])
      expect((await search().filterOf({ activity })).activity, activity).to.equal(
        `${homePage}/courses/SEARCH-1`,
      );
    expect((await search().filterOf({ activity: 'http://e.x/a' })).activity).to.equal('http://e.x/a');
    const error = await refusal({ activity: '兩班同名' });
    for (const code of ['SEARCH-2', 'SEARCH-3']) expect((error as Error).message).to.include(code);
    expect(isDomainError(await refusal({ activity: '沒有這門課' }), 'invalid')).to.equal(true);
  });
});
