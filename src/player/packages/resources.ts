import type { Finding } from '../types.ts';
import { finding } from './findings.ts';
import { attribute, childOf, childrenOf, type XmlElement } from './xml.ts';

export const manifestFile = 'imsmanifest.xml';

/** A place in the manifest. */
export const at = (element: XmlElement): { file: string; line: number } => ({
  file: manifestFile,
  line: element.line,
});

const isExternal = (href: string): boolean =>
  /^([a-z][a-z0-9+.-]*:)?\/\//i.test(href) || /^(https?|data|javascript|file):/i.test(href);

/** The package path that an href names, with its bases; null when it leads outside. */
export function resolveHref(bases: readonly string[], href: string): { path: string; suffix: string } | null {
  const root = 'http://package.invalid/';
  try {
    const base = bases.reduce((url, each) => new URL(each, url).href, root);
    const url = new URL(href.replaceAll('\\', '/'), base);
    if (url.origin !== 'http://package.invalid') return null;
    // `..` above the root is clamped by URL; count it by hand.
    let depth = 0;
    const written = [...bases, href].join('').replaceAll('\\', '/').split(/[?#]/)[0] ?? '';
    for (const part of written.split('/')) {
      if (part === '..') depth--;
      else if (part !== '.' && part !== '') depth++;
      if (depth < 0) return null;
    }
    return {
      path: decodeURIComponent(url.pathname.slice(1)).normalize('NFC'),
      suffix: `${url.search}${url.hash}`,
    };
  } catch {
    return null;
  }
}

export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** A resource of the manifest or of one nested in it. */
export interface Resource {
  element: XmlElement;
  href: { path: string; suffix: string } | null;
  isSco: boolean;
}

/** What items may refer to: resources, and nested manifests, which stand for their organization (IMS CP 1.1.2, 3.3). */
export interface References {
  resources: Map<string, Resource>;
  manifests: Map<string, XmlElement>;
}

/** Reads the resources of the manifest and of all nested in it; checks that their files are there. */
export function readReferences(
  root: XmlElement,
  files: ReadonlySet<string>,
  findings: Finding[],
): References {
  const byFolded = new Map([...files].map((path) => [path.toLowerCase(), path]));
  const resources = new Map<string, Resource>();
  const manifests = new Map<string, XmlElement>();

  const check = (element: XmlElement, bases: string[], href: string, launches: boolean): Resource['href'] => {
    if (isExternal(href)) {
      findings.push(finding('manifest.external', at(element), { url: href.slice(0, 200) }));
      return null;
    }
    const resolved = resolveHref(bases, href);
    if (!resolved) {
      findings.push(finding('manifest.unsafe-path', at(element), { path: href.slice(0, 200) }));
      return null;
    }
    if (files.has(resolved.path)) return resolved;
    // A file whose very name looks escaped, listed by that name.
    const literal = resolveHref(bases, href.replaceAll('%', '%25'));
    if (literal && files.has(literal.path)) return literal;
    const actual = byFolded.get(resolved.path.toLowerCase());
    if (actual !== undefined)
      findings.push(
        finding(launches ? 'manifest.wrong-case' : 'manifest.listed-wrong-case', at(element), {
          path: resolved.path,
          actual,
        }),
      );
    else
      findings.push(
        finding(launches ? 'manifest.missing-file' : 'manifest.missing-listed-file', at(element), {
          path: resolved.path,
        }),
      );
    return resolved;
  };

  const read = (manifest: XmlElement, around: string[]): void => {
    const own = attribute(manifest, 'base');
    const bases = own === undefined ? around : [...around, own];
    for (const container of childrenOf(manifest, 'resources')) {
      const containerBase = attribute(container, 'base');
      const inContainer = containerBase === undefined ? bases : [...bases, containerBase];
      for (const element of childrenOf(container, 'resource')) readResource(element, inContainer);
    }
    for (const nested of childrenOf(manifest, 'manifest')) {
      const id = attribute(nested, 'identifier');
      if (id === undefined)
        findings.push(finding('manifest.identifier-missing', at(nested), { element: 'manifest' }));
      else if (manifests.has(id)) findings.push(finding('manifest.duplicate-identifier', at(nested), { id }));
      else manifests.set(id, nested);
      read(nested, bases);
    }
  };
  const readResource = (element: XmlElement, around: string[]): void => {
    const id = attribute(element, 'identifier');
    if (id === undefined) {
      findings.push(finding('manifest.identifier-missing', at(element), { element: 'resource' }));
      return;
    }
    if (resources.has(id)) findings.push(finding('manifest.duplicate-identifier', at(element), { id }));
    const own = attribute(element, 'base');
    const bases = own === undefined ? around : [...around, own];
    const href = attribute(element, 'href');
    const type = (
      attribute(element, 'scormtype') ??
      attribute(element, 'scormType') ??
      'asset'
    ).toLowerCase();
    for (const file of childrenOf(element, 'file')) {
      const path = attribute(file, 'href');
      if (path !== undefined && path !== href) check(file, bases, path, false);
    }
    resources.set(id, {
      element,
      href: href === undefined ? null : check(element, bases, href, true),
      isSco: type === 'sco',
    });
  };
  read(root, []);
  return { resources, manifests };
}

/** The organization that a manifest offers by default; the first when it names none, or none that there is. */
export function organizationOf(manifest: XmlElement): XmlElement | undefined {
  const organizations = childOf(manifest, 'organizations');
  const all = childrenOf(organizations, 'organization');
  const wanted = organizations && attribute(organizations, 'default');
  return all.find((each) => attribute(each, 'identifier') === wanted) ?? all[0];
}

/** Item parameters join the resource's own query and fragment (CAM 3.4.1.5: `?` and `#` decide how). */
export function withParameters(
  { path, suffix }: { path: string; suffix: string },
  parameters: string | undefined,
): string {
  const href = `${encodePath(path)}${suffix}`;
  if (parameters === undefined) return href;
  const trimmed = parameters.replace(/^[?&]+/, '');
  if (trimmed === '') return href;
  if (trimmed.startsWith('#')) return href.includes('#') ? href : `${href}${trimmed}`;
  const [before = '', fragment] = href.split('#');
  return `${before}${before.includes('?') ? '&' : '?'}${trimmed}${fragment === undefined ? '' : `#${fragment}`}`;
}
