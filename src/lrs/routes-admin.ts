import { once } from 'node:events';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import type { Language } from '../base/languages.ts';
import { allowed, requireAction } from '../identity/routes-access.ts';
import type { RecordAudit } from '../identity/types.ts';
import { isIri, isUuidText } from '../xapi/scalars.ts';
import type { Agent, Statement } from '../xapi/types.ts';
import type { Erasures } from './admin/erasure.ts';
import type { Forwarding } from './admin/forwarding.ts';
import type { RejectionLog } from './admin/rejections.ts';
import { sentenceOf } from './admin/sentence.ts';
import type { Credentials } from './credentials.ts';
import { findAny, queriesOf } from './joined.ts';
import { createExportRoutes } from './routes-export.ts';
import { readAgent } from './statement-params.ts';
import { type PersonaStore, type Scope, scopes, type StatementRow, type StatementStore } from './store.ts';
import type { StatementFilter } from './types.ts';

export interface LrsAdminDeps {
  statements: StatementStore;
  personas: Pick<PersonaStore, 'joined'>;
  credentials: Credentials;
  rejections: RejectionLog;
  forwarding: Forwarding;
  erasures: Erasures;
  clock: Clock;
  audit: RecordAudit;
  /** `actor.account.homePage` of the platform's own learners: a bare id in the search means one of them. */
  homePage: string;
}

const pageSize = 50;
/** Looked through for a word in one go at most; the page offers to go on. */
const mostSearched = 2000;

type Fields = Record<string, string | undefined>;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
const fieldsOf = (source: unknown): Fields => {
  const fields: Fields = {};
  for (const [name, value] of Object.entries((source ?? {}) as Record<string, unknown>))
    fields[name] = text(value);
  return fields;
};
const languageOf = (res: Response): Language => (res.locals['language'] as Language | undefined) ?? 'zh-TW';
const wrong = (path: string, message: string): DomainError =>
  new DomainError('invalid', message, { code: 'invalid-fields', problems: [{ path, message }] });

/** The administration of the LRS: pages under /admin/lrs, the same as JSON and streams under /api/lrs. Mounted at the root. */
export function createLrsAdminRoutes(deps: LrsAdminDeps): Router {
  const { statements, personas, credentials, rejections, forwarding, erasures, clock } = deps;
  const routes = Router();
  routes.use(['/admin/lrs', '/api/lrs'], requireAction('lrs.browse'));

  /** Statements are personal data: who looked at whose is written down. The live view's polls belong to the page's opening. */
  const noted =
    (action: 'statements.read' | 'statements.export'): RequestHandler =>
    async (req, _res, next) => {
      const learner = text(req.query['learner']);
      if (req.query['after'] === undefined)
        await deps.audit({
          action,
          actorId: req.user?.id ?? null,
          subjectId: learner !== undefined && isUuidText(learner) ? learner : null,
          outcome: 'success',
          reason: null,
          address: req.ip ?? null,
          detail: { path: req.path },
        });
      next();
    };
  routes.get(['/admin/lrs', '/admin/lrs/statements/:id', '/api/lrs/statements'], noted('statements.read'));
  routes.get('/api/lrs/statements/:id', noted('statements.read'));
  routes.get('/api/lrs/export.:format', noted('statements.export'));

  const agentOf = (learner: string): Agent => {
    if (learner.startsWith('{')) return readAgent(learner, 'learner', true);
    if (learner.startsWith('mailto:')) return { mbox: learner };
    if (learner.includes('@')) return { mbox: `mailto:${learner}` };
    return { account: { homePage: deps.homePage, name: learner } };
  };

  const filterOf = (fields: Fields): StatementFilter => {
    const { learner, activity, verb, registration, since, until } = fields;
    for (const [name, value] of Object.entries({ activity, verb }))
      if (value !== undefined && !isIri(value)) throw wrong(name, `${name} must be an IRI.`);
    if (registration !== undefined && !isUuidText(registration))
      throw wrong('registration', 'registration must be a UUID.');
    return {
      ...(learner === undefined ? {} : { agent: agentOf(learner), relatedAgents: true }),
      ...(activity === undefined ? {} : { activity, relatedActivities: true }),
      ...(verb === undefined ? {} : { verb }),
      ...(registration === undefined ? {} : { registration }),
      ...(since === undefined ? {} : { since: day(since) }),
      ...(until === undefined ? {} : { until: day(until) }),
    };
  };

  const shown = (row: StatementRow, language: Language) => {
    const statement = JSON.parse(row.body) as Statement;
    const object = statement.object as { objectType?: string; id?: string };
    return {
      seq: row.seq,
      id: row.id,
      stored: new Date(row.stored),
      voided: row.voided,
      authorityId: row.authorityId,
      sentence: sentenceOf(statement, language),
      refersTo: object.objectType === 'StatementRef' ? (object.id ?? null) : null,
    };
  };

  /** One page, newest first, voided ones marked; with a word, only those whose sentence has it. */
  const browse = async (fields: Fields, language: Language) => {
    const word = fields['text']?.toLowerCase();
    let after = Number(fields['after']) || null;
    const queries = await queriesOf(personas, filterOf(fields), pageSize);
    const found: ReturnType<typeof shown>[] = [];
    for (let searched = 0; ;) {
      const page = { after, withVoided: true };
      const { rows, more } = await findAny(
        statements,
        queries.map((query) => ({ ...query, ...page })),
      );
      for (const row of rows) {
        after = row.seq;
        const line = shown(row, language);
        if (word === undefined || line.sentence.toLowerCase().includes(word)) found.push(line);
        if (found.length === pageSize) break;
      }
      searched += rows.length;
      if (!more || found.length === pageSize || searched >= mostSearched)
        return { rows: found, next: more || found.length === pageSize ? after : null };
    }
  };

  const one = async (id: string, language: Language) => {
    const row = isUuidText(id) ? await statements.byId(id.toLowerCase()) : null;
    if (!row) throw new DomainError('not-found', 'There is no such Statement.', { code: 'not-found' });
    return { ...shown(row, language), body: row.body };
  };

  // Statements
  routes.get('/admin/lrs', async (req, res) => {
    const fields = fieldsOf(req.query);
    const { rows, next } = await browse(fields, languageOf(res));
    const labels = new Map((await credentials.list()).map(({ id, label }) => [id, label]));
    const asked = new URLSearchParams(
      Object.entries(fields).filter(([name, value]) => value !== undefined && name !== 'after') as [
        string,
        string,
      ][],
    );
    const more = new URLSearchParams(asked);
    if (next !== null) more.set('after', String(next));
    res.render('pages/lrs-statements', {
      rows: rows.map((row) => ({ ...row, authority: labels.get(row.authorityId) ?? row.authorityId })),
      fields,
      query: asked.toString(),
      more: next === null ? null : more.toString(),
    });
  });
  routes.get('/admin/lrs/statements/:id', async (req, res) => {
    const found = await one(String(req.params['id']), languageOf(res));
    res.render('pages/lrs-statement', { ...found, json: pretty(found.body) });
  });
  routes.get('/api/lrs/statements', async (req, res) => {
    res.json(await browse(fieldsOf(req.query), languageOf(res)));
  });
  routes.get('/api/lrs/statements/:id', async (req, res) => {
    res.type('json').send((await one(String(req.params['id']), languageOf(res))).body);
  });
  routes.use(
    createExportRoutes({
      statements,
      personas,
      clock,
      search(query) {
        const fields = fieldsOf(query);
        return { filter: filterOf(fields), word: fields['text'] };
      },
    }),
  );
  routes.get('/api/lrs/live', (req, res) => live(req, res, statements, shown));

  // Credentials
  const drafted = (fields: Fields) => ({
    label: fields['label'] ?? '',
    owner: fields['owner'] ?? null,
    actorHomePage: fields['actorHomePage'] ?? null,
    activityPrefix: fields['activityPrefix'] ?? null,
    origins: (fields['origins'] ?? '').split(/[\s,]+/).filter(Boolean),
    ratePerMinute:
      fields['ratePerMinute'] === undefined ? null : Math.max(1, Number(fields['ratePerMinute']) || 1),
    expiresAt: fields['expiresAt'] === undefined ? null : new Date(day(fields['expiresAt'])),
  });
  const scopesOf = (body: unknown): Scope[] => {
    const given = [(body as { scopes?: unknown } | undefined)?.scopes ?? []].flat();
    const known = scopes.filter((scope) => given.includes(scope));
    if (known.length === 0) throw wrong('scopes', 'Choose one scope at least.');
    return known;
  };
  const credentialPage = async (res: Response, fresh: object | null = null): Promise<void> => {
    const list = (await credentials.list()).map(({ secrets, ...rest }) => ({
      ...rest,
      scopeList: rest.scopes.join(', '),
      rotating: secrets.length > 1,
    }));
    res.set('Cache-Control', 'no-store').render('pages/lrs-credentials', { list, scopes, fresh });
  };
  routes.get('/admin/lrs/credentials', requireAction('lrs.manage'), (_req, res) => credentialPage(res));
  routes.post('/admin/lrs/credentials', requireAction('lrs.manage'), async (req, res) => {
    const draft = { ...drafted(fieldsOf(req.body)), scopes: scopesOf(req.body) };
    if (draft.label === '') throw wrong('label', 'Give it a label.');
    const { credential, secret } = await credentials.create(draft);
    await credentialPage(res, { key: credential.key, secret, label: credential.label });
  });
  routes.post('/admin/lrs/credentials/:id/rotate', requireAction('lrs.manage'), async (req, res) => {
    const id = String(req.params['id']);
    const secret = await credentials.rotate(id, 7 * 24 * 3600);
    const credential = (await credentials.list()).find((candidate) => candidate.id === id);
    await credentialPage(res, { key: credential?.key, secret, label: credential?.label });
  });
  routes.post('/admin/lrs/credentials/:id/switch', requireAction('lrs.manage'), async (req, res) => {
    const on = (req.body as { on?: unknown } | undefined)?.on === 'yes';
    await credentials.update(String(req.params['id']), { disabled: !on });
    res.redirect(303, '/admin/lrs/credentials');
  });

  // Rejected requests
  routes.get('/admin/lrs/rejections', async (req, res) => {
    const credentialId = text(req.query['credential']) ?? null;
    const labels = new Map((await credentials.list()).map(({ id, label }) => [id, label]));
    const list = (await rejections.list(credentialId, 200)).map((entry) => ({
      ...entry,
      label: labels.get(entry.credentialId) ?? entry.credentialId,
    }));
    res.render('pages/lrs-rejections', {
      list,
      credentials: [...labels].map(([id, label]) => ({ id, label })),
      credentialId,
    });
  });
  routes.get('/api/lrs/rejections', async (req, res) => {
    res.json(await rejections.list(text(req.query['credential']) ?? null, 1000));
  });

  // Forwarding
  routes.get('/admin/lrs/forwarding', requireAction('lrs.manage'), async (_req, res) => {
    const list = [];
    for (const rule of await forwarding.rules())
      list.push({
        ...rule,
        deadLetters: await forwarding.deadLetters(rule.id),
        what: rule.terms.map((term) => term.slice(2)).join(', '),
      });
    res.render('pages/lrs-forwarding', { list });
  });
  routes.post('/admin/lrs/forwarding', requireAction('lrs.manage'), async (req, res) => {
    const fields = fieldsOf(req.body);
    const { label = '', endpoint = '', key = '', secret = '' } = fields;
    await forwarding.add({
      label,
      endpoint,
      authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
      filter: filterOf(fields),
      from: fields['from'] === 'beginning' ? 'beginning' : 'now',
    });
    res.redirect(303, '/admin/lrs/forwarding');
  });
  routes.post('/admin/lrs/forwarding/:id/replay', requireAction('lrs.manage'), async (req, res) => {
    await forwarding.replay(String(req.params['id']));
    res.redirect(303, '/admin/lrs/forwarding');
  });
  routes.post('/admin/lrs/forwarding/:id/remove', requireAction('lrs.manage'), async (req, res) => {
    await forwarding.remove(String(req.params['id']));
    res.redirect(303, '/admin/lrs/forwarding');
  });

  // Erasure
  routes.get('/admin/lrs/erasures', requireAction('lrs.manage'), async (req, res) => {
    const person = allowed(req, 'lrs.manage');
    const learner = text(req.query['learner']);
    const dry = learner === undefined ? null : { learner, ...(await erasures.dryRun(agentOf(learner))) };
    const list = (await erasures.list()).map((erasure) => ({
      ...erasure,
      mayConfirm: erasure.finishedAt === null && erasure.requestedBy !== person.id,
    }));
    res.render('pages/lrs-erasures', { list, dry });
  });
  routes.post('/admin/lrs/erasures', requireAction('lrs.manage'), async (req, res) => {
    const { learner, reason } = fieldsOf(req.body);
    if (learner === undefined) throw wrong('learner', 'Say whose Statements are to be erased.');
    if (reason === undefined) throw wrong('reason', 'Give the reason.');
    await erasures.request(agentOf(learner), reason, allowed(req, 'lrs.manage').id);
    res.redirect(303, '/admin/lrs/erasures');
  });
  routes.post('/admin/lrs/erasures/:id/confirm', requireAction('lrs.manage'), async (req, res) => {
    await erasures.confirm(String(req.params['id']), allowed(req, 'lrs.manage').id);
    res.redirect(303, '/admin/lrs/erasures');
  });

  return routes;
}

/** A date of a form is that day in Taipei; anything longer is an instant. */
const day = (value: string): string => (/^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00+08:00` : value);

/** Indented for reading, with digits and order as stored: only white space is added. */
function pretty(body: string): string {
  let depth = 0;
  let result = '';
  const line = (): string => `\n${'  '.repeat(depth)}`;
  for (const [part] of body.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (part === '{' || part === '[') {
      depth++;
      result += part + line();
    } else if (part === '}' || part === ']') {
      depth--;
      result += line() + part;
    } else if (part === ',') result += part + line();
    else result += part === ':' ? ': ' : part;
  }
  return result;
}

/** Server-sent events: every Statement as it arrives. The feed's order; a slow reader is waited for. */
async function live(
  req: Request,
  res: Response,
  statements: StatementStore,
  shown: (row: StatementRow, language: Language) => object,
): Promise<void> {
  res.set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
  });
  res.flushHeaders();
  const closed = new AbortController();
  req.once('close', () => closed.abort());
  res.once('close', () => closed.abort());
  let position = Number(req.get('Last-Event-ID')) || (await statements.head());
  while (!closed.signal.aborted) {
    const rows = await statements.after(position, 20);
    for (const row of rows) {
      position = row.seq;
      const data = `id: ${row.seq}\ndata: ${JSON.stringify(shown(row, languageOf(res)))}\n\n`;
      if (!res.write(data)) await once(res, 'drain', { signal: closed.signal }).catch(() => undefined);
    }
    if (rows.length === 0) {
      if (!res.write(': still here\n\n') && closed.signal.aborted) return;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 1000);
        closed.signal.addEventListener('abort', () => (clearTimeout(timer), resolve(null)), { once: true });
      });
    }
  }
}
