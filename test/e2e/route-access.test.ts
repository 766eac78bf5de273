import { type FoundRoute, routesOf } from '../support/routes.ts';
import { expect } from 'chai';
import { systemClock } from '../../src/base/clock.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople, type People } from '../../src/identity/people.ts';
import { type Action, roleScopes } from '../../src/identity/policy.ts';
import { type Access, type Ground, routeAccess } from '../../src/identity/route-access.ts';
import { createTerms } from '../../src/identity/terms.ts';
import { type Role, roles } from '../../src/identity/types.ts';
import { type Answer, Client } from '../support/client.ts';
import { type InProcess, startInProcess } from '../support/in-process.ts';
import { expectedPolicy } from '../support/policy-matrix.ts';

const keyOf = ({ origin, method, path }: FoundRoute): string =>
  `${origin === 'content' ? 'content ' : ''}${method} ${path}`;
/** An address of this route, about something that does not exist. */
const addressOf = ({ path }: FoundRoute): string =>
  /^\/certificates\.(pdf|zip)$/.test(path)
    ? `${path}?number=0`
    : path.startsWith('/^')
      ? '/s/none/index.html'
      : path
          .replace(':format', 'csv')
          .replace(':step', 'identity')
          .replace(/\*path/, 'base.css')
          .replace(/:[a-zA-Z]+/g, '00000000-0000-4000-8000-000000000000');
/** These end the session that sends them. */
const ending = ['POST /sign-out', 'POST /welcome/decline'];

const refused = ({ status, location }: Answer): 'sign in first' | 'forbidden' | null => {
  if (status === 401 || (status === 303 && location?.startsWith('/sign-in?returnTo=')))
    return 'sign in first';
  return status === 403 ? 'forbidden' : null;
};

describe('every route, every role (issue 7, 6)', function () {
  this.timeout(180_000);
  let program: InProcess;
  let people: People;
  let found: FoundRoute[];
  const password = 'a password of this test';

  const personWith = (loginName: string, role: Role, organisation: string | null, agencyCode?: string) =>
    people.create({
      name: loginName,
      nickname: `nick ${loginName}`,
      accountKind: 'local',
      roles: [{ role, organisation }],
      login: { name: loginName, password },
      consent: {
        version: createTerms({ clock: systemClock }).currentVersion(),
        at: new Date().toISOString(),
      },
      ...(agencyCode === undefined ? {} : { agencyCode }),
    });
  const as = (loginName: string): Promise<Client> => new Client(program.origin).signIn(loginName, password);

  before(async () => {
    program = await startInProcess();
    found = routesOf(program.app);
    people = createPeople({
      store: program.context.storage.identity,
      vault: createIdNumberVault(program.context.config.secrets.idNumberKey),
      clock: systemClock,
    });
    for (const role of roles)
      await personWith(
        role,
        role,
        { organisation: '本測試的單位', agency: '301000000A', none: null }[roleScopes[role] ?? 'none'],
      ).catch(async (error: unknown) => {
        // The demo accounts have these names: they get the test's password by another name.
        if (!(error instanceof Error && 'code' in error && error.code === 'taken-login-name')) throw error;
        return personWith(
          `the-${role}`,
          role,
          { organisation: '本測試的單位', agency: '301000000A', none: null }[roleScopes[role] ?? 'none'],
        );
      });
  });
  after(() => program?.close());
  const loginOf = async (role: Role): Promise<string> =>
    (await people.byLoginName(`the-${role}`)) ? `the-${role}` : role;

  it('knows every route of the program, and no other', () => {
    const keys = [...new Set(found.map(keyOf))].toSorted();
    expect(keys.length).to.be.greaterThan(100);
    const unlisted = keys.filter((key) => routeAccess[key] === undefined);
    expect(unlisted, 'routes without an entry in src/identity/route-access.ts').to.deep.equal([]);
    // What only some configurations have: identity providers.
    const optional = /^(GET|POST) \/sign-in\/:provider/;
    const gone = Object.keys(routeAccess).filter((key) => !keys.includes(key) && !optional.test(key));
    expect(gone, 'entries without a route').to.deep.equal([]);
  });

  const isStaff = (role: Role | null): boolean => role !== null && role !== 'learner';
  const expected = (access: Access, role: Role | null): ReturnType<typeof refused> => {
    if (access === 'public') return null;
    if (role === null) return 'sign in first';
    if (access === 'signed-in' || access === 'own') return null;
    if (access === 'staff') return isStaff(role) ? null : 'forbidden';
    const action = access.replace('own or ', '') as Action;
    return expectedPolicy[action][role] === undefined ? 'forbidden' : null;
  };
  const byToken = [
    'sign-in-under-way',
    'provider-answer',
    'mailed-link',
    'beat-token',
    'launch-token',
    'lrs-credential',
  ] satisfies Ground[];
  const isByToken = (access: Access): boolean => (byToken as Access[]).includes(access);
  const decidedHere = ({ origin, method }: FoundRoute, access: Access): boolean =>
    origin !== 'content' && method !== 'USE' && !isByToken(access);

  for (const role of [null, ...roles])
    it(`lets ${role ?? 'a guest'} in where the policy says, and nowhere else`, async () => {
      const client = role === null ? new Client(program.origin) : await as(await loginOf(role));
      const wrong: string[] = [];
      const asked = new Set<string>();
      for (const route of found) {
        const key = keyOf(route);
        const access = routeAccess[key];
        if (access === undefined || asked.has(key) || !decidedHere(route, access)) continue;
        asked.add(key);
        const own = async () => (role === null ? new Client(program.origin) : as(await loginOf(role)));
        const who = ending.includes(key) ? await own() : client;
        const answer =
          route.method === 'GET'
            ? await who.get(addressOf(route))
            : await who.send(route.method, addressOf(route), {
                form: { _csrf: await who.token() },
                headers: { origin: program.origin, 'x-csrf-token': await who.token() },
              });
        const outcome = refused(answer);
        if (outcome !== expected(access, role) || answer.status >= 500)
          wrong.push(`${key} (${access}): ${answer.status} ${answer.location ?? ''}`);
      }
      expect(wrong).to.deep.equal([]);
      expect(asked.size).to.be.greaterThan(90);
    });

  it('opens nothing that a token decides to whoever has none', async () => {
    const wrong: string[] = [];
    for (const route of found) {
      const access = routeAccess[keyOf(route)];
      if (access === undefined || !isByToken(access)) continue;
      if (route.method === 'USE' && access === 'beat-token') continue; // a parser
      const client = new Client(route.origin === 'content' ? program.contentOrigin : program.origin);
      const method = route.method === 'USE' ? 'GET' : route.method;
      const path = route.method === 'USE' ? `${route.path}/statements` : addressOf(route);
      const answer = await client.send(method, path, {
        headers: { 'x-experience-api-version': '1.0.3', origin: program.origin },
        ...(method === 'GET'
          ? {}
          : {
              form: {
                token: 'none',
                ...(access === 'mailed-link' || access === 'sign-in-under-way'
                  ? { _csrf: await client.token() }
                  : {}),
              },
            }),
      });
      const shut = (answer.status >= 400 && answer.status < 500) || answer.location?.startsWith('/sign-in');
      // The page behind a mailed link spends nothing and says nothing.
      if (!shut && keyOf(route) !== 'GET /confirm-email')
        wrong.push(`${keyOf(route)} (${access}): ${answer.status}`);
    }
    expect(wrong).to.deep.equal([]);
  });

  it('refuses every form without its token, from another site, or as a bare upload', async () => {
    const admin = await as(await loginOf('admin'));
    const wrong: string[] = [];
    let asked = 0;
    const tokens: Access[] = ['beat-token', 'launch-token', 'provider-answer', 'lrs-credential'];
    for (const route of found) {
      const access = routeAccess[keyOf(route)];
      if (access === undefined || ['GET', 'USE'].includes(route.method) || tokens.includes(access)) continue;
      const json = { accept: 'application/json' };
      const attempts = {
        'without a token': { form: { a: '1' }, headers: { ...json, origin: program.origin } },
        'with a wrong one': { form: { _csrf: 'x'.repeat(64) }, headers: { ...json, origin: program.origin } },
        'from another site': {
          form: { _csrf: await admin.token() },
          headers: { ...json, origin: 'https://evil.example' },
        },
        'as an upload without an origin': {
          headers: { ...json, 'content-type': 'multipart/form-data; boundary=x' },
          body: '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
        },
      };
      asked++;
      for (const [how, given] of Object.entries(attempts)) {
        const { status, text } = await admin.send(route.method, addressOf(route), given);
        if (status !== 403 || !text.includes('"csrf"')) wrong.push(`${keyOf(route)} ${how}: ${status}`);
      }
    }
    expect(wrong).to.deep.equal([]);
    expect(asked).to.be.greaterThan(30);
  });

  it("keeps vendors and teachers within their own organisation's courses and packages", async () => {
    const [course] = await program.context.storage.courses.ofOrganisation('知行教材工作室');
    const version = course?.packageVersionId ?? '';
    const pkg = (await program.context.storage.packages.version(version))?.packageId ?? '';
    const pages = [
      `/vendor/courses/${course?.id}`,
      `/vendor/courses/${course?.id}/quiz`,
      `/vendor/packages/${pkg}`,
      `/vendor/packages/${pkg}/versions/${version}`,
      `/vendor/preview/${version}`,
    ];
    const forms = [
      `/vendor/courses/${course?.id}`,
      `/vendor/courses/${course?.id}/publish`,
      `/vendor/courses/${course?.id}/quiz`,
      `/vendor/packages/${pkg}/publish`,
      `/vendor/packages/${pkg}/archived`,
    ];
    await personWith('own-vendor', 'vendor', '知行教材工作室');
    await personWith('no-vendor', 'vendor', null);
    await personWith('own-teacher', 'teacher', '知行教材工作室');
    const [own, other, nowhere, teacher, otherTeacher] = await Promise.all(
      ['own-vendor', await loginOf('vendor'), 'no-vendor', 'own-teacher', await loginOf('teacher')].map(as),
    );
    for (const path of pages) {
      expect((await own!.get(path)).status, path).to.equal(200);
      expect((await other!.get(path)).status, path).to.be.oneOf([403, 404]);
      // A role that is held for nothing reaches nothing.
      expect((await nowhere!.get(path)).status, path).to.equal(403);
    }
    for (const path of forms) expect((await other!.post(path)).status, path).to.be.oneOf([403, 404]);
    const preview = `/vendor/preview/${version}`;
    expect((await teacher!.get(preview)).status).to.equal(200);
    expect((await otherTeacher!.get(preview)).status).to.equal(404);
  });

  it('lets an HR officer see the records of their agency and of those below it, and no others', async () => {
    const { storage } = program.context;
    const [course] = await storage.courses.ofOrganisation('知行教材工作室');
    const people: string[] = [];
    const at = async (agency: string): Promise<string> => {
      const learner = await personWith(`learner-${agency}`, 'learner', null, agency);
      const client = await as(`learner-${agency}`);
      expect((await client.post(`/courses/${course?.code}/enrol`)).status).to.equal(303);
      people.push(`/records/${learner.id}`);
      const [enrolment] = await storage.courses.enrolmentsOf(learner.id);
      return `/support/sessions/${enrolment?.registration}`;
    };
    const [county, school, ministry] = [
      await at('301000000A'),
      await at('301030100A'),
      await at('A90010000E'),
    ];
    await personWith('hr-county', 'hr', '301000000A');
    await personWith('hr-education', 'hr', '301030000A');
    const sees = async (login: string): Promise<number[]> => {
      const officer = await as(login);
      const statuses = (paths: string[]) =>
        Promise.all(paths.map(async (path) => (await officer.get(path)).status));
      const seen = await statuses([county, school, ministry]);
      expect(await statuses(people)).to.deep.equal(seen);
      if (seen.includes(403)) return seen;
      // The list offers those whose record may be read, and only those.
      const list = (await officer.post('/records', { text: 'learner-' })).text;
      expect(people.map((path) => (list.includes(path) ? 200 : 404))).to.deep.equal(seen);
      return seen;
    };
    expect(await sees('hr-county')).to.deep.equal([200, 200, 404]);
    expect(await sees('hr-education')).to.deep.equal([404, 200, 404]);
    expect(await sees(await loginOf('support'))).to.deep.equal([200, 200, 200]);
    expect(await sees(await loginOf('learner'))).to.deep.equal([403, 403, 403]);
    // Each look is in the audit log, the refused one too.
    const looks = await storage.audit.find({
      ...{ personId: null, action: 'record.read', outcome: null, from: null, to: null, before: null },
      limit: 100,
    });
    const records = looks.filter(({ detail }) => detail?.['what'] === 'learning-record');
    expect(records.filter(({ outcome }) => outcome === 'success')).to.have.length(6);
    expect(records.filter(({ outcome }) => outcome === 'failure')).to.have.length(3);
  });
});
