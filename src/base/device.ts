/** System and browser as people call them, by the first pattern that a browser's own description holds. */
const systems: readonly [RegExp, string][] = [
  [/\biPad\b/, 'iPad'],
  [/\biPhone\b/, 'iPhone'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];
const browsers: readonly [RegExp, string][] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bLine\//, 'LINE'],
  [/\b(?:FBAN|FBAV)\//, 'Facebook'],
  [/\b(?:OPR|OPiOS)\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];

/**
 * What a learner recognises their device by, e.g. `Windows · Edge`; null when the header says nothing of it. No version, no
 * model: enough to tell two devices of one person apart, too little to tell people apart.
 */
export function deviceOf(userAgent: string | undefined): string | null {
  if (!userAgent) return null;
  const named = [systems, browsers].flatMap((table) => {
    const found = table.find(([pattern]) => pattern.test(userAgent));
    return found ? [found[1]] : [];
  });
  return named.length === 0 ? null : named.join(' · ');
}
