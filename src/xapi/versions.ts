/** The two editions of the standard that the LRS speaks; every 1.0.x is served as 1.0.3. */
export type XapiVersion = '1.0.3' | '2.0.0';

export const servedVersions: readonly string[] = ['1.0.3', '2.0.0'];

/** The edition that an `X-Experience-API-Version` header or a Statement's `version` asks for; null when not served. */
export function versionOf(text: unknown): XapiVersion | null {
  if (typeof text !== 'string') return null;
  if (/^1\.0(\.\d+)?$/.test(text)) return '1.0.3';
  if (/^2\.0(\.\d+)?$/.test(text)) return '2.0.0';
  return null;
}

/**
 * Whether a Statement of that `version` is one of the edition: 1.0 and 1.0.x in 1.0.3 (Data 2.4.10: anything else is
 * refused), 2.0 and 2.0.x beside them in 2.0 (4.2.4.3).
 */
export const isStatementVersion = (value: unknown, edition: XapiVersion): boolean => {
  const of = versionOf(value);
  return of !== null && (edition === '2.0.0' || of === edition);
};
