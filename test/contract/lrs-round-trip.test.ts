import { expect } from 'chai';
import fc from 'fast-check';
import { newUuid } from '../../src/base/ids.ts';
import { allRows, toNdjson } from '../../src/lrs/admin/export.ts';
import { parseExact } from '../../src/xapi/json.ts';
import { stringifyExact, textsAt } from '../../src/xapi/objects.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { type LrsServer, lrsLimits, startLrs } from '../support/lrs-server.ts';
import {
  gap,
  oddText,
  quoted,
  rawJson,
  type RawMember,
  rawNumber,
  rawObject,
  rawString,
} from '../support/raw-json.ts';

const given = { key: 'test', secret: 'test-secret' };
const authorization = `Basic ${Buffer.from('test:test-secret').toString('base64')}`;

/** Extensions: the keys are IRIs, the values anything (1.0.3 Data 4.1; 2.0 4.2.7). */
const rawExtensions = fc
  .uniqueArray(
    fc.tuple(
      fc.constantFrom('http://e.x/a', 'http://e.x/$set.a', 'urn:__proto__', 'http://e.x/學', 'urn:x'),
      rawJson,
    ),
    { minLength: 1, maxLength: 3, selector: ([key]) => key },
  )
  .map((members) => rawObject(members.map(([key, value]) => [JSON.stringify(key), value])));

/** A Statement's members as texts, in any order; the id is added by the test. */
const rawStatement = fc
  .record({
    extensions: fc.tuple(rawExtensions, rawExtensions, rawExtensions),
    texts: fc.tuple(rawString, rawString, rawString, rawString),
    raw: rawNumber,
    space: gap,
    order: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
  })
  .map(({ extensions: [a, b, c], texts: [actor, display, name, response], raw, space, order }) => {
    const members: RawMember[] = [
      ['"actor"', `{"name":${actor},"mbox":"mailto:round@example.org"}`],
      ['"verb"', `{"display":{"zh-TW":${display}},"id":"http://e.x/v"}`],
      ['"object"', `{"definition":{"extensions":${a},"name":{"en":${name}}},"id":"http://e.x/o"}`],
      // A key may be written with escapes: it is the same key.
      ['"\\u0072esult"', `{"response":${response},"score":{"raw":${raw}},"extensions":${b}}`],
      ['"context"', `{"extensions":${c},"contextActivities":{"other":[{"id":"http://e.x/p"}]}}`],
    ];
    return { members: order.map((at): RawMember => members[at] ?? ['', '']), space, kept: [a, b, c] };
  });

onEveryEngine('what goes in comes out', ({ storage, engine }) => {
  // The stand-in for MongoDB scans: fewer there. FC_RUNS asks for more.
  const runs = Number(process.env['FC_RUNS'] ?? 0) || (engine === 'sqlite' ? 60 : 6);
  let lrs: LrsServer;
  const clock = new TestClock();
  before(async () => {
    lrs = await startLrs(storage(), given, { clock });
  });
  after(async () => {
    await lrs?.close();
  });

  const call = (path: string, init: RequestInit = {}, version = '2.0.0'): Promise<Response> =>
    fetch(`${lrs.endpoint}${path}`, {
      ...init,
      headers: {
        authorization,
        'x-experience-api-version': version,
        'content-type': 'application/json',
        ...(init.headers as Record<string, string> | undefined),
      },
    });
  const post = async (body: string): Promise<number> =>
    (await call('/statements', { method: 'POST', body })).status;
  const textOf = async (id: string, more = ''): Promise<string> =>
    (await call(`/statements?statementId=${id}${more}`)).text();
  const definitionOf = async (activity: string): Promise<string | undefined> => {
    const text = await (await call(`/activities?activityId=${encodeURIComponent(activity)}`)).text();
    return textsAt(text, new Set(['definition'])).get('definition');
  };

  it('a Statement is kept character for character, alone and in a batch (1.0.3 Data 2.2; 2.0 4.2.1)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rawStatement, { minLength: 1, maxLength: 6 }), gap, async (drafts, space) => {
        const sent = drafts.map(({ members, space: inner }) => {
          const id = newUuid();
          return { id, text: rawObject([['"id"', `"${id}"`], ...members], inner) };
        });
        const body = sent.map(({ text }) => `${space}${text}${space}`).join(',');
        expect(await post(sent.length === 1 ? body : `[${body}]`)).to.equal(200);
        for (const { id, text } of sent) {
          // What the LRS adds stands at the end (2.0 4.2.4.2): everything before it is as it was sent.
          const open = text.slice(0, -1).trimEnd();
          expect((await textOf(id)).slice(0, open.length + 1)).to.equal(`${open},`);
        }
      }),
      { numRuns: runs },
    );
  });

  it('what the LRS replaces leaves the rest as it was: stored, authority, single contextActivities, offsets', async () => {
    await fc.assert(
      fc.asyncProperty(rawStatement, fc.nat(5), rawJson, async ({ members, space, kept }, at, claimed) => {
        const id = newUuid();
        const wrapped = members.map(([key, value]): RawMember => [
          key,
          value.replace('[{"id":"http://e.x/p"}]', '{"id":"http://e.x/p"}'),
        ]);
        const all: RawMember[] = [
          ...wrapped.slice(0, at),
          ['"stored"', '"2020-01-01T00:00:00Z"'],
          ['"authority"', `{"mbox":"mailto:a@b.c","name":${JSON.stringify(claimed)}}`],
          ['"timestamp"', '"2026-11-23T10:00:00.000+08:00"'],
          ...wrapped.slice(at),
          ['"id"', `"${id}"`],
        ];
        expect(await post(rawObject(all, space))).to.equal(200);
        const text = await textOf(id);
        const found = textsAt(
          text,
          new Set(['object/definition/extensions', 'result/extensions', 'context/extensions', 'timestamp']),
        );
        expect([
          found.get('object/definition/extensions'),
          found.get('result/extensions'),
          found.get('context/extensions'),
        ]).to.deep.equal(kept);
        expect(found.get('timestamp')).to.equal('"2026-11-23T02:00:00.000Z"');
        const { authority } = JSON.parse(text) as { authority: { mbox?: string } };
        expect(authority.mbox).to.equal(undefined);
      }),
      { numRuns: runs },
    );
  });

  it('pages and every format keep the exact text of extensions; NDJSON export keeps all of it', async () => {
    await fc.assert(
      fc.asyncProperty(rawStatement, rawString, async ({ members, space, kept }, unique) => {
        const [id, registration] = [newUuid(), newUuid()];
        const own = members.map(([key, value]): RawMember => [
          key,
          key === '"context"'
            ? value.replace(
                '{',
                `{"registration":"${registration}","team":{"objectType":"Group","mbox":"mailto:t@e.x","name":${unique}},`,
              )
            : value,
        ]);
        const text = rawObject([['"id"', `"${id}"`], ...own], space);
        expect(await post(text)).to.equal(200);
        const page = await (await call(`/statements?registration=${registration}`)).text();
        expect(page).to.include(text.slice(0, -1).trimEnd());
        for (const format of ['canonical', 'ids'])
          expect(
            textsAt(await textOf(id, `&format=${format}`), new Set(['context/extensions'])).get(
              'context/extensions',
            ),
          ).to.equal(kept[2]);
        let lines = '';
        for await (const line of toNdjson(allRows(storage().lrs, { registration }))) lines += line;
        expect(lines.split('\n')).to.have.length(2);
        expect(stringifyExact(parseExact(lines))).to.equal(stringifyExact(parseExact(await textOf(id))));
      }),
      { numRuns: runs },
    );
  });

  it('the same again is the same; another digit anywhere is another Statement (1.0.3 Data 2.3.1)', async () => {
    await fc.assert(
      fc.asyncProperty(rawStatement, fc.bigInt({ min: 2n ** 53n, max: 10n ** 30n }), async (draft, big) => {
        const id = newUuid();
        const textWith = (number: bigint): string =>
          rawObject([
            ['"id"', `"${id}"`],
            ...draft.members.map(([key, value]): RawMember => [
              key,
              key === '"context"'
                ? value
                    .replace(
                      '{',
                      `{"platform":"p","language":"en","statement":{"objectType":"StatementRef","id":"${id}"},`,
                    )
                    .replace('"extensions":{', `"extensions":{"urn:big":[{"a.$b":${number}}],`)
                : value,
            ]),
          ]);
        expect(await post(textWith(big))).to.equal(200);
        expect(await post(textWith(big))).to.equal(200);
        const response = await call('/statements', { method: 'POST', body: textWith(big + 1n) });
        expect(response.status).to.equal(409);
        const { error } = (await response.json()) as { error: { problems: { path: string }[] } };
        expect(error.problems[0]?.path).to.equal('$.context.extensions["urn:big"][0]["a.$b"]');
      }),
      { numRuns: runs },
    );
  });

  it("the LRS's definition of an Activity is the newest in its exact digits (1.0.3 Communication 2.5)", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(rawJson, oddText), { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', '.$set', '😀', ':', '學'),
        async (versions, ending) => {
          const activity = `http://e.x/activities/${newUuid()}${ending}`;
          for (const [value, name] of versions) {
            const definition = `{"extensions":{"urn:x":${value}},"name":{"en":${quoted(name)}}}`;
            const object = `{"id":${JSON.stringify(activity)},"definition":${definition}}`;
            expect(
              await post(`{"actor":{"mbox":"mailto:d@e.x"},"verb":{"id":"http://e.x/v"},"object":${object}}`),
            ).to.equal(200);
            const kept = (await definitionOf(activity)) ?? '';
            expect(stringifyExact(parseExact(kept))).to.equal(stringifyExact(parseExact(definition)));
          }
        },
      ),
      {
        numRuns: runs,
        examples: [
          [
            [
              ['9007199254740993', ''],
              ['9007199254740992', ''],
            ],
            '',
          ],
          [
            [
              ['1.0', ''],
              ['1.00', ''],
            ],
            '',
          ],
          [
            [
              ['1E400', ''],
              ['null', ''],
            ],
            '',
          ],
        ],
      },
    );
  });

  it('Agents are told apart and named by every character (1.0.3 Communication 2.4)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(oddText, oddText), {
          minLength: 2,
          maxLength: 4,
          selector: ([account]) => account,
        }),
        async (people) => {
          const homePage = `http://e.x/${newUuid()}`;
          const agents = people.map(([account, name]) => ({ name, account: { homePage, name: account } }));
          const ids = agents.map(() => newUuid());
          const batch = agents.map((actor, at) => ({
            id: ids[at],
            actor,
            verb: { id: 'http://e.x/v' },
            object: { id: 'http://e.x/o' },
          }));
          expect(await post(JSON.stringify(batch))).to.equal(200);
          for (const [at, { account, name }] of agents.entries()) {
            const agent = encodeURIComponent(JSON.stringify({ account }));
            const found = (await (await call(`/statements?agent=${agent}`)).json()) as {
              statements: { id: string }[];
            };
            expect(found.statements.map(({ id }) => id)).to.deep.equal([ids[at]]);
            const person = (await (await call(`/agents?agent=${agent}`)).json()) as {
              name: string[];
              account: unknown[];
            };
            expect(person.name).to.deep.equal([name]);
            expect(person.account).to.deep.equal([account]);
          }
        },
      ),
      { numRuns: runs },
    );
  });

  it('documents keep their bytes; merging keeps every digit of what it joins (1.0.3 Communication 2.2)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2000 }),
        oddText.filter((text) => !/\p{Surrogate}/u.test(text)),
        oddText,
        fc.tuple(rawJson, rawJson, rawJson),
        async (bytes, stateId, account, [a, b, c]) => {
          const agent = JSON.stringify({ account: { homePage: `http://e.x/${newUuid()}`, name: account } });
          const at = (id: string): string =>
            `/activities/state?${new URLSearchParams({ activityId: 'http://e.x/o', agent, stateId: id }).toString()}`;
          const binary = { 'content-type': 'application/octet-stream' };
          expect((await call(at(stateId), { method: 'PUT', body: bytes, headers: binary })).status).to.equal(
            204,
          );
          expect(Buffer.from(await (await call(at(stateId))).arrayBuffer()).equals(bytes)).to.equal(true);
          const ids = await call(
            `/activities/state?${new URLSearchParams({ activityId: 'http://e.x/o', agent }).toString()}`,
          );
          expect(await ids.json()).to.deep.equal([stateId]);

          const merged = `${stateId} merged`;
          const first = `{"b":${a},"__proto__":${b},"$a.b":"","":0.10}`;
          expect((await call(at(merged), { method: 'POST', body: first })).status).to.equal(204);
          expect(await (await call(at(merged))).text()).to.equal(first);
          expect(
            (await call(at(merged), { method: 'POST', body: `{"__proto__":${c},"z":1.0}` })).status,
          ).to.equal(204);
          const joined = `{"b":${a},"__proto__":${c},"$a.b":"","":0.10,"z":1.0}`;
          expect(await (await call(at(merged))).text()).to.equal(stringifyExact(parseExact(joined)));
        },
      ),
      { numRuns: runs },
    );
  });

  it('what cannot be kept is refused with its path, and nothing of it is stored', async () => {
    const head = await storage().lrs.statements.head();
    const refused = fc.oneof(
      fc.tuple(oddText, rawJson, rawJson).map(([key, a, b]) => ({
        value: `{"x":[{${quoted(key)}:${a},${quoted(key, [true])}:${b}}]}`,
        message: /appears twice/,
      })),
      fc.integer({ min: lrsLimits.xapiDepth, max: 20_000 }).map((depth) => ({
        value: '['.repeat(depth) + ']'.repeat(depth),
        message: /levels deep; at most 64/,
      })),
      fc
        .constantFrom(
          '01',
          '1.',
          '.5',
          '+1',
          'NaN',
          '-',
          '0x1',
          '1e',
          '"\u0001"',
          '"\\x41"',
          "'a'",
          '[1,]',
          '{,}',
          'nul',
        )
        .map((value) => ({ value, message: /JSON/ })),
    );
    await fc.assert(
      fc.asyncProperty(rawStatement, refused, async ({ members, space }, { value, message }) => {
        const good = rawObject(members, space);
        const bad = rawObject(
          [
            ['"result"', `{"extensions":{"urn:x":${value}}}`],
            ...members.filter(([key]) => !key.includes('esult')),
          ],
          space,
        );
        const response = await call('/statements', { method: 'POST', body: `[${good},${bad}]` });
        expect(response.status).to.equal(400);
        const { error } = (await response.json()) as {
          error: { message: string; problems: { path: string }[] };
        };
        expect(error.message).to.match(message);
        expect(error.problems[0]?.path).to.match(/^\$/);
      }),
      { numRuns: runs },
    );
    // Half a surrogate pair is no character, so no part of an IRI (RFC 3987).
    for (const half of ['"http://e.x/\\ud800"', '"http://e.x/\\udc00\\ud800"']) {
      const text = `{"actor":{"mbox":"mailto:a@b.c"},"verb":{"id":${half}},"object":{"id":${half}}}`;
      expect(await post(text)).to.equal(400);
    }
    const split = Buffer.from('{"actor":{"mbox":"mailto:a@b.c","name":"\u5b78"}}').subarray(0, -4);
    expect((await call('/statements', { method: 'POST', body: split })).status).to.equal(400);
    expect(await storage().lrs.statements.head()).to.equal(head);
  });
});
