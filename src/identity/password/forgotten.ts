import type { Clock } from '../../base/clock.ts';
import { isDomainError } from '../../base/errors.ts';
import type { Language } from '../../base/languages.ts';
import type { Logger } from '../../base/logger.ts';
import { translate } from '../../views/messages.ts';
import type { PasswordLinks } from '../administration/password-links.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { OnceStore } from '../providers/store.ts';
import type { IdentityStore } from '../store.ts';
import type { RecordAudit } from '../types.ts';

/** A mailed link holds so long; between two mails to one account lie so many minutes. */
export const mailedLinkHours = 1;
const pauseMinutes = 5;

export interface ForgottenPasswords {
  /**
   * Mails the account a link that sets a new password: a local account with a confirmed contact e-mail only. Whether there
   * is one is said to nobody, not even by the time the answer takes: it is done after this returns.
   */
  request(loginName: string, language: Language, address: string | null): void;
  /** Resolves when every mail that was asked for is on its way. */
  settled(): Promise<void>;
}

export function createForgottenPasswords(deps: {
  store: Pick<IdentityStore, 'byLoginName'>;
  once: Pick<OnceStore, 'read' | 'keep'>;
  links: Pick<PasswordLinks, 'issue'>;
  mailer: Mailer;
  audit: RecordAudit;
  clock: Clock;
  logger: Logger;
}): ForgottenPasswords {
  const { store, once, links, mailer, audit, clock, logger } = deps;
  const running = new Set<Promise<void>>();

  async function send(loginName: string, language: Language, address: string | null): Promise<void> {
    const record = await store.byLoginName(loginName);
    const open = record?.local && record.erasedAt === null && record.lockedAt === null ? record : null;
    const line = (reason: string | null): Promise<void> =>
      audit({
        action: 'password.forgotten',
        actorId: null,
        subjectId: record?.id ?? null,
        outcome: reason === null ? 'success' : 'failure',
        reason,
        address,
      });
    if (!open) return line('no-account');
    if (open.email === null || !open.emailConfirmed) return line('no-confirmed-email');
    const now = clock.now();
    if ((await once.read(`forgotten|${open.id}`, now)) !== null) return line('too-soon');
    const until = new Date(now.getTime() + pauseMinutes * 60_000);
    await once.keep(`forgotten|${open.id}`, '', until);
    const link = await links.issue(open.id, mailedLinkHours);
    try {
      await mailer.send({
        to: open.email,
        subject: translate(language, 'mail.forgotten.subject'),
        text: translate(language, 'mail.forgotten.text', {
          name: open.nickname ?? open.name,
          link: `${link}&lang=${language}`,
          hours: mailedLinkHours,
        }),
      });
    } catch (error) {
      if (!isDomainError(error, 'unavailable')) throw error;
      const { code } = (error.cause ?? {}) as { code?: string };
      logger.warn({ reason: code ?? 'unknown' }, 'a mail could not be sent');
      return line('mail-away');
    }
    return line(null);
  }

  return {
    request(loginName, language, address) {
      const sending = send(loginName, language, address)
        .catch((error: unknown) =>
          logger.error({ err: error }, 'a forgotten password could not be dealt with'),
        )
        .finally(() => running.delete(sending));
      running.add(sending);
    },
    async settled() {
      await Promise.all(running);
    },
  };
}
