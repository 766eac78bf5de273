import type { Language } from '../base/languages.ts';
import type { Problem } from '../base/errors.ts';
import { hasMessage, translate } from './messages.ts';

interface ShownError {
  status: number;
  message: string;
  code: string | null;
  params: Record<string, string | number>;
  problems: Problem[];
}

const headings: Record<number, string> = {
  401: 'signIn',
  403: 'forbidden',
  404: 'notFound',
  409: 'invalid',
  429: 'busy',
  500: 'internal',
  503: 'busy',
  504: 'busy',
};

/** The reader's words for an error: its own message by code, in the reader's language, else the English sentence it carries. */
export const errorText = (
  language: Language,
  { code, params, message }: Pick<ShownError, 'code' | 'params' | 'message'>,
): string =>
  code !== null && hasMessage(`errors.${code}`) ? translate(language, `errors.${code}`, params) : message;

/**
 * What pages/error shows.
 * @param pageBefore path of the page that a refused form was on: where a sign-in leads back to; null when unknown
 */
export const errorModel = (language: Language, error: ShownError, pageBefore: string | null = null) => ({
  status: error.status,
  heading: headings[error.status] ?? (error.status >= 500 ? 'internal' : 'invalid'),
  text: errorText(language, error),
  problems: error.problems,
  signIn: error.status === 401 ? { returnTo: pageBefore } : null,
});
