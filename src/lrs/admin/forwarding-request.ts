import { randomBytes } from 'node:crypto';
import { signatureUsage } from '../../xapi/attachments.ts';
import { joinMultipart, type OutgoingPart } from '../../xapi/multipart.ts';
import type { Statement } from '../../xapi/types.ts';
import { attachmentsOf } from '../statement-attachments.ts';
import type { AttachmentStore, StatementRow } from '../store.ts';

/** A POST to another LRS with the first `taken` of the Statements. */
export interface ForwardingRequest {
  taken: number;
  contentType: string;
  body: string | Buffer;
}

/** A request ends early rather than carry more attachment bytes than this, but has one Statement at least. */
const mostBytes = 16 * 1024 * 1024;

/**
 * Statements in their exact texts (the other LRS sets stored and authority itself), with the bytes of attachments that
 * have no fileUrl and of signatures, which are always sent along (1.0.3 Data 2.4.11, 2.6, Communication 1.5.2).
 */
export async function forwardingRequest(
  rows: readonly StatementRow[],
  attachments: AttachmentStore,
): Promise<ForwardingRequest> {
  const parts = new Map<string, OutgoingPart>();
  let bytes = 0;
  let taken = 0;
  for (const row of rows) {
    const own: OutgoingPart[] = [];
    for (const { sha2, contentType, fileUrl, usageType } of attachmentsOf(
      JSON.parse(row.body) as Statement,
    )) {
      if (parts.has(sha2.toLowerCase()) || (fileUrl !== undefined && usageType !== signatureUsage)) continue;
      const body = await attachments.get(sha2.toLowerCase());
      // Bytes that are gone (a store restored without its files): the other side says what it misses.
      if (body) own.push({ contentType, sha2, body });
    }
    const more = own.reduce((sum, { body }) => sum + body.length, 0);
    if (taken > 0 && bytes + more > mostBytes) break;
    for (const part of own) parts.set(part.sha2.toLowerCase(), part);
    bytes += more;
    taken++;
  }
  const text = `[${rows
    .slice(0, taken)
    .map(({ body }) => body)
    .join(',')}]`;
  if (parts.size === 0) return { taken, contentType: 'application/json', body: text };
  const boundary = `zhixing-${randomBytes(12).toString('hex')}`;
  return {
    taken,
    contentType: `multipart/mixed; boundary=${boundary}`,
    body: joinMultipart(text, [...parts.values()], boundary),
  };
}
