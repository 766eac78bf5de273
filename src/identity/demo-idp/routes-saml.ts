import { promisify } from 'node:util';
import express, { Router, type Request, type Response } from 'express';
import samlp, { type SamlpParticipant, type SamlpProfileMapper, type SamlpStateStore } from 'samlp';
import SessionParticipants from 'samlp/lib/sessionParticipants/index.js';
import { newToken } from '../../base/ids.ts';
import { readCookie } from '../../http/cookies.ts';
import type { KeyPair } from '../providers/types.ts';
import { demoIdpPage } from './page.ts';
import type { DemoIdpPerson } from './people.ts';

export interface DemoSamlOptions {
  /** Our entity id: the address of the metadata. */
  issuer: string;
  /** Where the routes are mounted; metadata names addresses below it. */
  path: string;
  people: DemoIdpPerson[];
  keys: KeyPair;
  /** The only addresses that answers are sent to. */
  assertionConsumerUrl: string;
  logoutUrl: string;
}

const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const redirectBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
const denied = 'urn:oasis:names:tc:SAML:2.0:status:RequestDenied';
const algorithms = { signatureAlgorithm: 'rsa-sha256', digestAlgorithm: 'sha256' };
/** The largest request that is looked at. */
const largest = 20_000;
const cookie = 'zhixing-demo-ecpa';

const mapper = function (person: DemoIdpPerson) {
  return {
    getClaims: () => person.attributes,
    getNameIdentifier: () => ({ nameIdentifier: person.subject, nameIdentifierFormat: persistent }),
  };
} as unknown as SamlpProfileMapper<DemoIdpPerson>;
mapper.prototype.metadata = [];

interface Session {
  person: DemoIdpPerson;
  index: string;
  /** Who was told of the person: the services that a logout ends too. */
  audience: string;
}

/** What samlp must remember while a logout runs. */
function createLogoutStates(): SamlpStateStore {
  const states = new Map<string, unknown>();
  return {
    save(_req, state, done) {
      const id = newToken();
      states.set(id, state);
      done(null, id);
    },
    load(_req, id, options, done) {
      const state = states.get(id);
      if ((options as { destroy?: boolean } | null)?.destroy) states.delete(id);
      done(null, state);
    },
    update(_req, id, state, done) {
      states.set(id, state);
      done(null);
    },
  };
}

/**
 * A real SAML 2.0 identity provider (samlp) over made-up people: one click signs in, there is no password. It keeps a
 * session of its own, so that single logout has something to end.
 */
export function createDemoSamlRoutes(options: DemoSamlOptions): Router {
  const { issuer, path, people, keys, assertionConsumerUrl, logoutUrl } = options;
  const sessions = new Map<string, Session>();
  const states = createLogoutStates();
  const own = { issuer, cert: keys.certificate, key: keys.privateKey };
  const parse = promisify(samlp.parseRequest);
  const sessionOf = (req: Request): Session | undefined => sessions.get(readCookie(req, cookie) ?? '');
  const refuse = (res: Response, text: string): void =>
    void res.status(400).send(demoIdpPage('無法登入 Not signed in', text, []));

  /** The request of a service that we serve; null: it is none, or a stranger's. */
  const requestOf = async (
    req: Request,
  ): Promise<{ id: string; issuer: string; forceAuthn: boolean } | null> => {
    const given: unknown =
      req.method === 'POST' ? (req.body as { SAMLRequest?: unknown }).SAMLRequest : req.query['SAMLRequest'];
    if (typeof given !== 'string' || given.length > largest) return null;
    const found = await parse(req).catch(() => null);
    if (!found?.id || !found.issuer) return null;
    const answersTo = found.assertionConsumerServiceURL ?? assertionConsumerUrl;
    return answersTo === assertionConsumerUrl
      ? { id: found.id, issuer: found.issuer, forceAuthn: found.forceAuthn === 'true' }
      : null;
  };

  const answer = (req: Request, res: Response, session: Session, relayState: string): void => {
    samlp.auth({
      ...own,
      getPostURL: (_audience, _dom, _req, done) => done(null, assertionConsumerUrl),
      getUserFromRequest: () => session.person,
      profileMapper: mapper,
      sessionIndex: session.index,
      lifetimeInSeconds: 300,
      RelayState: relayState,
      destination: assertionConsumerUrl,
      recipient: assertionConsumerUrl,
      signResponse: true,
    })(req, res, (error?: unknown) => refuse(res, error instanceof Error ? error.message : ''));
  };

  const routes = Router();
  routes.get(
    '/metadata',
    samlp.metadata({
      issuer,
      cert: keys.certificate,
      profileMapper: mapper,
      redirectEndpointPath: `${path}/sign-on`,
      postEndpointPath: `${path}/sign-on`,
      logoutEndpointPaths: { redirect: `${path}/logout` },
    }),
  );

  const form = express.urlencoded({ extended: false, limit: '64kb' });
  const signOn = async (req: Request, res: Response): Promise<void> => {
    const body = (req.body ?? {}) as Record<string, string | undefined>;
    const source = (req.method === 'POST' ? body : req.query) as Record<string, string | undefined>;
    const request = await requestOf(req);
    if (!request)
      return refuse(res, '這不是本展示平臺的登入要求。 This is no sign-in request of the demo platform.');
    const relayState = source['RelayState'] ?? '';
    const session = sessionOf(req);
    if (session && !request.forceAuthn)
      return answer(req, res, { ...session, audience: request.issuer }, relayState);
    const fields = { SAMLRequest: source['SAMLRequest'] ?? '', RelayState: relayState };
    res.send(
      demoIdpPage('選擇一位使用者 Choose a person', '按一下即以這個人的身分登入。', [
        ...people.map(({ subject, attributes: { displayName } }) => ({
          action: `${path}/choose`,
          fields: { ...fields, subject },
          button: displayName ?? subject,
        })),
        { action: `${path}/choose`, fields: { ...fields, cancel: '1' }, button: '取消 Cancel' },
      ]),
    );
  };
  routes.get('/sign-on', signOn);
  routes.post('/sign-on', form, signOn);

  routes.post('/choose', form, async (req, res, next) => {
    const { subject, cancel, RelayState: relayState = '' } = req.body as Record<string, string | undefined>;
    const request = await requestOf(req);
    if (!request)
      return refuse(res, '這個登入要求已無法使用。 This sign-in request cannot be used any more.');
    if (cancel !== undefined)
      return samlp.sendError({
        ...own,
        ...algorithms,
        getPostURL: (_req, done) => done(null, assertionConsumerUrl),
        error: { code: denied, description: 'turned back' },
        inResponseTo: request.id,
        destination: assertionConsumerUrl,
        RelayState: relayState,
        signResponse: true,
      })(req, res, next);
    const person = people.find((one) => one.subject === subject);
    if (!person) return refuse(res, '沒有這個人。 There is no such person.');
    const session: Session = { person, index: `_${newToken()}`, audience: request.issuer };
    const token = newToken();
    sessions.set(token, session);
    res.cookie(cookie, token, { path, httpOnly: true, sameSite: 'lax' });
    return answer(req, res, session, relayState);
  });

  routes.get('/logout', async (req, res) => {
    const token = readCookie(req, cookie) ?? '';
    const session = sessions.get(token);
    const participants: SamlpParticipant[] = session
      ? [
          {
            serviceProviderId: session.audience,
            sessionIndex: session.index,
            nameId: session.person.subject,
            nameIdFormat: persistent,
            serviceProviderLogoutURL: logoutUrl,
          },
        ]
      : [];
    // samlp looks into the body too.
    req.body ??= {};
    samlp.logout({
      ...own,
      ...algorithms,
      sessionParticipants: new SessionParticipants(participants),
      store: states,
      clearIdPSession(done) {
        sessions.delete(token);
        res.clearCookie(cookie, { path });
        done();
      },
      destination: logoutUrl,
      deflate: true,
      protocolBinding: redirectBinding,
    })(req, res, (error?: unknown) => {
      res
        .status(error ? 400 : 200)
        .send(
          demoIdpPage(
            '登出 Sign out',
            error instanceof Error ? error.message : '您已登出展示用的身分提供者。',
            [],
          ),
        );
    });
  });

  return routes;
}
