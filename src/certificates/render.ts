import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { PDFDocument } from 'pdf-lib';
import type { Page } from 'puppeteer-core';
import { create as createQr, toString as qrToString } from 'qrcode';
import { toClockTime } from '../base/durations.ts';
import type { Logger } from '../base/logger.ts';
import type { OwnedBrowser } from './browser.ts';
import { isoDay, minguoDay, minguoLong } from './dates.ts';
import type { CertificateFonts } from './fonts.ts';
import { frame, rosette, seal } from './ornaments.ts';
import type { Certificate } from './types.ts';

/** Certificates drawn in one go; beyond it a document is put together from several. */
const perDocument = 20;

const views = join(import.meta.dirname, '../views/certificates');

export interface CertificateRenderer {
  /** One PDF of two A4 landscape pages per certificate, in the order given. */
  pdf(certificates: Certificate[]): Promise<Buffer>;
  /**
   * Launches the browser and draws one unseen certificate, so that the first learner does not wait. Never rejects:
   * false, with one line in the log, when certificates cannot be printed here.
   */
  prewarm(): Promise<boolean>;
}

export function createCertificateRenderer(deps: {
  browser: OwnedBrowser;
  fonts: CertificateFonts;
  publicOrigin: string;
  logger?: Logger;
}): CertificateRenderer {
  const { browser, fonts, publicOrigin, logger } = deps;
  const handlebars = Handlebars.create();
  const template = handlebars.compile(readFileSync(join(views, 'certificate.hbs'), 'utf8'), { strict: true });
  const style = readFileSync(join(views, 'certificate.css'), 'utf8');
  // Nothing in the page may run or load: names and titles are other people's text.
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; font-src https://fonts.invalid; img-src data:";
  const shell = `<!doctype html><html lang="zh-Hant-TW"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}"><title></title>
<style>${fonts.css}</style><style>${style}</style></head><body></body></html>`;
  const prepared = new WeakSet<Page>();

  async function draw(certificates: Certificate[]): Promise<Uint8Array> {
    const body = (await Promise.all(certificates.map(async (one) => template(await view(one))))).join('');
    const strange = fonts.uncovered(body);
    if (strange.length > 0)
      logger?.warn(
        { codePoints: strange },
        'characters that only a font of the system can draw on a certificate',
      );
    const title =
      certificates.length === 1
        ? `學習證明 ${certificates[0]?.number ?? ''}`
        : `學習證明（${certificates.length}）`;
    return browser.withPage(async (page) => {
      if (!prepared.has(page)) {
        await page.setContent(shell, { waitUntil: 'domcontentloaded' });
        await page.emulateMediaType('print');
        prepared.add(page);
      }
      await page.evaluate(layOut, body, title);
      return page.pdf({ preferCSSPageSize: true, printBackground: true, waitForFonts: false });
    });
  }

  async function view(certificate: Certificate): Promise<Record<string, unknown>> {
    const address = `${publicOrigin}/verify/${certificate.verificationCode}`;
    return {
      ...certificate,
      hasScore: certificate.score !== null,
      hours: certificate.certifiedHours.toFixed(1),
      readingTime: toClockTime(certificate.readingSeconds),
      started: bothCalendars(certificate.startedAt),
      completed: bothCalendars(certificate.completedAt),
      issued: { ...bothCalendars(certificate.issuedAt), long: minguoLong(certificate.issuedAt) },
      revoked: certificate.revokedAt ? bothCalendars(certificate.revokedAt) : null,
      conditions: conditionsOf(certificate),
      address,
      qr: new Handlebars.SafeString(await qrSvg(address)),
      seal: new Handlebars.SafeString(seal),
      frame: new Handlebars.SafeString(frame),
      rosette: new Handlebars.SafeString(rosette),
    };
  }

  return {
    async pdf(certificates) {
      const parts: Uint8Array[] = [];
      for (let at = 0; at < certificates.length; at += perDocument)
        parts.push(await draw(certificates.slice(at, at + perDocument)));
      const [only] = parts;
      return Buffer.from(parts.length === 1 && only ? only : await merge(parts));
    },
    async prewarm() {
      if (!(await browser.prewarm())) return false;
      try {
        await draw([sample]);
        return true;
      } catch (error) {
        logger?.warn({ err: error }, 'the first certificate could not be drawn');
        return false;
      }
    },
  };
}

const bothCalendars = (date: Date): { minguo: string; iso: string } => ({
  minguo: minguoDay(date),
  iso: isoDay(date),
});

/** The three conditions as the back page tells them: what was asked, what was reached. */
function conditionsOf(certificate: Certificate): Record<string, string>[] {
  const { readingSeconds, passScore, survey } = certificate.conditions;
  const all: Record<string, string>[] = [];
  if (readingSeconds !== null)
    all.push({
      kind: 'reading',
      name: '閱讀時數',
      nameEn: 'Reading time',
      actual: toClockTime(certificate.readingSeconds),
      required: `${toClockTime(readingSeconds)}（含）以上`,
      requiredEn: `at least ${toClockTime(readingSeconds)}`,
    });
  if (passScore !== null)
    all.push({
      kind: 'quiz',
      name: '課程測驗',
      nameEn: 'Quiz',
      actual: certificate.score === null ? '通過' : `${certificate.score} 分`,
      required: `${passScore} 分（含）以上`,
      requiredEn: `at least ${passScore} of 100`,
    });
  if (survey)
    all.push({
      kind: 'survey',
      name: '課後問卷',
      nameEn: 'Survey',
      actual: '已填',
      required: '須填寫',
      requiredEn: 'to be filled in',
    });
  return all;
}

/**
 * Runs in the page: puts the content in, waits for the fonts that it needs, and makes long texts fit their boxes.
 * No named function inside: the page knows nothing of the helpers that a compiler adds for their names.
 */
async function layOut(body: string, title: string): Promise<void> {
  document.title = title;
  document.body.innerHTML = body;
  await document.fonts.ready;
  for (const element of document.querySelectorAll<HTMLElement>('[data-fit]')) {
    const smallest = Number(element.dataset['fit']);
    let size = parseFloat(getComputedStyle(element).fontSize);
    while (
      size > smallest &&
      (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1)
    ) {
      size -= 1;
      element.style.fontSize = `${size}px`;
    }
  }
}

/** One path, four modules of quiet zone, whatever stands around it. */
async function qrSvg(text: string): Promise<string> {
  const { version } = createQr(text, { errorCorrectionLevel: 'M' });
  return qrToString(text, { type: 'svg', errorCorrectionLevel: 'M', version, margin: 4 });
}

async function merge(parts: Uint8Array[]): Promise<Uint8Array> {
  const whole = await PDFDocument.create();
  for (const part of parts) {
    const source = await PDFDocument.load(part);
    for (const page of await whole.copyPages(source, source.getPageIndices())) whole.addPage(page);
  }
  whole.setTitle('學習證明');
  whole.setLanguage('zh-Hant-TW');
  return whole.save();
}

const day = new Date('2026-11-23T08:00:00Z');

/** Loads what nearly every certificate needs; shown to nobody. */
const sample: Certificate = {
  number: 'ZX-115-0000000',
  verificationCode: '0000-0000-0000-0000-0000',
  registration: '',
  edition: 1,
  personId: '',
  personName: '王小明陳美玲林志豪張淑芬',
  personNameEn: 'Sample',
  courseCode: 'ZX115000000',
  courseTitle: '公務人員資訊安全與個人資料保護法規概論：性別主流化、環境教育、廉政倫理',
  courseTitleEn: 'Sample',
  organisation: '行政院人事行政總處公務人力發展學院',
  certifiedHours: 1,
  startedAt: day,
  completedAt: day,
  readingSeconds: 1800,
  score: 100,
  conditions: { readingSeconds: 1800, passScore: 60, survey: true },
  issuedAt: day,
  revokedAt: null,
  revocation: null,
};
