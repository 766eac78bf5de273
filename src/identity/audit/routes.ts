import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Router } from 'express';
import type { Clock } from '../../base/clock.ts';
import { csvCell } from '../../base/csv.ts';
import type { Language } from '../../base/languages.ts';
import { hasMessage, translate } from '../../views/messages.ts';
import type { People } from '../people.ts';
import { allowed, requireAction } from '../routes-access.ts';
import { auditedActions } from './actions.ts';
import type { Audit } from './audit.ts';
import type { AuditEntry, AuditQuery, AuditStore } from './store.ts';

export interface AuditRoutesDeps {
  audit: Audit;
  store: AuditStore;
  people: People;
  clock: Clock;
}

const pageSize = 50;
/** The page checks the newest lines; `npm run audit-verify` checks all. */
const checkedOnPage = 5000;
const text = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 200) : null;
/** The first instant of a day in Taipei. */
const dayStart = (value: unknown): number | null =>
  typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value)
    ? Date.parse(`${value}T00:00:00+08:00`) || null
    : null;
const dayMs = 24 * 3600_000;

/** 稽核紀錄: who signed in, who saw and changed whose data. */
export function createAuditRoutes({ audit, store, people, clock }: AuditRoutesDeps): Router {
  const routes = Router();
  routes.use('/admin/audit', requireAction('audit.read'));

  const queryOf = async (fields: Record<string, unknown>): Promise<AuditQuery> => {
    const person = text(fields['person']);
    const found = person === null ? null : await people.byLoginName(person);
    const outcome = text(fields['outcome']);
    const to = dayStart(fields['to']);
    const before = Number(text(fields['before']) ?? Number.NaN);
    return {
      personId: found?.id ?? person,
      action: text(fields['action']),
      outcome: outcome === 'success' || outcome === 'failure' ? outcome : null,
      from: dayStart(fields['from']),
      to: to === null ? null : to + dayMs,
      before: Number.isSafeInteger(before) ? before : null,
      limit: pageSize,
    };
  };
  const nameOf = (language: Language, action: string): string => {
    const key = `audit.actions.${action.replaceAll('.', '_')}`;
    return hasMessage(key) ? translate(language, key) : action;
  };
  const detailOf = ({ detail, reason }: AuditEntry): string =>
    [
      ...(reason === null ? [] : [reason]),
      ...Object.entries(detail ?? {}).map((pair) => pair.join(': ')),
    ].join('; ');

  routes.get('/admin/audit', async (req, res) => {
    const reader = allowed(req, 'audit.read');
    const language = (res.locals['language'] as Language | undefined) ?? 'zh-TW';
    const query = await queryOf(req.query);
    const found = await store.find({ ...query, limit: pageSize + 1 });
    const entries = found.slice(0, pageSize);
    const known = await people.byIds([
      ...new Set(
        entries.flatMap(({ actorId, subjectId }) => [actorId, subjectId]).filter((id) => id !== null),
      ),
    ]);
    const person = (id: string | null) => (id === null ? null : { id, name: known.get(id)?.name ?? id });
    await audit.record({
      action: 'audit.read',
      actorId: reader.id,
      subjectId: query.personId,
      outcome: 'success',
      reason: null,
      address: req.ip ?? null,
      detail: { page: query.before === null ? 'newest' : `before ${query.before}` },
    });
    const older = new URLSearchParams(
      Object.entries(req.query).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
    );
    older.set('before', String(entries.at(-1)?.seq ?? 0));
    const download = new URLSearchParams(older);
    download.delete('before');
    res.render('pages/audit', {
      fields: req.query,
      actions: auditedActions.map((action) => ({ action, name: nameOf(language, action) })),
      entries: entries.map((entry) => ({
        seq: entry.seq,
        at: new Date(entry.at),
        action: nameOf(language, entry.action),
        actor: person(entry.actorId),
        subject: person(entry.subjectId),
        failed: entry.outcome === 'failure',
        address: entry.address,
        detail: detailOf(entry),
      })),
      olderUrl: found.length > pageSize ? `/admin/audit?${older}` : null,
      csvUrl: `/admin/audit.csv?${download}`,
    });
  });

  routes.post('/admin/audit/check', async (req, res) => {
    allowed(req, 'audit.read');
    const { seq } = await store.head();
    const from = Math.max(1, seq - checkedOnPage + 1);
    res.render('pages/audit-check', { check: await audit.verify({ from }), from });
  });

  routes.get('/admin/audit.csv', async (req, res) => {
    const reader = allowed(req, 'audit.read');
    const query = await queryOf(req.query);
    await audit.record({
      action: 'audit.export',
      actorId: reader.id,
      subjectId: query.personId,
      outcome: 'success',
      reason: null,
      address: req.ip ?? null,
    });
    async function* rows(): AsyncIterable<string> {
      yield '\ufeffseq,at,action,actor,subject,outcome,address,detail,hash\r\n';
      for (let before = query.before; ;) {
        const page = await store.find({ ...query, before, limit: 500 });
        for (const entry of page) {
          const cells = [
            String(entry.seq),
            new Date(entry.at).toISOString(),
            entry.action,
            entry.actorId ?? '',
            entry.subjectId ?? '',
            entry.outcome,
            entry.address ?? '',
            detailOf(entry),
            entry.hash,
          ];
          yield `${cells.map(csvCell).join(',')}\r\n`;
          before = entry.seq;
        }
        if (page.length === 0) return;
      }
    }
    res.type('text/csv; charset=utf-8');
    res.attachment(`audit-${clock.now().toISOString().slice(0, 10)}.csv`);
    res.set('Cache-Control', 'no-store');
    try {
      await pipeline(Readable.from(rows()), res);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    }
  });

  return routes;
}
