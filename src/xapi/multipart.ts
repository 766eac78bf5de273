import { DomainError } from '../base/errors.ts';

/** One part of a multipart/mixed body; header names in lower case. */
export interface Part {
  headers: Map<string, string>;
  body: Buffer;
}

const refuse = (message: string): never => {
  throw new DomainError('invalid', `The multipart body is not acceptable: ${message} (RFC 2046 §5.1)`, {
    code: 'xapi-multipart',
  });
};

/** The boundary parameter of a multipart/mixed content type. */
export function boundaryOf(contentType: string): string {
  const match = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  return boundary === undefined || boundary.length > 200
    ? refuse('its Content-Type has no boundary')
    : boundary;
}

/** Splits a multipart body. @param mostParts parts beyond this many are refused */
export function splitMultipart(body: Buffer, boundary: string, mostParts: number): Part[] {
  const mark = Buffer.from(`--${boundary}`, 'latin1');
  const parts: Part[] = [];
  let at = body.indexOf(mark);
  if (at < 0 || (at > 0 && body[at - 1] !== 10)) return refuse('the first boundary is missing');
  for (;;) {
    let start = at + mark.length;
    if (body[start] === 45 && body[start + 1] === 45) return parts;
    while (body[start] === 32 || body[start] === 9) start++;
    if (body[start] === 13) start++;
    if (body[start] !== 10) return refuse('a boundary is followed by other text on its line');
    start++;
    let end = body.indexOf(mark, start);
    // The boundary counts only at the start of a line.
    while (end >= 0 && body[end - 1] !== 10) end = body.indexOf(mark, end + 1);
    if (end < 0) return refuse('the closing boundary is missing');
    if (parts.length >= mostParts) return refuse(`it has more than ${mostParts} parts`);
    parts.push(part(body.subarray(start, end)));
    at = end;
  }
}

function part(bytes: Buffer): Part {
  const headers = new Map<string, string>();
  let at = 0;
  for (;;) {
    const newline = bytes.indexOf(10, at);
    if (newline < 0) return refuse('a part has no empty line after its headers');
    const line = bytes.subarray(at, newline).toString('latin1').replace(/\r$/, '');
    at = newline + 1;
    if (line === '') break;
    const colon = line.indexOf(':');
    if (colon < 1) return refuse('a part has a header line without a colon');
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    if (headers.size > 50) return refuse('a part has too many headers');
  }
  // The line break before the next boundary belongs to the boundary.
  const end = bytes.length - (bytes[bytes.length - 2] === 13 ? 2 : 1);
  return { headers, body: bytes.subarray(at, Math.max(at, end)) };
}

/** One attachment to send back. */
export interface OutgoingPart {
  contentType: string;
  sha2: string;
  body: Buffer;
}

/** A multipart/mixed answer: the JSON first, then each attachment (1.0.3 Communication 2.1.3; 2.0 4.1.6.1). */
export function joinMultipart(json: string, attachments: readonly OutgoingPart[], boundary: string): Buffer {
  const chunks: Buffer[] = [
    Buffer.from(`--${boundary}\r\nContent-Type: application/json\r\n\r\n${json}\r\n`),
  ];
  for (const { contentType, sha2, body } of attachments) {
    const type = contentType.replace(/[\r\n]/g, ' ');
    chunks.push(
      Buffer.from(
        `--${boundary}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${sha2}\r\n\r\n`,
      ),
      body,
      Buffer.from('\r\n'),
    );
  }
  chunks.push(Buffer.from(`--${boundary}--\r\n`));
  return Buffer.concat(chunks);
}
