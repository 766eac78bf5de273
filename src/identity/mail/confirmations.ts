import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { DomainError, isDomainError } from '../../base/errors.ts';
import { newToken } from '../../base/ids.ts';
import type { Language } from '../../base/languages.ts';
import type { Logger } from '../../base/logger.ts';
import { translate } from '../../views/messages.ts';
import type { IdentityStore } from '../store.ts';
import type { RecordAudit } from '../types.ts';
import type { Mailer } from './mailer.ts';
import type { EmailConfirmationStore } from './store.ts';

/** How asking for a confirmation ended; keys under `welcome.mail`. */
const outcomes = ['sent', 'confirmed', 'limited', 'failed', 'off'] as const;
export type MailOutcome = (typeof outcomes)[number];

/** A link holds for a day; five mails a day at most, a minute between two. */
export const confirmationHours = 24;
const limits = { most: 5, windowSeconds: confirmationHours * 3600, pauseSeconds: 60 };

export interface EmailConfirmations {
  /**
   * Sends the person a link that confirms their contact e-mail; an earlier link is void then. `confirmed`: there is
   * nothing to confirm; `limited`: too many or too soon; `failed`: the mail server did not take it; `off`: there is none.
   */
  request(personId: string, language: Language): Promise<MailOutcome>;
  /**
   * Spends the token of a link. DomainError `unprocessable` (`mail-link`) when it was used, is too old, was replaced by
   * a newer one, or the person has another contact e-mail by now.
   */
  confirm(token: string, address: string | null): Promise<{ email: string }>;
  /** An outcome from the address of a page; null when it is none. */
  outcomeOf(value: unknown): MailOutcome | null;
  /** When the person is erased. */
  forget(personId: string): Promise<void>;
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

export function createEmailConfirmations(deps: {
  store: EmailConfirmationStore;
  identity: Pick<IdentityStore, 'byId' | 'confirmEmail'>;
  /** Null: this installation sends no mail. */
  mailer: Mailer | null;
  audit: RecordAudit;
  clock: Clock;
  logger: Logger;
  publicOrigin: string;
}): EmailConfirmations {
  const { store, identity, mailer, audit, clock, logger, publicOrigin } = deps;
  return {
    async request(personId, language) {
      const person = await identity.byId(personId);
      if (!person) throw new DomainError('not-found', 'There is no such person.');
      if (person.emailConfirmed || person.email === null) return 'confirmed';
      if (!mailer) return 'off';
      const secret = newToken();
      const now = clock.now();
      const confirmation = {
        personId,
        email: person.email,
        tokenHash: hashOf(secret),
        expiresAt: new Date(now.getTime() + confirmationHours * 3600_000),
      };
      if (await store.issue(confirmation, now, limits)) return 'limited';
      const link = `${publicOrigin}/confirm-email?token=${encodeURIComponent(`${personId}.${secret}`)}&lang=${language}`;
      try {
        await mailer.send({
          to: person.email,
          subject: translate(language, 'mail.confirm.subject'),
          text: translate(language, 'mail.confirm.text', {
            name: person.nickname ?? person.name,
            link,
            hours: confirmationHours,
          }),
        });
        return 'sent';
      } catch (error) {
        if (!isDomainError(error, 'unavailable')) throw error;
        // The cause may name the recipient; its code says enough.
        const { code } = (error.cause ?? {}) as { code?: string };
        logger.warn({ reason: code ?? 'unknown' }, 'a mail could not be sent');
        return 'failed';
      }
    },
    async confirm(token, address) {
      const refused = new DomainError('unprocessable', 'This link is used, replaced, or older than a day.', {
        code: 'mail-link',
      });
      const [personId, secret] = token.split('.');
      if (!personId || !secret) throw refused;
      const spent = await store.spend(personId, hashOf(secret), clock.now());
      if (!spent || !(await identity.confirmEmail(personId, spent.email))) throw refused;
      await audit({
        action: 'email.confirm',
        actorId: personId,
        subjectId: personId,
        outcome: 'success',
        reason: null,
        address,
      });
      return { email: spent.email };
    },
    outcomeOf: (value) => outcomes.find((each) => each === value) ?? null,
    forget: (personId) => store.forget(personId),
  };
}
