import { createHash } from 'node:crypto';
import { DomainError, type Problem } from '../base/errors.ts';
import { signatureUsage } from '../xapi/attachments.ts';
import type { OutgoingPart } from '../xapi/multipart.ts';
import { signatureFault } from '../xapi/signatures.ts';
import type { Attachment, Statement } from '../xapi/types.ts';
import { mediaType } from './exchange.ts';
import type { SentStatement } from './intake.ts';
import type { AttachmentStore } from './store.ts';

/** Those of the Statement and of its SubStatement. */
export const attachmentsOf = (statement: Statement): Attachment[] => {
  const object = statement.object as { objectType?: string; attachments?: Attachment[] } | undefined;
  const inner = object?.objectType === 'SubStatement' ? object.attachments : undefined;
  return [statement.attachments, inner].filter((list) => Array.isArray(list)).flat();
};

const digests: Record<number, string> = { 56: 'sha224', 64: 'sha256', 96: 'sha384', 128: 'sha512' };

/**
 * Every attachment has its bytes or a fileUrl, every part belongs to an attachment, hashes are true, and signatures hold
 * (1.0.3 Communication 1.5.2, Data 2.4.11, 2.6). `length` is the client's word: the hash decides. Gives the bytes to keep.
 */
export function checkAttachmentBytes(
  sent: readonly SentStatement[],
  batch: boolean,
  bytes: Map<string, Buffer> | null,
): Map<string, Buffer> {
  const problems: Problem[] = [];
  const used = new Map<string, Buffer>();
  for (const [at, { value, text }] of sent.entries()) {
    if (typeof value !== 'object' || value === null) continue;
    for (const attachment of attachmentsOf(value as Statement)) {
      const path = `${batch ? `$[${at}]` : '$'}.attachments`;
      const { sha2, fileUrl, usageType, contentType } = attachment ?? {};
      if (typeof sha2 !== 'string') continue; // said by the data model's check
      const part = bytes?.get(sha2.toLowerCase());
      if (!part) {
        if (fileUrl === undefined || usageType === signatureUsage)
          problems.push({
            path,
            message: `the bytes of ${sha2.slice(0, 128)} are neither in the request nor at a fileUrl`,
          });
        continue;
      }
      if (!used.has(sha2.toLowerCase())) {
        const digest = digests[sha2.length];
        if (!digest || createHash(digest).update(part).digest('hex') !== sha2.toLowerCase())
          problems.push({ path, message: `the bytes do not have the hash ${sha2.slice(0, 128)}` });
        used.set(sha2.toLowerCase(), part);
      }
      if (usageType !== signatureUsage) continue;
      const fault =
        mediaType(contentType) === 'application/octet-stream'
          ? signatureFault(text, part)
          : 'a signature has the contentType application/octet-stream';
      if (fault) problems.push({ path, message: `${fault} (xAPI 1.0.3 Data 2.6, 2.0 4.2.6)` });
    }
  }
  for (const sha2 of bytes?.keys() ?? [])
    if (!used.has(sha2))
      problems.push({ path: '$', message: `the part ${sha2.slice(0, 128)} belongs to no attachment` });
  if (problems.length > 0)
    throw new DomainError('invalid', 'The attachments do not agree with the Statements.', {
      code: 'xapi-attachments',
      problems: problems.slice(0, 100),
    });
  return used;
}

/** The bytes that are kept of these Statements' attachments, each once. */
export async function partsOf(
  statements: Iterable<Statement>,
  attachments: AttachmentStore,
): Promise<OutgoingPart[]> {
  const parts = new Map<string, OutgoingPart | null>();
  for (const statement of statements)
    for (const { sha2, contentType } of attachmentsOf(statement)) {
      const key = sha2.toLowerCase();
      if (parts.has(key)) continue;
      const body = await attachments.get(key);
      parts.set(key, body && { contentType, sha2, body });
    }
  return [...parts.values()].filter((part) => part !== null);
}
