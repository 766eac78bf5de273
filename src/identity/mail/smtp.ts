import { createTransport } from 'nodemailer';
import { DomainError } from '../../base/errors.ts';
import type { Mailer } from './mailer.ts';

export interface SmtpServer {
  host: string;
  port: number;
  /** TLS from the first byte (`smtps://`). */
  secure: boolean;
  /** No mail without STARTTLS (`?tls`). Without it STARTTLS is used where the server offers it. */
  requireTLS: boolean;
  auth?: { user: string; pass: string };
}

/**
 * `smtp://user:password@host:port?tls` or `smtps://…`; user and password percent-encoded, ports 587 and 465 by default.
 * DomainError `invalid` when it is not one; the message does not repeat it.
 */
export function parseMailUrl(text: string): SmtpServer {
  const refused = new DomainError(
    'invalid',
    'must be smtp://user:password@host:port (with ?tls when STARTTLS is a must) or smtps://user:password@host:port',
  );
  if (!URL.canParse(text)) throw refused;
  const url = new URL(text);
  const secure = url.protocol === 'smtps:';
  if ((!secure && url.protocol !== 'smtp:') || url.hostname === '' || !/^\/?$/.test(url.pathname))
    throw refused;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: url.searchParams.has('tls'),
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
  };
}

/** Sends by SMTP. A server that does not answer within 20 s counts as away. */
export function createSmtpMailer({ url, from }: { url: string; from: string }): Mailer {
  const transport = createTransport({
    ...parseMailUrl(url),
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, subject, text }) {
      try {
        await transport.sendMail({
          // An object, not a text: an address is never read as a list of them.
          to: { name: '', address: to },
          from,
          subject,
          text,
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
      } catch (error) {
        throw new DomainError('unavailable', 'The mail could not be sent. Please try again later.', {
          code: 'mail-away',
          cause: error,
        });
      }
    },
    close: () => transport.close(),
  };
}
