import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { DomainError } from '../base/errors.ts';
import type { RateLimit } from '../http/rate-limit.ts';
import { parse } from '../http/validate.ts';
import { allowed, currentPerson } from '../identity/routes-access.ts';
import type { Person, RecordAudit } from '../identity/types.ts';
import { isoDay, minguoDay } from './dates.ts';
import type { Certificate, Certificates, PublicCertificate } from './types.ts';

export interface CertificateRoutesDeps {
  certificates: Certificates;
  audit: RecordAudit;
  rateLimit(limit: RateLimit): RequestHandler;
}

/** Several at once: enough for a year of learning, little enough for one request. */
const atOnce = 100;

const listOf = (max: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z.array(z.string().min(1).max(100)).min(1).max(max),
  );
const issueForm = z.object({
  registration: listOf(atOnce),
  format: z.enum(['pdf', 'zip']).default('pdf'),
});
const several = z.object({ number: listOf(atOnce) });

export function createCertificateRoutes({ certificates, audit, rateLimit }: CertificateRoutesDeps): Router {
  const routes = Router();
  const printing = rateLimit({
    name: 'certificates',
    limit: 120,
    windowSeconds: 60,
    key: (req) => currentPerson(req)?.id ?? req.ip ?? null,
  });

  /** Own, or by the policy's leave. Somebody else's looks like none: numbers are easy to guess. */
  async function readable(req: Request, number: string): Promise<Certificate> {
    const person = signedIn(req);
    const certificate = await certificates.byNumber(number);
    if (certificate?.personId === person.id) return certificate;
    allowed(req, 'certificate.read');
    if (certificate) {
      await audit({
        action: 'certificate.read',
        actorId: person.id,
        subjectId: certificate.personId,
        outcome: 'success',
        reason: null,
        address: req.ip ?? null,
        detail: { number },
      });
      return certificate;
    }
    throw new DomainError('not-found', `There is no certificate ${number}.`, {
      code: 'certificates-not-found',
    });
  }

  const allReadable = async (req: Request): Promise<Certificate[]> => {
    const found: Certificate[] = [];
    for (const number of new Set(parse(several, req.query).number)) found.push(await readable(req, number));
    return found;
  };

  routes.post('/certificates', printing, async (req, res) => {
    const person = signedIn(req);
    const { registration, format } = parse(issueForm, req.body);
    const issued: Certificate[] = [];
    for (const one of new Set(registration)) issued.push(await certificates.issue(one, person.id));
    const numbers = issued.map(({ number }) => number);
    const [only] = numbers;
    const address =
      numbers.length === 1 && format === 'pdf'
        ? `/certificates/${only}.pdf`
        : `/certificates.${format}?${new URLSearchParams(numbers.map((number) => ['number', number]))}`;
    if (req.accepts(['html', 'json']) === 'json')
      return res.status(201).location(address).json({ numbers, address });
    return res.redirect(303, address);
  });

  routes.get('/certificates/:number.pdf', printing, async (req, res) => {
    const certificate = await readable(req, String(req.params['number']));
    send(res, await certificates.pdf(certificate), 'application/pdf', `${certificate.number}.pdf`);
  });

  routes.get('/certificates.pdf', printing, async (req, res) => {
    const pdf = await certificates.pdfOfAll(await allReadable(req));
    send(res, pdf, 'application/pdf', 'certificates.pdf');
  });

  routes.get('/certificates.zip', printing, async (req, res) => {
    const zip = await certificates.zipOfAll(await allReadable(req));
    send(res, zip, 'application/zip', 'certificates.zip');
  });

  const checking = rateLimit({ name: 'verify', limit: 60, windowSeconds: 60 });

  routes.get('/verify', (req, res) => {
    const code = typeof req.query['code'] === 'string' ? req.query['code'].trim().slice(0, 100) : '';
    if (code !== '') return res.redirect(303, `/verify/${encodeURIComponent(code)}`);
    return answer(res.status(200), { code: '' });
  });

  routes.get('/verify/:code', checking, async (req, res) => {
    const code = String(req.params['code']).slice(0, 100);
    const certificate = await certificates.verify(code);
    res.status(certificate ? 200 : 404);
    if (req.accepts(['html', 'json']) === 'json')
      return res
        .set('Cache-Control', 'no-store')
        .json(certificate ? { state: stateOf(certificate), certificate } : { state: 'unknown' });
    return answer(res, { code, asked: true, ...(certificate ? { certificate: shown(certificate) } : {}) });
  });

  return routes;
}

function signedIn(req: Request): Person {
  const person = currentPerson(req);
  if (!person) throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
  return person;
}

function send(res: Response, bytes: Buffer, type: string, name: string): void {
  const shownName = `學習證明-${name}`;
  res.set({
    'Content-Type': type,
    // Shown in the browser where it can; saved under a name that says what it is.
    'Content-Disposition': `${type === 'application/pdf' ? 'inline' : 'attachment'}; filename="${name}"; filename*=UTF-8''${encodeURIComponent(shownName)}`,
    'Cache-Control': 'private, no-store',
  });
  res.send(bytes);
}

/** The code is a secret of sorts: it stays out of caches, of search engines, and of other sites' logs. */
function answer(res: Response, data: Record<string, unknown>): void {
  res.set({ 'Cache-Control': 'no-store', 'X-Robots-Tag': 'noindex', 'Referrer-Policy': 'no-referrer' });
  res.render('pages/verify', data);
}

const stateOf = (certificate: PublicCertificate): 'valid' | 'revoked' =>
  certificate.revokedAt ? 'revoked' : 'valid';

const bothCalendars = (date: Date): { minguo: string; iso: string } => ({
  minguo: minguoDay(date),
  iso: isoDay(date),
});

const shown = (certificate: PublicCertificate): Record<string, unknown> => ({
  ...certificate,
  hours: certificate.certifiedHours.toFixed(1),
  completed: bothCalendars(certificate.completedAt),
  issued: bothCalendars(certificate.issuedAt),
  revoked: certificate.revokedAt ? bothCalendars(certificate.revokedAt) : null,
});
