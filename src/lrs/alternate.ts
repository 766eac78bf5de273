import { bad, readParams } from './exchange.ts';

/** Form fields that stand for headers (1.0.3 Communication 1.3). */
const headerFields = new Set([
  'authorization',
  'x-experience-api-version',
  'content-type',
  'content-length',
  'if-match',
  'if-none-match',
  'accept-language',
]);

const methods = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'];

/**
 * A request in the alternate syntax of 1.0.3 (Communication 1.3): POST with `?method=` and everything else in a form.
 * DomainError `invalid` for anything that is not of its form.
 */
export function alternateRequest(
  method: string,
  params: Map<string, string>,
  headers: Record<string, string | undefined>,
  body: Buffer,
): {
  method: string;
  params: Map<string, string>;
  headers: Record<string, string | undefined>;
  body: Buffer;
} {
  const wanted = params.get('method') ?? '';
  if (method !== 'POST') throw bad('The alternate request syntax must be sent with POST.');
  if (!methods.includes(wanted)) throw bad('method must be GET, PUT, POST, DELETE or HEAD.', 'method');
  if (params.size > 1) throw bad('The alternate request syntax allows no other query parameter than method.');
  if (!/^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? ''))
    throw bad('The alternate request syntax must be sent as application/x-www-form-urlencoded.');
  const form = readParams(body.toString('utf8'));
  const newHeaders: Record<string, string | undefined> = { ...headers };
  delete newHeaders['content-type'];
  delete newHeaders['content-length'];
  const newParams = new Map<string, string>();
  let content: string | undefined;
  for (const [name, value] of form) {
    if (name === 'content') content = value;
    else if (headerFields.has(name.toLowerCase())) newHeaders[name.toLowerCase()] = headerValue(name, value);
    else newParams.set(name, value);
  }
  if ((wanted === 'PUT' || wanted === 'POST') && content === undefined)
    throw bad('The form has no content field.', 'content');
  newHeaders['content-type'] ??= 'application/json';
  return { method: wanted, params: newParams, headers: newHeaders, body: Buffer.from(content ?? '') };
}

/** A field's value as a header could have brought it (RFC 9110 §5.5): a document's type is sent back in one. */
function headerValue(name: string, value: string): string {
  const trimmed = value.trim();
  if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(trimmed))
    throw bad(`The field ${name} holds characters that no header can hold.`, name);
  return trimmed;
}
