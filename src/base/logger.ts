import { pino, type Logger } from 'pino';

export type { Logger };

const secrets = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'secret',
  'token',
  'idNumber',
  'launch',
];

/** JSON lines on standard output. Secrets are cut out by name, one level down too. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    redact: { paths: secrets.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: '[redacted]' },
  });
}
