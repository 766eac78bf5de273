import type { Clock } from '../../base/clock.ts';
import { DomainError, type Problem } from '../../base/errors.ts';
import { newSortableId } from '../../base/ids.ts';
import { idNumberKind } from '../id-numbers.ts';
import { profileFields } from '../profile/fields.ts';
import type { RecordAudit } from '../types.ts';
import type { Case, CaseStore } from './store.ts';

/** What a correction may be about: fields of the profile, and what the platform itself has recorded. */
export const correctable = [
  ...profileFields.filter((field) => field !== 'id' && field !== 'accounts'),
  'idNumber',
  'birthday',
  'record',
  'certificate',
  'other',
] as const;
export type Correctable = (typeof correctable)[number];

interface CorrectionBody {
  about: Correctable;
  /** What is wrong, and what it should be. */
  text: string;
  state: 'open' | 'corrected' | 'refused';
  answer: string | null;
  answeredBy: string | null;
  answeredAt: string | null;
}

export interface Correction extends Omit<CorrectionBody, 'answeredAt'> {
  id: string;
  personId: string;
  askedAt: Date;
  answeredAt: Date | null;
}

export interface Corrections {
  /** DomainError `invalid` with a problem per field; `correction-many` when too many are open. */
  ask(personId: string, given: { about: string; text: string }, address: string | null): Promise<Correction>;
  of(personId: string): Promise<Correction[]>;
  /** For those who answer: oldest first. */
  open(): Promise<Correction[]>;
  /** Once. DomainError `not-found`, `correction-answered`, `invalid`. */
  answer(
    id: string,
    given: { state: string; answer: string },
    by: { id: string; address: string | null },
  ): Promise<Correction>;
}

const mostOpen = 10;

/** An ID number has no place in a text that is read by many: it is not kept in plain text anywhere. */
const namesIdNumber = (text: string): boolean =>
  (text.toUpperCase().match(/[A-Z][A-D1289]\d{8}/g) ?? []).some((one) => idNumberKind(one) !== null);

export function createCorrections(deps: { cases: CaseStore; audit: RecordAudit; clock: Clock }): Corrections {
  const { cases, audit, clock } = deps;
  const toCorrection = (one: Case): Correction => {
    const body = JSON.parse(one.body) as CorrectionBody;
    return {
      ...body,
      id: one.id,
      personId: one.personId,
      askedAt: one.createdAt,
      answeredAt: body.answeredAt === null ? null : new Date(body.answeredAt),
    };
  };
  const read = (path: string, typed: string): { text: string; problems: Problem[] } => {
    const text = typed.normalize('NFC').replaceAll('\r\n', '\n').trim();
    const problems: Problem[] = [];
    if (text === '') problems.push({ path, message: 'missing' });
    else if ([...text].length > 2000) problems.push({ path, message: 'long' });
    else if (namesIdNumber(text)) problems.push({ path, message: 'id-number' });
    return { text, problems };
  };
  const refuse = (problems: Problem[]): void => {
    if (problems.length > 0)
      throw new DomainError('invalid', 'Some fields are missing or not valid.', {
        code: 'invalid-fields',
        problems,
      });
  };

  return {
    async ask(personId, given, address) {
      const { text, problems } = read('text', given.text);
      const about = correctable.find((one) => one === given.about);
      if (!about) problems.push({ path: 'about', message: 'choice' });
      refuse(problems);
      const earlier = (await cases.ofPerson(personId, 'correction')).filter(
        ({ openKey }) => openKey !== null,
      );
      if (earlier.length >= mostOpen)
        throw new DomainError('unprocessable', 'Please wait for the answers to what you have asked.', {
          code: 'correction-many',
        });
      const id = newSortableId();
      const body: CorrectionBody = {
        about: about ?? 'other',
        text,
        state: 'open',
        answer: null,
        answeredBy: null,
        answeredAt: null,
      };
      const kept = await cases.add({
        id,
        kind: 'correction',
        personId,
        openKey: `correction:${id}`,
        dueAt: null,
        createdAt: clock.now(),
        body: JSON.stringify(body),
        revision: 0,
      });
      await audit({
        action: 'data.correct',
        actorId: personId,
        subjectId: personId,
        outcome: 'success',
        reason: null,
        address,
        detail: { correction: id, about: body.about },
      });
      return toCorrection(kept);
    },
    async of(personId) {
      return (await cases.ofPerson(personId, 'correction')).map(toCorrection);
    },
    async open() {
      return (await cases.open('correction', 200)).map(toCorrection);
    },
    async answer(id, given, by) {
      const { text, problems } = read('answer', given.answer);
      const { state } = given;
      if (state !== 'corrected' && state !== 'refused') problems.push({ path: 'state', message: 'choice' });
      refuse(problems);
      const one = await cases.byId(id);
      if (one?.kind !== 'correction')
        throw new DomainError('not-found', 'There is no such request.', { code: 'correction-none' });
      const body = JSON.parse(one.body) as CorrectionBody;
      const answered: CorrectionBody = {
        ...body,
        state: state === 'corrected' ? 'corrected' : 'refused',
        answer: text,
        answeredBy: by.id,
        answeredAt: clock.now().toISOString(),
      };
      const changed =
        body.state === 'open' &&
        (await cases.change({ ...one, body: JSON.stringify(answered), openKey: null }));
      if (!changed)
        throw new DomainError('conflict', 'This request has been answered already.', {
          code: 'correction-answered',
        });
      await audit({
        action: 'data.correct.answer',
        actorId: by.id,
        subjectId: one.personId,
        outcome: 'success',
        reason: answered.state,
        address: by.address,
        detail: { correction: id, about: body.about },
      });
      return toCorrection({ ...one, body: JSON.stringify(answered) });
    },
  };
}
