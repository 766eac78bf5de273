import { z } from 'zod';
import { DomainError, type Problem } from './base/errors.ts';
import { parseMailUrl } from './identity/mail/smtp.ts';
import { noProviders, readProviders } from './identity/providers/configuration.ts';
import type { ProviderSet } from './identity/providers/types.ts';

/** Everything the program can be told from outside, typed; see .env.example and the README's table. */
export interface Config {
  mode: 'demo' | 'production';
  host: string;
  port: number;
  /** Where the SQLite file, the blobs and the generated demo secrets live. */
  dataDir: string;
  /** The portal's origin without a trailing slash; also the base of the platform's activity IRIs. */
  publicOrigin: string;
  /** The content's origin; may hold `{package}` for one origin per package. */
  contentOrigin: string;
  /** Set: MongoDB is the engine. Null: SQLite under dataDir. */
  mongodbUri: string | null;
  /** How long a start waits for MongoDB to answer. */
  mongodbWaitSeconds: number;
  /** SQLite's promise on commit: `full` survives a power cut, `normal` may lose the last moments of one. */
  sqliteSync: 'full' | 'normal';
  /** A number of proxies in front whose X-Forwarded-* headers are believed. */
  trustProxy: number;
  /** A browser session ends after so long without a request. */
  sessionIdleSeconds: number;
  /** A browser session ends so long after the sign-in, whatever happens in it. */
  sessionMaxSeconds: number;
  /** The port of demo mode's identity providers; null: there are none. */
  demoIdpPort: number | null;
  /** Whether accounts with a staff role must have a second factor. */
  staffTotp: 'required' | 'optional';
  /** Personal data rights: days of grace before an erasure, what it does, and how long a download is kept. */
  privacy: {
    graceDays: number;
    erasedStatements: 'erase' | 'void';
    erasedCertificates: 'keep' | 'revoke';
    exportDays: number;
  };
  /** Whether the browser that prints certificates starts with the platform, or with the first certificate. */
  certificateBrowser: 'ready' | 'on-demand';
  /** The sender of the platform's mails. */
  mailFrom: string;
  logLevel: string;
  limits: {
    /** Largest package upload in bytes, and what it may unpack to. */
    packageBytes: number;
    packageUnpackedBytes: number;
    packageFiles: number;
    /** Unpacked over packed bytes of one file: beyond it is no course but a bomb. */
    packageRatio: number;
    /** Largest xAPI request body in bytes, Statements in one batch, depth of nesting. */
    xapiBodyBytes: number;
    xapiBatch: number;
    xapiDepth: number;
  };
  secrets: Secrets;
}

/** Kept apart so that a Config can be logged without them. */
export interface Secrets {
  /** Signs session cookies and launch tokens. */
  session: string;
  /** 32 bytes, encrypts ID numbers (AES-256-GCM); its derived key hashes them for look-up. */
  idNumberKey: Buffer;
  /** The mail server, with its password: smtp://user:password@host:port?tls; null: no mail is sent. */
  mailUrl: string | null;
  /** The identity providers, with what their entries point to: client secrets and keys. */
  providers: ProviderSet;
  /** One all-scope LRS credential, created or updated at start; null: none. */
  lrs: { key: string; secret: string } | null;
  /** The first administrator, created at the start if there is none of this name; null: none. */
  admin: { loginName: string; password: string } | null;
}

const origin = z
  .string()
  .regex(
    /^https?:\/\/[^/?#\s]+$/,
    'must be an origin such as https://learn.example.org, without a path or a trailing slash',
  );

const bytes = (fallback: number) => z.coerce.number().int().positive().default(fallback);
const MiB = 1024 * 1024;

const schema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  HOST: z.string().min(1).optional(),
  PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  DATA_DIR: z.string().min(1).default('./data'),
  PUBLIC_ORIGIN: origin.optional(),
  CONTENT_ORIGIN: origin.optional(),
  MONGODB_URI: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\//, 'must begin with mongodb:// or mongodb+srv://')
    .optional(),
  SESSION_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  ID_NUMBER_KEY: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hexadecimal digits (openssl rand -hex 32)')
    .optional(),
  LRS_KEY: z.string().min(1).optional(),
  LRS_SECRET: z.string().min(8, 'must have at least 8 characters').optional(),
  IDENTITY_PROVIDERS: z.string().min(1).optional(),
  SESSION_IDLE_SECONDS: z.coerce.number().int().min(60).max(86_400).default(1800),
  SESSION_MAX_SECONDS: z.coerce.number().int().min(300).max(604_800).default(43_200),
  DEMO_IDP: z.enum(['on', 'off']).optional(),
  DEMO_IDP_PORT: z.coerce.number().int().min(0).max(65535).optional(),
  STAFF_TOTP: z.enum(['required', 'optional']).optional(),
  ERASURE_GRACE_DAYS: z.coerce.number().int().min(0).max(365).default(14),
  ERASED_STATEMENTS: z.enum(['erase', 'void']).default('erase'),
  ERASED_CERTIFICATES: z.enum(['keep', 'revoke']).default('keep'),
  CERTIFICATE_BROWSER: z.enum(['ready', 'on-demand']).default('ready'),
  DATA_EXPORT_DAYS: z.coerce.number().int().min(1).max(90).default(7),
  MAIL_URL: z.string().optional(),
  MAIL_FROM: z.string().trim().min(3).max(200).default('Zhixing <no-reply@localhost>'),
  ADMIN_LOGIN: z.string().trim().min(1).max(100).optional(),
  ADMIN_PASSWORD: z.string().min(12, 'must have at least 12 characters').optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  MONGODB_WAIT_SECONDS: z.coerce.number().int().min(0).max(3600).default(60),
  SQLITE_SYNC: z.enum(['full', 'normal']).default('full'),
  TRUST_PROXY: z.coerce.number().int().min(0).max(10).default(0),
  MAX_PACKAGE_BYTES: bytes(2048 * MiB),
  MAX_PACKAGE_UNPACKED_BYTES: bytes(8192 * MiB),
  MAX_PACKAGE_FILES: bytes(20_000),
  MAX_PACKAGE_RATIO: bytes(200),
  MAX_XAPI_BODY_BYTES: bytes(32 * MiB),
  MAX_XAPI_BATCH: bytes(1000),
  MAX_XAPI_DEPTH: bytes(64),
});

/** What demo mode makes for itself when the environment is silent. */
export interface DemoSecrets {
  session: string;
  idNumberKey: Buffer;
}

/**
 * Reads the environment. Every fault is found before it throws one DomainError `invalid` that lists them all.
 * @param demoSecrets kept under the data folder by main.ts; asked for only in demo mode and only when needed
 */
export function readConfig(
  environment: Record<string, string | undefined>,
  demoSecrets: (dataDir: string) => DemoSecrets,
): Config {
  // An empty setting is an absent one: `PORT=` in a .env file means "not set".
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(given);
  const problems: Problem[] = parsed.success
    ? []
    : parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));

  const production = given['NODE_ENV'] === 'production';
  if (production) {
    const required = {
      PUBLIC_ORIGIN: 'is required in production: the address learners open, e.g. https://learn.example.org',
      CONTENT_ORIGIN:
        'is required in production: another origin than PUBLIC_ORIGIN, best https://{package}.content.example.org',
      SESSION_SECRET: 'is required in production: at least 32 random characters',
      ID_NUMBER_KEY: 'is required in production: 64 hexadecimal digits (openssl rand -hex 32)',
    };
    for (const [path, message] of Object.entries(required))
      if (given[path] === undefined) problems.push({ path, message });
  } else if (given['HOST'] !== undefined && !/^(127\.\d+\.\d+\.\d+|localhost|::1)$/.test(given['HOST'])) {
    problems.push({
      path: 'HOST',
      message: 'demo mode listens on loopback only (127.0.0.1 or ::1); set NODE_ENV=production to open it',
    });
  }
  if (given['DEMO_IDP'] === 'on' && (production || given['IDENTITY_PROVIDERS'] !== undefined))
    problems.push({
      path: 'DEMO_IDP',
      message: production
        ? 'is for demo mode only: its identity providers let anybody in'
        : 'goes without IDENTITY_PROVIDERS: either the demo identity providers or your own',
    });
  if (given['PUBLIC_ORIGIN'] !== undefined && given['PUBLIC_ORIGIN'] === given['CONTENT_ORIGIN'])
    problems.push({
      path: 'CONTENT_ORIGIN',
      message: 'must differ from PUBLIC_ORIGIN: content runs on an origin of its own',
    });
  if ((given['LRS_KEY'] === undefined) !== (given['LRS_SECRET'] === undefined))
    problems.push({
      path: given['LRS_KEY'] === undefined ? 'LRS_KEY' : 'LRS_SECRET',
      message: 'LRS_KEY and LRS_SECRET go together',
    });

  if (given['MAIL_URL'] !== undefined) {
    try {
      parseMailUrl(given['MAIL_URL']);
    } catch (error) {
      problems.push({ path: 'MAIL_URL', message: (error as Error).message });
    }
    if (production && given['MAIL_FROM'] === undefined)
      problems.push({
        path: 'MAIL_FROM',
        message: 'goes with MAIL_URL: the sender, e.g. Zhixing <no-reply@example.org>',
      });
  }

  if ((given['ADMIN_LOGIN'] === undefined) !== (given['ADMIN_PASSWORD'] === undefined))
    problems.push({
      path: given['ADMIN_LOGIN'] === undefined ? 'ADMIN_LOGIN' : 'ADMIN_PASSWORD',
      message: 'ADMIN_LOGIN and ADMIN_PASSWORD go together',
    });

  const { problems: providerFaults, ...providers } =
    given['IDENTITY_PROVIDERS'] === undefined
      ? { ...noProviders, problems: [] }
      : readProviders(given['IDENTITY_PROVIDERS'], given);
  problems.push(...providerFaults);

  if (!parsed.success || problems.length > 0) {
    throw new DomainError(
      'invalid',
      `The configuration has ${problems.length} fault${problems.length === 1 ? '' : 's'}:\n${problems.map((p) => `  ${p.path} ${p.message}`).join('\n')}`,
      { problems },
    );
  }

  const env = parsed.data;
  const secrets =
    env.SESSION_SECRET !== undefined && env.ID_NUMBER_KEY !== undefined
      ? { session: env.SESSION_SECRET, idNumberKey: Buffer.from(env.ID_NUMBER_KEY, 'hex') }
      : demoSecrets(env.DATA_DIR);
  return {
    mode: production ? 'production' : 'demo',
    host: env.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    port: env.PORT,
    dataDir: env.DATA_DIR,
    publicOrigin: env.PUBLIC_ORIGIN ?? `http://localhost:${env.PORT}`,
    contentOrigin: env.CONTENT_ORIGIN ?? `http://127.0.0.1:${env.PORT}`,
    mongodbUri: env.MONGODB_URI ?? null,
    mongodbWaitSeconds: env.MONGODB_WAIT_SECONDS,
    sqliteSync: env.SQLITE_SYNC,
    trustProxy: env.TRUST_PROXY,
    sessionIdleSeconds: env.SESSION_IDLE_SECONDS,
    sessionMaxSeconds: env.SESSION_MAX_SECONDS,
    demoIdpPort:
      production || env.DEMO_IDP === 'off' || env.IDENTITY_PROVIDERS !== undefined
        ? null
        : (env.DEMO_IDP_PORT ?? (env.PORT === 0 || env.PORT === 65535 ? 0 : env.PORT + 1)),
    staffTotp: env.STAFF_TOTP ?? (production ? 'required' : 'optional'),
    privacy: {
      graceDays: env.ERASURE_GRACE_DAYS,
      erasedStatements: env.ERASED_STATEMENTS,
      erasedCertificates: env.ERASED_CERTIFICATES,
      exportDays: env.DATA_EXPORT_DAYS,
    },
    certificateBrowser: env.CERTIFICATE_BROWSER,
    mailFrom: env.MAIL_FROM,
    logLevel: env.LOG_LEVEL,
    limits: {
      packageBytes: env.MAX_PACKAGE_BYTES,
      packageUnpackedBytes: env.MAX_PACKAGE_UNPACKED_BYTES,
      packageFiles: env.MAX_PACKAGE_FILES,
      packageRatio: env.MAX_PACKAGE_RATIO,
      xapiBodyBytes: env.MAX_XAPI_BODY_BYTES,
      xapiBatch: env.MAX_XAPI_BATCH,
      xapiDepth: env.MAX_XAPI_DEPTH,
    },
    secrets: {
      session: env.SESSION_SECRET ?? secrets.session,
      idNumberKey:
        env.ID_NUMBER_KEY === undefined ? secrets.idNumberKey : Buffer.from(env.ID_NUMBER_KEY, 'hex'),
      mailUrl: env.MAIL_URL ?? null,
      providers,
      admin:
        env.ADMIN_LOGIN !== undefined && env.ADMIN_PASSWORD !== undefined
          ? { loginName: env.ADMIN_LOGIN, password: env.ADMIN_PASSWORD }
          : null,
      lrs:
        env.LRS_KEY !== undefined && env.LRS_SECRET !== undefined
          ? { key: env.LRS_KEY, secret: env.LRS_SECRET }
          : null,
    },
  };
}
