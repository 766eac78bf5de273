import type { Request, RequestHandler } from 'express';
import { defaultLanguage, languages, type Language } from '../base/languages.ts';

const cookie = 'zhixing-language';
const isLanguage = (value: unknown): value is Language => languages.includes(value as Language);

const fromCookie = (header: string | undefined): string | undefined =>
  header
    ?.split(';')
    .map((part) => part.trim().split('='))
    .find(([name]) => name === cookie)?.[1];

/**
 * The page's language: `?lang=` (kept in a cookie), else the cookie, else the signed-in person's choice, else what the
 * browser accepts, else zh-TW. Mounted twice: before anything can fail, and once it is known who asks. Sets `res.locals.language` and `res.locals.otherLanguageUrl`.
 */
export const createLanguage =
  (ofPerson: (req: Request) => Language | null): RequestHandler =>
  (req, res, next) => {
    const asked = req.query['lang'];
    const kept = fromCookie(req.headers.cookie);
    const accepted = req.acceptsLanguages('zh-TW', 'zh-Hant', 'zh', 'en');
    let chosen: Language = defaultLanguage;
    if (isLanguage(asked)) {
      chosen = asked;
      if (res.locals['language'] === undefined)
        res.cookie(cookie, asked, {
          maxAge: 365 * 24 * 3600 * 1000,
          sameSite: 'lax',
          httpOnly: true,
          path: '/',
        });
    } else if (isLanguage(kept)) chosen = kept;
    else chosen = ofPerson(req) ?? (accepted === 'en' ? 'en' : defaultLanguage);

    const other: Language = chosen === 'en' ? 'zh-TW' : 'en';
    const url = new URL(req.originalUrl, 'http://localhost');
    url.searchParams.set('lang', other);
    res.locals['language'] = chosen;
    res.locals['otherLanguageUrl'] = `${url.pathname}${url.search}`;
    res.set('Content-Language', chosen);
    res.vary('Accept-Language');
    next();
  };
