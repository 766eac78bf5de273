import type { PackageVersion } from '../types.ts';

/** How people call it: `SCORM 2004 3rd Edition`, `PDF`. */
export function standardName({ standard, edition }: Pick<PackageVersion, 'standard' | 'edition'>): string {
  if (standard.startsWith('scorm')) return `SCORM ${edition}`;
  const names: Record<string, string> = { html: 'HTML', video: 'MP4', pdf: 'PDF', epub: 'EPUB' };
  return names[standard] ?? edition;
}
