import type { Language } from '../base/languages.ts';
import { versionState } from '../player/packages/library.ts';
import { standardName } from '../player/packages/standard-name.ts';
import type { Package, PackageItem, PackageVersion } from '../player/types.ts';
import { translate } from '../views/messages.ts';

export const countItems = (items: readonly PackageItem[]): number =>
  items.reduce((sum, item) => sum + (item.kind === 'cluster' ? 0 : 1) + countItems(item.children), 0);

export const sizeText = (bytes: number): string =>
  bytes < 1_048_576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1_048_576).toFixed(1)} MB`;

/** A version in a row of the library; `names`: the uploaders'. */
export function versionView(
  language: Language,
  pkg: Package,
  version: PackageVersion,
  names: ReadonlyMap<string, { name: string }> = new Map(),
) {
  const state = versionState(pkg, version);
  const warnings = version.findings.filter(({ severity }) => severity === 'warning').length;
  return {
    id: version.id,
    packageId: pkg.id,
    versionNumber: version.version,
    title: version.title,
    standard: standardName(version),
    itemCount: countItems(version.items),
    fileCount: version.fileCount,
    size: sizeText(version.totalBytes),
    state,
    stateText: translate(language, `library.state.${state}`),
    current: state === 'current',
    former: state === 'former',
    warnings,
    check:
      warnings === 0
        ? translate(language, 'library.checkClean')
        : translate(language, 'library.checkWarnings', { count: warnings }),
    uploadedAt: version.uploadedAt,
    uploadedBy: names.get(version.uploadedBy)?.name ?? '--',
  };
}
