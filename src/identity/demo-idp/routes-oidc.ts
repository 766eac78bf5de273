import express, { Router } from 'express';
import type { JWK } from 'jose';
import Provider, { type ClientMetadata, type JWKS } from 'oidc-provider';
import { OidcMemory, type Kept } from './oidc-memory.ts';
import { demoIdpPage } from './page.ts';
import type { DemoIdpPerson } from './people.ts';

export interface DemoOidcOptions {
  /** With the path under which the routes are mounted. */
  issuer: string;
  /** By client id: the people to choose from. */
  peopleOf(clientId: string): DemoIdpPerson[];
  clients: ClientMetadata[];
  /** The private signing key. */
  key: JWK;
  cookieKey: string;
}

const flag = (text: string): string | boolean => (text === 'true' ? true : text === 'false' ? false : text);

/** A real OpenID Connect provider (oidc-provider) over made-up people: one click signs in, there is no password. */
export function createDemoOidcRoutes(options: DemoOidcOptions): Router {
  const kept = new Map<string, Kept>();
  const everybody = (): DemoIdpPerson[] =>
    options.clients.flatMap(({ client_id }) => options.peopleOf(client_id));
  const attributes = [...new Set(everybody().flatMap((person) => Object.keys(person.attributes)))];
  const path = new URL(options.issuer).pathname;

  const provider = new Provider(options.issuer, {
    adapter: (model: string) => new OidcMemory(model, kept),
    clients: options.clients,
    jwks: { keys: [options.key] } as JWKS,
    cookies: { keys: [options.cookieKey] },
    claims: {
      openid: ['sub'],
      profile: attributes.filter((name) => !name.startsWith('email')),
      email: ['email', 'email_verified'],
    },
    scopes: ['openid', 'profile', 'email'],
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          ctx.type = 'html';
          ctx.body = demoIdpPage('登出 Sign out', '是否一併登出這個身分提供者？', []).replace(
            '</main>',
            `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">登出 Sign out</button></main>`,
          );
        },
        postLogoutSuccessSource(ctx) {
          ctx.type = 'html';
          ctx.body = demoIdpPage('已登出 Signed out', '您已登出展示用的身分提供者。', []);
        },
      },
    },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      IdToken: 600,
      Interaction: 1800,
      Session: 7200,
      Grant: 7200,
    },
    interactions: { url: (_ctx, interaction) => `${path}/choose/${interaction.uid}` },
    renderError(ctx, out) {
      ctx.type = 'html';
      ctx.body = demoIdpPage('無法登入 Not signed in', `${out.error}: ${out.error_description ?? ''}`, []);
    },
    clientBasedCORS: () => false,
    async findAccount(_ctx, subject) {
      const person = everybody().find((one) => one.subject === subject);
      if (!person) return undefined;
      return {
        accountId: subject,
        claims: async () => ({
          sub: subject,
          ...Object.fromEntries(Object.entries(person.attributes).map(([name, text]) => [name, flag(text)])),
        }),
      };
    },
    // The demo asks for no consent: choosing a person is enough.
    async loadExistingGrant(ctx) {
      const { client, session } = ctx.oidc;
      if (!client || !session?.accountId) return undefined;
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });

  const routes = Router();
  routes.get('/choose/:uid', async (req, res) => {
    const { params } = await provider.interactionDetails(req, res);
    const action = `${path}/choose/${req.params.uid}`;
    const people = options.peopleOf(String(params['client_id']));
    res.send(
      demoIdpPage('選擇一位使用者 Choose a person', '按一下即以這個人的身分登入。', [
        ...people.map(({ subject, attributes: { name, user_kind } }) => ({
          action,
          fields: { subject },
          button: `${name ?? subject}${user_kind === undefined ? '' : `（${user_kind}）`}`,
        })),
        { action, fields: { cancel: '1' }, button: '取消 Cancel' },
      ]),
    );
  });
  routes.post('/choose/:uid', express.urlencoded({ extended: false }), async (req, res) => {
    const { subject, cancel } = req.body as { subject?: string; cancel?: string };
    await provider.interactionFinished(
      req,
      res,
      cancel === undefined
        ? { login: { accountId: String(subject), remember: false } }
        : { error: 'access_denied', error_description: 'turned back' },
      { mergeWithLastSubmission: false },
    );
  });
  routes.use(provider.callback());
  return routes;
}
