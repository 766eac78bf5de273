import { randomInt } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { DomainError, isDomainError } from '../base/errors.ts';
import type { Language } from '../base/languages.ts';
import type { People } from './people.ts';
import { cleanNickname, nicknameFault, suggestNicknames, type NicknameFault } from './nicknames.ts';
import type { IdentityStore, PersonRecord } from './store.ts';
import type { Terms } from './terms.ts';
import type { RecordAudit } from './types.ts';

/** What a person does before the platform opens, in this order (requirements.md §1, 10). */
export type WelcomeStep = 'terms' | 'nickname';

export interface NicknameAnswer {
  /** The wish as it would be kept. */
  nickname: string;
  fault: NicknameFault | 'taken' | null;
  /** Free ones nearby when it is taken (W19). */
  suggestions: string[];
}

export interface Welcome {
  /** The version of the terms in force. */
  version(): string;
  /** What this person has to do next; null: nothing. */
  nextStep(personId: string): Promise<WelcomeStep | null>;
  /**
   * Records the consent with version and time, and an audit line. DomainError `conflict` (`terms-changed`) when another
   * version has come into force since the text was shown.
   */
  agree(
    personId: string,
    consent: { version: string; language: Language; address: string | null },
  ): Promise<void>;
  /** The audit line of a refusal. */
  declined(personId: string, address: string | null): Promise<void>;
  check(personId: string, wish: string): Promise<NicknameAnswer>;
  /**
   * Keeps nickname and contact e-mail; of two who want one nickname one wins. The mail counts as confirmed only if it is
   * the confirmed one. The answer has a fault when nothing was kept.
   */
  choose(personId: string, wish: { nickname: string; email: string }): Promise<NicknameAnswer>;
  record(personId: string): Promise<PersonRecord>;
}

export function createWelcome(deps: {
  store: Pick<IdentityStore, 'byId' | 'byNickname'>;
  people: Pick<People, 'update'>;
  terms: Terms;
  audit: RecordAudit;
  clock: Clock;
  /** Local accounts are staff's: they need no nickname; in demo mode not even terms. */
  localAgrees: boolean;
}): Welcome {
  const { store, people, terms, audit, clock } = deps;

  const record = async (personId: string): Promise<PersonRecord> => {
    const found = await store.byId(personId);
    if (!found) throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
    return found;
  };
  const takenFor = (personId: string) => async (nickname: string) => {
    const holder = await store.byNickname(nickname);
    return holder !== null && holder.id !== personId;
  };
  const taken = async (personId: string, nickname: string): Promise<NicknameAnswer> => ({
    nickname,
    fault: 'taken',
    suggestions: await suggestNicknames(nickname, takenFor(personId), (below) => randomInt(below)),
  });
  const check = async (personId: string, wish: string): Promise<NicknameAnswer> => {
    const nickname = cleanNickname(wish);
    const fault = nicknameFault(nickname);
    if (fault) return { nickname, fault, suggestions: [] };
    if (await takenFor(personId)(nickname)) return taken(personId, nickname);
    return { nickname, fault: null, suggestions: [] };
  };
  const line = (action: string, personId: string, address: string | null, detail: Record<string, string>) =>
    audit({
      action,
      actorId: personId,
      subjectId: personId,
      outcome: 'success',
      reason: null,
      address,
      detail,
    });

  return {
    version: () => terms.currentVersion(),
    record,
    check,
    async nextStep(personId) {
      const person = await record(personId);
      const local = person.accountKind === 'local';
      if (person.consent?.version !== terms.currentVersion() && !(local && !deps.localAgrees)) return 'terms';
      return person.nickname === null && !local ? 'nickname' : null;
    },
    async agree(personId, { version, language, address }) {
      if (version !== terms.currentVersion())
        throw new DomainError('conflict', 'The terms have changed since. Please read the new version.', {
          code: 'terms-changed',
        });
      await people.update(personId, { consent: { version, at: clock.now().toISOString() } });
      await line('terms.agree', personId, address, { version, language });
    },
    async declined(personId, address) {
      await line('terms.decline', personId, address, { version: terms.currentVersion() });
    },
    async choose(personId, wish) {
      const answer = await check(personId, wish.nickname);
      if (answer.fault) return answer;
      const { email, emailConfirmed } = await record(personId);
      try {
        await people.update(personId, {
          nickname: answer.nickname,
          email: wish.email,
          emailConfirmed: emailConfirmed && email === wish.email,
        });
        return answer;
      } catch (error) {
        // Somebody was faster.
        if (isDomainError(error, 'conflict') && error.code === 'taken-nickname')
          return taken(personId, answer.nickname);
        throw error;
      }
    },
  };
}
