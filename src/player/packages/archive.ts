import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import iconv from 'iconv-lite';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import type { Finding } from '../types.ts';
import { finding } from './findings.ts';

export interface ArchiveLimits {
  /** Files in one package. */
  files: number;
  /** Bytes after unpacking. */
  unpackedBytes: number;
  /** Unpacked over packed, for entries above 1 MiB. */
  ratio: number;
}

/** One file of the archive under its safe path. */
export interface ArchiveFile {
  path: string;
  size: number;
  /** The bytes; reading fails when there are more or fewer than declared, or the checksum is wrong. */
  bytes(): AsyncIterable<Buffer>;
}

/** An opened archive; `findings` says what is wrong with its entries. Close it. */
export interface Archive {
  files: ArchiveFile[];
  findings: Finding[];
  close(): void;
}

const ignored = /(^|\/)(__MACOSX(\/|$)|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/i;
const MiB = 1024 * 1024;

const openZip = (file: string): Promise<ZipFile> =>
  new Promise((resolve, reject) =>
    yauzl.open(
      file,
      { lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: true },
      (error, zip) => (error ? reject(error) : resolve(zip)),
    ),
  );

/** ZIP has no declared encoding for old names: UTF-8 if the bytes are, then Big5 (Taiwan's Windows), then CP437. */
export function decodeName(bytes: Buffer, saysUtf8: boolean): { name: string; encoding: string } {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return { name: utf8.decode(bytes), encoding: 'UTF-8' };
  } catch {
    if (saysUtf8) return { name: bytes.toString('utf8'), encoding: 'UTF-8' };
  }
  const big5 = iconv.decode(bytes, 'big5');
  // Big5 proper leads with A1–F9; CP437's letters lie below.
  const leads = /^(?:[\u0000-\u007f]|[\u00a1-\u00f9][\u0040-\u00fe])*$/.test(bytes.toString('latin1'));
  if (leads && !big5.includes('\ufffd') && /\p{Script=Han}/u.test(big5))
    return { name: big5, encoding: 'Big5' };
  return { name: iconv.decode(bytes, 'cp437'), encoding: 'CP437' };
}

/** The path as it may be kept: relative, inside, without control characters. Null when it cannot be. */
export function safePath(name: string): string | null {
  const path = name
    .normalize('NFC')
    .replaceAll('\\', '/')
    .replace(/^(\.\/)+/, '');
  if (path === '' || path.startsWith('/') || /^[A-Za-z]:/.test(path)) return null;
  if (/[\u0000-\u001f\u007f\ufffd\u202a-\u202e\u2066-\u2069]/.test(path)) return null;
  const parts = path.split('/');
  if (parts.some((part) => part === '..' || part === '.' || part === '' || /^\s|[\s.]$/.test(part)))
    return null;
  return path;
}

/** The name in Info-ZIP's Unicode Path field (0x7075), if it belongs to the name that stands in the header. */
function unicodeName(entry: Entry, raw: Buffer): Buffer | null {
  const field = entry.extraFields.find(({ id }) => id === 0x7075)?.data;
  if (!field || field.length < 6 || field[0] !== 1 || field.readUInt32LE(1) !== crc32(raw)) return null;
  return field.subarray(5);
}

/** Opened when first asked for: a stream that fails before anyone listens would end the process. */
async function* bytesOf(zip: ZipFile, entry: Entry): AsyncIterable<Buffer> {
  const stream = await new Promise<Readable>((resolve, reject) =>
    zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  let sum = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (sum !== entry.crc32) throw new Error('the checksum does not match');
}

const isLink = (entry: Entry): boolean => ((entry.externalFileAttributes >>> 16) & 0o170000) === 0o120000;

/** Reads the archive's directory, nothing else. Every fault of it is found; sizes are the declared ones and hold when reading. */
export async function openArchive(file: string, limits: ArchiveLimits): Promise<Archive> {
  let zip: ZipFile;
  try {
    zip = await openZip(file);
  } catch (error) {
    const reason = (error as Error).message;
    return { files: [], findings: [finding('zip.unreadable', {}, { reason })], close: () => undefined };
  }
  const findings: Finding[] = [];
  const files: ArchiveFile[] = [];
  const seen = new Map<string, string>();
  let bytes = 0;
  let packed = 0;
  let count = 0;

  const take = (entry: Entry): void => {
    const raw = entry.fileName as unknown as Buffer;
    const unicode = unicodeName(entry, raw);
    const { name, encoding } = decodeName(
      unicode ?? raw,
      unicode !== null || (entry.generalPurposeBitFlag & 0x800) !== 0,
    );
    if (ignored.test(name)) return;
    const directory = /[/\\]$/.test(name);
    const place = { file: name.slice(0, 300) };
    if (Buffer.byteLength(name) > 1024 || name.split(/[/\\]/).some((part) => Buffer.byteLength(part) > 255)) {
      findings.push(finding('name.too-long', place));
      return;
    }
    const path = safePath(directory ? name.slice(0, -1) : name);
    if (path === null) {
      findings.push(finding('name.unsafe', place));
      return;
    }
    if (isLink(entry)) {
      findings.push(finding('zip.link', place));
      return;
    }
    if (directory) return;
    if ((entry.generalPurposeBitFlag & 1) !== 0) findings.push(finding('zip.encrypted', place));
    else if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)
      findings.push(finding('zip.unsupported', place));
    if (encoding !== 'UTF-8') findings.push(finding('name.encoding', place, { encoding }));
    if (name.includes('\\')) findings.push(finding('name.backslash', place));
    const folded = path.toLowerCase();
    const other = seen.get(folded);
    if (other === path) findings.push(finding('name.duplicate', place));
    else if (other !== undefined) findings.push(finding('name.case-clash', place, { other }));
    seen.set(folded, path);
    const ratio = entry.uncompressedSize / Math.max(1, entry.compressedSize);
    if (entry.uncompressedSize > MiB && ratio > limits.ratio)
      findings.push(finding('zip.bomb', place, { ratio: Math.round(ratio) }));
    bytes += entry.uncompressedSize;
    packed += entry.compressedSize;
    count += 1;
    files.push({
      path,
      size: entry.uncompressedSize,
      bytes: () => bytesOf(zip, entry),
    });
  };

  try {
    await new Promise<void>((resolve, reject) => {
      zip.on('entry', (entry: Entry) => {
        take(entry);
        if (count > limits.files || bytes > limits.unpackedBytes) resolve();
        else zip.readEntry();
      });
      zip.on('end', () => resolve());
      zip.on('error', reject);
      zip.readEntry();
    });
  } catch (error) {
    findings.push(finding('zip.unreadable', {}, { reason: (error as Error).message }));
  }
  if (count > limits.files || zip.entryCount > limits.files * 2)
    findings.push(finding('zip.too-many-files', {}, { count: zip.entryCount, limit: limits.files }));
  if (bytes > limits.unpackedBytes)
    findings.push(finding('zip.too-large', {}, { size: bytes, limit: limits.unpackedBytes }));
  // Entries that share their bytes, or many small ones that together unpack to far more than any course does.
  if (packed > zip.fileSize || (bytes > 100 * MiB && bytes > packed * limits.ratio))
    findings.push(finding('zip.bomb', {}, { ratio: Math.round(bytes / Math.max(1, zip.fileSize)) }));
  if (files.length === 0 && findings.length === 0) findings.push(finding('zip.empty'));
  return { files, findings, close: () => zip.close() };
}
