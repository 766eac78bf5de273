import { inflateRawSync } from 'node:zlib';
import { signInFailure } from '../failures.ts';

/** A message with certificates and some dozens of attributes is some 20 KB. */
const longest = 128 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
function textOf(bytes: Uint8Array): string {
  if (bytes.byteLength > longest) throw signInFailure('too-large', 'the message is too long');
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw signInFailure('malformed', 'the message is not UTF-8', error);
  }
}

export function fromBase64(text: string): Buffer {
  const compact = text.replace(/[\t\n\r ]+/g, '');
  if (compact === '' || compact.length % 4 === 1 || !/^[A-Za-z0-9+/]+={0,2}$/.test(compact))
    throw signInFailure('malformed', 'the message is not base64');
  return Buffer.from(compact, 'base64');
}

/** The XML of a message by the HTTP-POST binding (saml-bindings 3.5.4). */
export const fromPost = (message: string): string => textOf(fromBase64(message));

/** The XML of a message by the HTTP-Redirect binding (saml-bindings 3.4.4.1): DEFLATE, bounded while it is inflated. */
export function fromRedirect(message: string): string {
  const bytes = fromBase64(message);
  try {
    return textOf(inflateRawSync(bytes, { maxOutputLength: longest + 1 }));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ERR_BUFFER_TOO_LARGE') throw signInFailure('too-large', 'the message is too long', error);
    if (code.startsWith('Z_')) throw signInFailure('malformed', 'the message is not deflated', error);
    throw error;
  }
}
