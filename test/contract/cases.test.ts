import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { createLogger } from '../../src/base/logger.ts';
import type { Case } from '../../src/identity/privacy/store.ts';
import { createCaseWorker, type CaseHandler } from '../../src/identity/privacy/worker.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));
const given = (overrides: Partial<Case> = {}): Case => ({
  id: newUuid(),
  kind: 'export',
  personId: 'p1',
  openKey: null,
  dueAt: null,
  createdAt: at(0),
  body: '{"a.b":1,"$c":"字"}',
  revision: 0,
  ...overrides,
});

onEveryEngine('CaseStore', ({ storage, reopen }) => {
  const store = () => storage().cases;

  it('gives back what was added, also after a restart', async () => {
    const kept = given({ openKey: 'export:p0', dueAt: at(5), personId: 'p0' });
    expect(await store().add(kept)).to.deep.equal(kept);
    await reopen();
    expect(await store().byId(kept.id)).to.deep.equal(kept);
    expect(await store().byKey('export:p0')).to.deep.equal(kept);
    expect(await store().byId(newUuid())).to.equal(null);
    expect(await store().byKey('export:nobody')).to.equal(null);
    await store().delete(kept.id);
    expect(await store().byId(kept.id)).to.equal(null);
  });

  it('keeps one open case of a key, whoever comes at once, and the next when that one is closed', async () => {
    const openKey = `erasure:${newUuid()}`;
    const all = await Promise.all(Array.from({ length: 6 }, () => store().add(given({ openKey }))));
    expect(new Set(all.map(({ id }) => id)).size).to.equal(1);
    const first = all[0]!;
    expect(await store().change({ ...first, openKey: null })).to.equal(true);
    expect(await store().byKey(openKey)).to.equal(null);
    const next = await store().add(given({ openKey }));
    expect(next.id).to.not.equal(first.id);
  });

  it('lets one of several change it, and says so to the others', async () => {
    const one = await store().add(given());
    const wins = await Promise.all(
      Array.from({ length: 5 }, (_, n) => store().change({ ...one, body: String(n) })),
    );
    expect(wins.filter(Boolean)).to.have.length(1);
    expect(await store().byId(one.id)).to.deep.equal({
      ...one,
      body: String(wins.indexOf(true)),
      revision: 1,
    });
  });

  it('lists by person and kind, open ones, and what is due', async () => {
    const personId = newUuid();
    const early = await store().add(
      given({ personId, kind: 'correction', openKey: 'c1', createdAt: at(1), dueAt: at(20) }),
    );
    const late = await store().add(
      given({ personId, kind: 'correction', openKey: 'c2', createdAt: at(2), dueAt: at(10) }),
    );
    const closed = await store().add(given({ personId, kind: 'correction', createdAt: at(3) }));
    await store().add(given({ personId, kind: 'claim', createdAt: at(4) }));
    const ids = (cases: Case[]) => cases.map(({ id }) => id);
    expect(ids(await store().ofPerson(personId, 'correction'))).to.deep.equal([closed.id, late.id, early.id]);
    expect(ids(await store().open('correction', 10))).to.deep.equal([early.id, late.id]);
    expect(ids(await store().open('correction', 1))).to.deep.equal([early.id]);
    expect(ids(await store().due(at(9), 10))).to.deep.equal([]);
    expect(ids(await store().due(at(20), 10))).to.deep.equal([late.id, early.id]);
    expect(ids(await store().due(at(20), 1))).to.deep.equal([late.id]);
  });

  describe('a case in the hands of a process', () => {
    interface Body {
      by: string;
    }
    const clock = new TestClock();
    /** A process that does with an export what it is told; `renewSeconds`: a dead one renews nothing. */
    const processWith = (handler: CaseHandler<Body>, renewSeconds = 3600) =>
      createCaseWorker({
        store: store(),
        clock,
        logger: createLogger('silent'),
        handlers: { export: handler },
        renewSeconds,
      });
    const leaving = (by: string) =>
      processWith(async (held) => {
        await held.leave({ by }, { open: false });
      });
    const due = () => store().add(given({ openKey: newUuid(), dueAt: clock.now(), body: '{"by":""}' }));
    const byOf = async (id: string) => (JSON.parse((await store().byId(id))?.body ?? '{}') as Body).by;
    const signal = () => {
      let give = (): void => undefined;
      const given = new Promise<void>((resolve) => (give = resolve));
      return { given, give: () => give() };
    };

    it('that is killed is in other hands within half a minute, and not before 25 seconds', async () => {
      const { id } = await due();
      const taken = signal();
      void processWith(() => {
        taken.give();
        return new Promise<void>(() => undefined);
      }).work(id);
      await taken.given;
      const other = leaving('other');
      clock.advance(24);
      expect(await other.work(id)).to.equal(false);
      clock.advance(1);
      expect(await other.work(id)).to.equal(true);
      expect(await byOf(id)).to.equal('other');
    });

    it('that is busy stays its own, however long it takes, with its own changes in between', async () => {
      const { id } = await due();
      const [taken, goOn, kept, end] = [signal(), signal(), signal(), signal()];
      const busy = processWith(async (held) => {
        taken.give();
        await goOn.given;
        await held.keep({ by: 'half' });
        kept.give();
        await end.given;
        await held.leave({ by: 'busy' }, { open: false });
      }, 0.02);
      const work = busy.work(id);
      await taken.given;
      const other = leaving('other');
      const wait = async (): Promise<void> => {
        for (let n = 0; n < 4; n++) {
          clock.advance(20);
          const until = clock.now().getTime() + 25_000;
          while ((await store().byId(id))?.dueAt?.getTime() !== until)
            await new Promise((resolve) => setTimeout(resolve, 10));
          expect(await other.work(id)).to.equal(false);
        }
      };
      await wait();
      goOn.give();
      await kept.given;
      await wait();
      end.give();
      expect(await work).to.equal(true);
      expect(await byOf(id)).to.equal('busy');
      const { revision } = (await store().byId(id))!;
      await new Promise((resolve) => setTimeout(resolve, 80));
      expect((await store().byId(id))?.revision).to.equal(revision);
    });

    it('that hangs, or was asleep, is taken over and changes nothing any more', async () => {
      const { id } = await due();
      const [taken, end] = [signal(), signal()];
      const hanging = processWith(async (held) => {
        taken.give();
        await end.given;
        await held.leave({ by: 'hanging' }, { open: false });
      }, 0.02);
      const work = hanging.work(id);
      await taken.given;
      clock.advance(16 * 60);
      const other = leaving('other');
      // A renewal that was on its way already may still have arrived.
      await new Promise((resolve) => setTimeout(resolve, 80));
      clock.advance(25);
      expect(await other.work(id)).to.equal(true);
      end.give();
      await work;
      expect(await byOf(id)).to.equal('other');
    });
  });
});
