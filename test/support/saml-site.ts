import { createServer, type Server } from 'node:http';
import { createKeyPair } from '../../src/identity/demo-idp/self-signed.ts';
import type { KeyPair } from '../../src/identity/providers/types.ts';
import { close, listen } from './oidc-idp.ts';
import { writeProviders } from './providers.ts';
import { readRedirect } from './saml-forge.ts';
import { createParty, type Party } from './saml-party.ts';
import { freePort, startServer, type RunningServer } from './server.ts';
import type { Page, Wanderer } from './wanderer.ts';

/** The platform with SAML providers that the test itself plays, so that it can say anything as any of them. */
export interface SamlSite {
  server: RunningServer;
  idpOrigin: string;
  /** The paths that were asked of the provider so far. */
  asked: string[];
  entityId: string;
  idpKeys: KeyPair;
  ourKeys: KeyPair;
  party(key: string): Party;
  /** Goes to the provider; what the platform has asked there. */
  begin(wanderer: Wanderer, key: string, search?: string): Promise<{ requestId: string; relayState: string }>;
  /** Posts from the provider's site. */
  post(wanderer: Wanderer, key: string, fields: Record<string, string>): Promise<Page>;
  remove(): Promise<void>;
}

const attributes = {
  displayName: 'name',
  userType: { to: 'assurance', values: { 公務人員: 'official', 一般民眾: 'verified' } },
  idNo: 'idNumber',
  mail: 'email',
};

export async function startSamlSite(
  entries: Record<string, object>,
  claims: Record<string, string>,
  policy: { sameIdNumber: 'link' | 'refuse' } = { sameIdNumber: 'link' },
): Promise<SamlSite> {
  const idpKeys = createKeyPair('idp.example.org');
  const ourKeys = createKeyPair('learn.example.org');
  const asked: string[] = [];
  const idp: Server = createServer((req, res) => {
    asked.push(req.url ?? '');
    res.end('<title>An identity provider</title>');
  });
  const idpOrigin = `http://127.0.0.1:${await listen(idp)}`;
  const entityId = `${idpOrigin}/metadata`;
  const pair = { privateKeyFile: 'our.key', certificateFile: 'our.crt' };
  const file = writeProviders(
    {
      policy,
      providers: Object.entries(entries).map(([key, more]) => ({
        key,
        protocol: 'saml',
        label: { 'zh-TW': '人事服務網', en: 'Personnel services' },
        columns: ['civil-servant', 'public'],
        attributes,
        help: { phone: '02-2397-9108', mail: 'pemis@example.org' },
        keys: [pair],
        ...('metadataUrl' in more
          ? {}
          : {
              entryPoint: `${idpOrigin}/sign-on`,
              logoutUrl: `${idpOrigin}/logout`,
              idpEntityId: entityId,
              certificateFiles: ['idp.crt'],
            }),
        ...more,
      })),
    },
    { 'our.key': ourKeys.privateKey, 'our.crt': ourKeys.certificate, 'idp.crt': idpKeys.certificate },
  );
  const port = await freePort();
  const server = await startServer({
    environment: { IDENTITY_PROVIDERS: file.path, LOG_LEVEL: 'info' },
    port,
  });
  if (!server) throw new Error('no server');
  return {
    ...{ server, idpOrigin, asked, entityId, idpKeys, ourKeys },
    party: (key) =>
      createParty({
        ...{ entityId, key: idpKeys, attributes: claims },
        audience: `${server.origin}/sign-in/${key}/metadata`,
        recipient: `${server.origin}/sign-in/${key}/callback`,
      }),
    async begin(wanderer, key, search = '') {
      const page = await wanderer.get(`${server.origin}/sign-in/${key}${search}`);
      const { xml, relayState, genuine } = readRedirect(page.url, ourKeys.certificate);
      const requestId = /\bID="([^"]+)"/.exec(xml)?.[1];
      if (!genuine || requestId === undefined || relayState === null)
        throw new Error(`no signed request: ${page.url}`);
      return { requestId, relayState };
    },
    post: (wanderer, key, fields) =>
      wanderer.post(`${server.origin}/sign-in/${key}/callback`, fields, `${idpOrigin}/sign-on`),
    async remove() {
      await server.remove();
      await close(idp);
      file.remove();
    },
  };
}
