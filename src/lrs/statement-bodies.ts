import { DomainError } from '../base/errors.ts';
import { decodeUtf8, parseJson } from '../xapi/json.ts';
import { boundaryOf, splitMultipart } from '../xapi/multipart.ts';
import { bad, mediaType, type XapiRequest } from './exchange.ts';
import { type SentStatement, sentStatements } from './intake.ts';

/** The Statements of a request, and the bytes of its attachments by hash (null: it was plain JSON). */
export function readStatements(
  request: XapiRequest,
  limits: { xapiBatch: number; xapiDepth: number },
): { sent: SentStatement[]; batch: boolean; bytes: Map<string, Buffer> | null } {
  const type = mediaType(request.headers['content-type']);
  let jsonBytes = request.body;
  let bytes: Map<string, Buffer> | null = null;
  if (type === 'multipart/mixed') {
    const boundary = boundaryOf(request.headers['content-type'] ?? '');
    const [first, ...rest] = splitMultipart(request.body, boundary, 10_001);
    if (!first || mediaType(first.headers.get('content-type')) !== 'application/json')
      throw bad('The first part must be application/json (xAPI 1.0.3 Communication 1.5.2).');
    jsonBytes = first.body;
    bytes = new Map();
    for (const { headers, body: part } of rest) {
      const hash = headers.get('x-experience-api-hash');
      if (!hash) throw bad('A part has no X-Experience-API-Hash (xAPI 1.0.3 Communication 1.5.2).');
      if (headers.get('content-transfer-encoding')?.toLowerCase() !== 'binary')
        throw bad('A part has no Content-Transfer-Encoding: binary (xAPI 1.0.3 Communication 1.5.2).');
      bytes.set(hash.toLowerCase(), part);
    }
  } else if (type !== 'application/json')
    throw bad(
      `The Content-Type must be application/json or multipart/mixed, found ${type.slice(0, 60) || 'none'}.`,
    );
  const text = decodeUtf8(jsonBytes);
  const { value, shape } = parseJson(text, limits.xapiDepth);
  const batch = Array.isArray(value);
  if (batch && value.length > limits.xapiBatch)
    throw new DomainError(
      'too-large',
      `A batch may hold ${limits.xapiBatch} Statements, found ${value.length}.`,
      {
        code: 'xapi-batch',
        params: { most: limits.xapiBatch },
      },
    );
  return { sent: sentStatements(text, value, shape), batch, bytes };
}
