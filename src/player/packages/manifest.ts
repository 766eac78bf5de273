import type { Finding, PackageItem, PackageStandard } from '../types.ts';
import type { CourseContent } from './content.ts';
import { finding } from './findings.ts';
import { readLom, type CourseMetadata } from './lom.ts';
import { itemsIn, parsePrerequisites } from './prerequisites.ts';
import {
  at,
  manifestFile,
  organizationOf,
  readReferences,
  resolveHref,
  withParameters,
} from './resources.ts';
import { readSequencing, type Sequencing } from './sequencing.ts';
import { attribute, childOf, childrenOf, decodeXml, parseXml, textOf, type XmlElement } from './xml.ts';

/** What a manifest says, with everything that is wrong with it. */
export interface Manifest extends CourseContent {
  standard: Extract<PackageStandard, 'scorm-1.2' | 'scorm-2004'>;
  /** Metadata that stands in the manifest itself. */
  metadata: CourseMetadata | undefined;
  /** The package file that holds it instead (adlcp:location); null: none. */
  metadataLocation: string | null;
}

const launchDataLimit = { 'scorm-1.2': 4096, 'scorm-2004': 4000 } as const;

function editionOf(
  root: XmlElement,
  namespaces: readonly string[],
  findings: Finding[],
): Pick<Manifest, 'standard' | 'edition'> {
  const metadata = childOf(root, 'metadata');
  const said = textOf(metadata, 'schemaversion') ?? '';
  if (/^(?:SCORM\s*)?1\.2\b/i.test(said)) return { standard: 'scorm-1.2', edition: '1.2' };
  if (/2004|CAM|^1\.3/i.test(said)) {
    const edition = /(\d(?:st|nd|rd|th)) Edition/i.exec(said)?.[1];
    return {
      standard: 'scorm-2004',
      edition: edition ? `2004 ${edition} Edition` : said.startsWith('2004') ? said : '2004 2nd Edition',
    };
  }
  const all = namespaces.join(' ');
  const v2004 = /adlcp_v1p3|imscp_v1p1|imsss/.test(all);
  const known = v2004 || /adlcp_rootv1p2|imscp_rootv1p1p2/.test(all);
  if (!known || said === '')
    findings.push(
      finding('manifest.version', at(metadata ?? root), { assumed: v2004 ? 'SCORM 2004' : 'SCORM 1.2' }),
    );
  return v2004 ? { standard: 'scorm-2004', edition: '2004' } : { standard: 'scorm-1.2', edition: '1.2' };
}

/**
 * Reads imsmanifest.xml (SCORM 1.2 CAM 2.3, SCORM 2004 CAM 3) against the files there are. Everything wrong is found in one
 * pass; null when there is too little to read at all.
 */
export function readManifest(
  bytes: Buffer,
  files: ReadonlySet<string>,
): { manifest: Manifest | null; findings: Finding[] } {
  const findings: Finding[] = [];
  const parsed = parseXml(decodeXml(bytes));
  if ('fault' in parsed) {
    const place = { file: manifestFile, line: parsed.line };
    findings.push(
      parsed.fault === 'doctype'
        ? finding('manifest.doctype', place)
        : parsed.fault === 'too-deep'
          ? finding('manifest.too-deep', place, { limit: parsed.reason })
          : finding('manifest.malformed', place, { reason: parsed.reason }),
    );
    return { manifest: null, findings };
  }
  const { root, namespaces } = parsed;
  if (root.name !== 'manifest') {
    findings.push(finding('manifest.root', at(root), { found: root.name }));
    return { manifest: null, findings };
  }
  const { standard, edition } = editionOf(root, namespaces, findings);
  const { resources, manifests } = readReferences(root, files, findings);

  const collections = new Map<string, XmlElement>();
  for (const element of childrenOf(childOf(root, 'sequencingCollection'), 'sequencing')) {
    const id = attribute(element, 'ID');
    if (id !== undefined) collections.set(id, element);
  }
  const sequencingOf = (owner: XmlElement): Sequencing | undefined => {
    const element = childOf(owner, 'sequencing');
    if (!element) return undefined;
    const ref = attribute(element, 'IDRef');
    if (ref !== undefined && !collections.has(ref))
      findings.push(finding('manifest.sequencing-collection', at(element), { id: ref }));
    return readSequencing(element, ref === undefined ? undefined : collections.get(ref));
  };

  const organizations = childOf(root, 'organizations');
  const all = childrenOf(organizations, 'organization');
  const wanted = organizations && attribute(organizations, 'default');
  // A package that only holds others is the first of them.
  const organization = organizationOf(root) ?? [...manifests.values()].map(organizationOf).find(Boolean);
  if (!organization) {
    findings.push(finding('manifest.organization', at(organizations ?? root)));
    return { manifest: null, findings };
  }
  if (wanted !== undefined && all.length > 0 && attribute(organization, 'identifier') !== wanted)
    findings.push(finding('manifest.default-organization', at(organizations ?? root), { id: wanted }));

  const seen = new Set<string>();
  /** Nested manifests that are being read, outermost first. */
  const opening: XmlElement[] = [];
  const readItem = (element: XmlElement): PackageItem => {
    const identifier = attribute(element, 'identifier');
    if (identifier === undefined)
      findings.push(finding('manifest.identifier-missing', at(element), { element: 'item' }));
    else if (seen.has(identifier))
      findings.push(finding('manifest.duplicate-identifier', at(element), { id: identifier }));
    seen.add(identifier ?? '');

    const ref = attribute(element, 'identifierref');
    const resource = ref === undefined ? undefined : resources.get(ref);
    const nested = ref === undefined || resource ? undefined : manifests.get(ref);
    const organizationInside = nested && organizationOf(nested);
    const inside = organizationInside ? childrenOf(organizationInside, 'item') : [];
    if (nested && opening.includes(nested)) {
      findings.push(finding('manifest.circular', at(element), { id: ref ?? '' }));
      inside.length = 0;
    }
    if (nested) opening.push(nested);
    const children = [...childrenOf(element, 'item'), ...inside].map(readItem);
    if (nested) opening.pop();
    if (ref !== undefined && !resource && !nested)
      findings.push(finding('manifest.dangling-reference', at(element), { id: ref }));
    if (resource && !attribute(resource.element, 'href'))
      findings.push(finding('manifest.resource-without-href', at(resource.element), { id: ref ?? '' }));

    const item: PackageItem = {
      identifier: identifier ?? '',
      title:
        textOf(element, 'title') ??
        (organizationInside && textOf(organizationInside, 'title')) ??
        identifier ??
        '',
      visible: attribute(element, 'isvisible')?.toLowerCase() !== 'false',
      href: resource?.href ? withParameters(resource.href, attribute(element, 'parameters')) : null,
      kind: resource?.href ? (resource.isSco ? 'sco' : 'asset') : 'cluster',
      children,
    };
    const prerequisites = textOf(element, 'prerequisites');
    if (prerequisites !== undefined) item.prerequisites = prerequisites;
    const mastery = textOf(element, 'masteryscore');
    if (mastery !== undefined) {
      const score = Number(mastery);
      if (Number.isFinite(score) && score >= 0 && score <= 100) item.masteryScore = score;
      else findings.push(finding('manifest.mastery-score', at(element), { value: mastery.slice(0, 40) }));
    }
    const maxTime = textOf(element, 'maxtimeallowed');
    if (maxTime !== undefined) item.maxTimeAllowed = maxTime;
    const action = textOf(element, 'timelimitaction') ?? textOf(element, 'timeLimitAction');
    if (action !== undefined) item.timeLimitAction = action;
    const data = textOf(element, 'datafromlms') ?? textOf(element, 'dataFromLMS');
    if (data !== undefined) {
      item.dataFromLms = data;
      const limit = launchDataLimit[standard];
      if (data.length > limit)
        findings.push(finding('manifest.launch-data-too-long', at(element), { length: data.length, limit }));
    }
    const threshold = childOf(element, 'completionThreshold');
    if (threshold) {
      const number = (name: string, fallback: number): number =>
        Number(attribute(threshold, name) ?? fallback);
      const byText = Number(threshold.text.trim() || NaN);
      item.completionThreshold = {
        // 2nd and 3rd Edition wrote the measure as the element's text.
        completedByMeasure: Number.isFinite(byText) || attribute(threshold, 'completedByMeasure') === 'true',
        minProgressMeasure: Number.isFinite(byText) ? byText : number('minProgressMeasure', 1),
        progressWeight: number('progressWeight', 1),
        ...(Number.isFinite(byText) ? { contentDecides: true as const } : {}),
      };
    }
    const hidden = childrenOf(
      childOf(childOf(element, 'presentation'), 'navigationInterface'),
      'hideLMSUI',
    ).map((each) => each.text.trim());
    if (hidden.length > 0) item.hideLmsUi = hidden;
    const sequencing = sequencingOf(element);
    const shared = childrenOf(childOf(element, 'data'), 'map');
    if (sequencing) item.sequencing = { ...sequencing };
    if (shared.length > 0)
      item.sharedData = shared.map((map) => ({
        targetId: attribute(map, 'targetID') ?? '',
        read: attribute(map, 'readSharedData') !== 'false',
        write: attribute(map, 'writeSharedData') !== 'false',
      }));
    return item;
  };

  const items = childrenOf(organization, 'item').map(readItem);
  const flat = (list: readonly PackageItem[]): PackageItem[] =>
    list.flatMap((item) => [item, ...flat(item.children)]);
  const every = flat(items);
  if (!every.some(({ kind }) => kind !== 'cluster'))
    findings.push(finding('manifest.no-launchable-item', at(organization)));
  for (const { prerequisites } of every) {
    if (prerequisites === undefined) continue;
    const condition = parsePrerequisites(prerequisites);
    if (!condition)
      findings.push(
        finding('manifest.prerequisites-malformed', at(organization), {
          script: prerequisites.slice(0, 100),
        }),
      );
    else
      for (const id of itemsIn(condition))
        if (!seen.has(id))
          findings.push(
            finding('manifest.prerequisites-unknown', at(organization), { id: id.slice(0, 100) }),
          );
  }

  const used = new Set<string>();
  const noteUse = (element: XmlElement): void => {
    const ref = attribute(element, 'identifierref');
    if (ref !== undefined) used.add(ref);
    childrenOf(element, 'item').forEach(noteUse);
  };
  for (const manifest of [root, ...manifests.values()])
    childrenOf(childOf(manifest, 'organizations'), 'organization').forEach(noteUse);
  for (const [id, { element, isSco }] of resources) {
    if (isSco && !used.has(id)) findings.push(finding('manifest.unreachable', at(element), { id }));
    for (const dependency of childrenOf(element, 'dependency')) {
      const ref = attribute(dependency, 'identifierref');
      if (ref === undefined || !resources.has(ref))
        findings.push(finding('manifest.dangling-dependency', at(dependency), { id: ref ?? '' }));
    }
  }

  const organizationSequencing = sequencingOf(organization);
  const metadata = childOf(root, 'metadata');
  const lom = childOf(metadata, 'lom');
  const location = textOf(metadata, 'location');
  return {
    manifest: {
      standard,
      edition,
      title: textOf(organization, 'title') ?? items[0]?.title ?? attribute(root, 'identifier') ?? '',
      items,
      extra: {
        organization: attribute(organization, 'identifier') ?? 'organization',
        objectivesGlobalToSystem: attribute(organization, 'objectivesGlobalToSystem') !== 'false',
        sharedDataGlobalToSystem: attribute(organization, 'sharedDataGlobalToSystem') !== 'false',
        ...(organizationSequencing ? { sequencing: organizationSequencing } : {}),
      },
      metadata: lom && readLom(lom),
      metadataLocation: location === undefined ? null : (resolveHref([], location)?.path ?? location),
    },
    findings,
  };
}
