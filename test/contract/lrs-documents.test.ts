import { expect } from 'chai';
import type { DocumentScope, StoredDocument } from '../../src/lrs/store.ts';
import { onEveryEngine } from '../support/engines.ts';

const scope = (overrides: Partial<DocumentScope> = {}): DocumentScope => ({
  kind: 'state',
  activityId: 'http://example.org/a.b$c',
  agent: 'mailto:a@example.org',
  registration: null,
  ...overrides,
});
const document = (text: string, updated = 1000): StoredDocument => ({
  contentType: 'text/plain',
  body: Buffer.from(text),
  etag: text,
  updated,
});
const registration = '2a2f4c1e-6f3b-4d43-9d5f-9a4f3a1f6c11';

onEveryEngine('DocumentStore', ({ storage }) => {
  const store = () => storage().lrs.documents;

  it('gives back the bytes, the type, the ETag and the instant', async () => {
    const bytes = Buffer.from([0, 255, 128, 10, 13]);
    const given = { ...document('x'), body: bytes, contentType: 'application/octet-stream' };
    await store().put(scope(), 'bytes', given, undefined);
    expect(await store().get(scope(), 'bytes')).to.deep.equal(given);
  });

  it('keeps kinds, registrations and ids apart', async () => {
    await store().put(scope({ registration }), 'apart', document('with'), null);
    await store().put(scope(), 'apart', document('without'), null);
    await store().put(scope({ kind: 'activity-profile', agent: null }), 'apart', document('profile'), null);
    expect((await store().get(scope({ registration }), 'apart'))?.etag).to.equal('with');
    expect((await store().get(scope(), 'apart'))?.etag).to.equal('without');
    expect(await store().get(scope({ agent: 'mailto:b@example.org' }), 'apart')).to.equal(null);
  });

  it('writes only when the ETag is the expected one', async () => {
    const id = 'guarded';
    expect(await store().put(scope(), id, document('one'), 'zero')).to.equal(false);
    expect(await store().put(scope(), id, document('one'), null)).to.equal(true);
    expect(await store().put(scope(), id, document('two'), null)).to.equal(false);
    expect(await store().put(scope(), id, document('two'), 'one')).to.equal(true);
    expect(await store().delete(scope(), id, 'one')).to.equal(false);
    expect(await store().delete(scope(), id, 'two')).to.equal(true);
    expect(await store().get(scope(), id)).to.equal(null);
  });

  it('of several writers with the same expectation one wins', async () => {
    let expected: string | null = null;
    for (const round of ['create', 'replace']) {
      const wins: boolean[] = await Promise.all(
        Array.from({ length: 5 }, (_, at) =>
          store().put(scope(), 'race', document(`${round}-${at}`), expected),
        ),
      );
      expect(wins.filter(Boolean)).to.have.length(1);
      const kept: string | null = (await store().get(scope(), 'race'))?.etag ?? null;
      expect(kept).to.equal(`${round}-${wins.indexOf(true)}`);
      expected = kept;
    }
  });

  it('lists by scope and instant; without registration it covers all', async () => {
    const of = { activityId: 'http://example.org/list' };
    await store().put(scope(of), 'a', document('a', 1000), null);
    await store().put(scope({ ...of, registration }), 'b', document('b', 2000), null);
    expect(await store().ids(scope(of), null)).to.deep.equal(['a', 'b']);
    expect(await store().ids(scope({ ...of, registration }), null)).to.deep.equal(['b']);
    expect(await store().ids(scope(of), 1000)).to.deep.equal(['b']);
    expect(await store().deleteAll(scope({ ...of, registration }))).to.equal(1);
    expect(await store().deleteAll(scope(of))).to.equal(1);
    expect(await store().ids(scope(of), null)).to.deep.equal([]);
  });

  it('hands out every document with its scope, and goes on behind a cursor', async () => {
    await store().put(scope({ registration }), 'moved', document('moved'), undefined);
    const all = [];
    for await (const one of store().all(null)) all.push(one);
    const moved = all.find(({ id }) => id === 'moved');
    expect(moved?.scope).to.deep.equal(scope({ registration }));
    expect(moved?.document).to.deep.equal(document('moved'));
    const rest = [];
    for await (const one of store().all(all[0]?.cursor ?? null)) rest.push(one);
    expect(rest).to.deep.equal(all.slice(1));
  });
});

onEveryEngine('AttachmentStore', ({ storage }) => {
  const store = () => storage().lrs.attachments;

  it('keeps bytes under their hash, also twice and beyond 16 MiB', async () => {
    const large = Buffer.alloc(17 * 1024 * 1024, 'zhixing');
    await Promise.all([store().put('aa', large), store().put('aa', large)]);
    expect((await store().get('aa'))?.equals(large)).to.equal(true);
    expect(await store().has('aa')).to.equal(true);
    expect(await store().get('bb')).to.equal(null);
    await store().put('empty', Buffer.alloc(0));
    expect((await store().get('empty'))?.length).to.equal(0);
  });
});
