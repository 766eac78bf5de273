import { z } from 'zod';
import { isAddress } from './addresses.ts';
import { columns, profileFields } from './types.ts';

const address = z.string().refine(isAddress, 'must be an https address (http only for this machine)');

const text = z.union([
  z
    .string()
    .min(1)
    .transform((given) => ({ 'zh-TW': given })),
  z.strictObject({ 'zh-TW': z.string().min(1), en: z.string().min(1) }),
]);

const environmentName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable, e.g. EGOV_CLIENT_SECRET');

const attributes = z.record(
  z.string().min(1),
  z.union([
    z.enum(profileFields),
    z.strictObject({ to: z.enum(profileFields), values: z.record(z.string(), z.string()).optional() }),
  ]),
);

const help = z.strictObject({
  address: text.optional(),
  phone: z.string().min(1).optional(),
  hours: text.optional(),
  mail: z.email().optional(),
  website: address.optional(),
  changeName: address.optional(),
  changeAgency: address.optional(),
  changePassword: address.optional(),
});

/** Names under /sign-in/ that are not a provider. */
const reserved = ['failed', 'signed-out', 'finish', 'provider'];

const common = {
  key: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and hyphens, e.g. ecpa')
    .refine((key) => !reserved.includes(key), 'is a reserved word'),
  label: text.optional(),
  columns: z.array(z.enum(columns)).min(1).optional(),
  assurance: z.enum(['official', 'verified', 'social']).optional(),
  attributes: attributes.optional(),
  help: help.optional(),
  timeoutSeconds: z.number().min(0.1).max(60).default(10),
  clockSkewSeconds: z.number().int().min(0).max(300).default(60),
  logout: z.enum(['always', 'ask', 'never']).default('ask'),
};

const keyPair = z.strictObject({ privateKeyFile: z.string().min(1), certificateFile: z.string().min(1) });

const saml = z.strictObject({
  ...common,
  protocol: z.literal('saml'),
  /** One of metadataUrl, metadataFile, or entryPoint with idpEntityId and certificateFiles. */
  metadataUrl: address.optional(),
  metadataFile: z.string().min(1).optional(),
  refreshSeconds: z.number().int().min(60).max(604_800).default(3600),
  idpEntityId: z.string().min(1).max(1024).optional(),
  entryPoint: address.optional(),
  logoutUrl: address.optional(),
  certificateFiles: z.array(z.string().min(1)).optional(),
  entityId: z.string().min(1).max(1024).optional(),
  audience: z.string().min(1).max(1024).optional(),
  keys: z.array(keyPair).default([]),
  decryptionKeys: z.array(keyPair).optional(),
  nameIdFormat: z.string().min(1).optional(),
  authnContext: z.array(z.string().min(1)).default([]),
  forceAuthn: z.boolean().default(false),
  allowIdpInitiated: z.boolean().default(false),
  wantResponseSigned: z.boolean().default(false),
  wantEncrypted: z.boolean().default(false),
  allowSha1: z.boolean().default(false),
  allowCbc: z.boolean().default(false),
});

const oidc = z.strictObject({
  ...common,
  protocol: z.literal('oidc'),
  issuer: address,
  clientId: z.string().min(1),
  clientSecretEnv: environmentName.optional(),
  clientAuthentication: z.enum(['post', 'basic']).default('post'),
  scope: z
    .string()
    .regex(/\bopenid\b/, 'must hold openid')
    .default('openid profile email'),
  pkce: z.boolean().default(true),
  responseMode: z.enum(['query', 'form_post']).default('query'),
  userinfo: z.boolean().default(true),
  parameters: z.record(z.string(), z.string()).default({}),
});

const google = z.strictObject({
  ...common,
  protocol: z.literal('google'),
  clientId: z.string().min(1),
  clientSecretEnv: environmentName,
  issuer: address.optional(),
});

const facebook = z.strictObject({
  ...common,
  protocol: z.literal('facebook'),
  clientId: z.string().min(1),
  clientSecretEnv: environmentName,
  authorizationEndpoint: address.optional(),
  tokenEndpoint: address.optional(),
  profileEndpoint: address.optional(),
});

const apple = z.strictObject({
  ...common,
  protocol: z.literal('apple'),
  clientId: z.string().min(1),
  teamId: z.string().min(1),
  keyId: z.string().min(1),
  privateKeyFile: z.string().min(1),
  issuer: address.optional(),
});

const ticket = z.strictObject({
  ...common,
  protocol: z.literal('ticket'),
  loginUrl: address,
  exchangeUrl: address,
  clientId: z.string().min(1),
  secretEnv: environmentName,
});

/** One entry of the file that IDENTITY_PROVIDERS names; see docs/identity.md. */
export const providerEntry = z.discriminatedUnion('protocol', [saml, oidc, google, facebook, apple, ticket]);
export type ProviderSettings = z.output<typeof providerEntry>;

/** The file; its entries are read one by one, so that every fault of every entry is told at once. */
export const providerFile = z.strictObject({
  policy: z
    .strictObject({ sameIdNumber: z.enum(['link', 'refuse']).default('link') })
    .default({ sameIdNumber: 'link' }),
  providers: z.array(z.unknown()),
});
