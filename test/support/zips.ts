import { crc32, deflateRawSync } from 'node:zlib';

/** One entry as it shall stand in the archive, faults included. */
export interface ZipEntry {
  name: string | Buffer;
  data?: string | Buffer;
  /** Says that the name is UTF-8; by default yes for a string. */
  utf8?: boolean;
  stored?: boolean;
  encrypted?: boolean;
  method?: number;
  /** Unix mode, e.g. 0o120777 for a link. */
  mode?: number;
  /** Said of the size instead of the truth. */
  declaredSize?: number;
  extra?: Buffer;
}

/** Writes a ZIP byte by byte: a library would refuse the faults that the tests are about. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name as string);
    const data = Buffer.from((entry.data ?? '') as string);
    const method = entry.method ?? (entry.stored ? 0 : 8);
    const packed = method === 8 ? deflateRawSync(data) : data;
    const flags =
      ((entry.utf8 ?? typeof entry.name === 'string') ? 0x800 : 0) | (entry.encrypted === true ? 1 : 0);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(entry.declaredSize ?? data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const extra = entry.extra ?? Buffer.alloc(0);
    common.writeUInt16LE(extra.length, 24);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, extra, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((((entry.mode ?? 0o100644) << 16) | 0) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), Buffer.from([20, 3]), common, tail, name, extra]),
    );
    locals.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, central, end]);
}

export interface ManifestParts {
  version?: string;
  organizations?: string;
  resources?: string;
  more?: string;
  root?: string;
  prologue?: string;
}

const namespaces12 =
  'xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2"';
const namespaces2004 =
  'xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3" ' +
  'xmlns:imsss="http://www.imsglobal.org/xsd/imsss" xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3" ' +
  'xmlns:adlnav="http://www.adlnet.org/xsd/adlnav_v1p3"';

/** A manifest of one item unless told otherwise. */
export function manifestOf(parts: ManifestParts = {}): string {
  const version = parts.version ?? '1.2';
  const sco = version === '1.2' ? 'adlcp:scormtype' : 'adlcp:scormType';
  return `${parts.prologue ?? '<?xml version="1.0" encoding="UTF-8"?>'}
<manifest identifier="M" ${parts.root ?? (version === '1.2' ? namespaces12 : namespaces2004)}>
<metadata><schema>ADL SCORM</schema><schemaversion>${version}</schemaversion></metadata>
${
  parts.organizations ??
  `<organizations default="O"><organization identifier="O"><title>個人資料保護</title>
<item identifier="I1" identifierref="R1"><title>第一課</title></item></organization></organizations>`
}
${
  parts.resources ??
  `<resources><resource identifier="R1" type="webcontent" ${sco}="sco" href="index.html"><file href="index.html"/></resource></resources>`
}
${parts.more ?? ''}</manifest>`;
}

/** A whole package: manifest and index.html, with more entries or others in their place. */
export const packageOf = (parts: ManifestParts = {}, more: readonly ZipEntry[] = []): Buffer =>
  zipOf([
    { name: 'imsmanifest.xml', data: manifestOf(parts) },
    { name: 'index.html', data: '<!doctype html><title>第一課</title>' },
    ...more,
  ]);

/** A small e-book of two chapters: EPUB 3 with a navigation document, or EPUB 2 with an NCX. */
export function epubEntries(edition: 2 | 3): ZipEntry[] {
  const chapter = (title: string): string =>
    `<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
  const contents: ZipEntry =
    edition === 3
      ? {
          name: 'OEBPS/nav.xhtml',
          data: `<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><body><nav><ol><li><a href="c1.xhtml">第一章</a></li><li><a href="c%202.xhtml#top">第二章</a></li></ol></nav></body></html>`,
        }
      : {
          name: 'OEBPS/toc.ncx',
          data: `<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd"><ncx><navMap><navPoint><navLabel><text>第一章</text></navLabel><content src="c1.xhtml"/></navPoint><navPoint><navLabel><text>第二章</text></navLabel><content src="c%202.xhtml"/></navPoint></navMap></ncx>`,
        };
  const listed =
    edition === 3
      ? '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
      : '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>';
  return [
    { name: 'mimetype', data: 'application/epub+zip', stored: true },
    {
      name: 'META-INF/container.xml',
      data: '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OEBPS/content.opf"/></rootfiles></container>',
    },
    {
      name: 'OEBPS/content.opf',
      data: `<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>電子書</dc:title></metadata>
<manifest>${listed}<item id="c1" href="c1.xhtml"/><item id="c2" href="c%202.xhtml"/></manifest>
<spine toc="ncx"><itemref idref="c1"/><itemref idref="c2"/></spine></package>`,
    },
    contents,
    { name: 'OEBPS/c1.xhtml', data: chapter('第一章') },
    { name: 'OEBPS/c 2.xhtml', data: chapter('第二章') },
  ];
}
