import { verify, X509Certificate } from 'node:crypto';
import type { JsonObject } from './check.ts';
import { signedDifference } from './equality.ts';

const digests: Record<string, string> = { RS256: 'RSA-SHA256', RS384: 'RSA-SHA384', RS512: 'RSA-SHA512' };

const decode = (part: string): Buffer | null =>
  /^[A-Za-z0-9_-]+$/.test(part) ? Buffer.from(part, 'base64url') : null;

const asObject = (bytes: Buffer | null): JsonObject | null => {
  if (!bytes) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : null;
  } catch {
    return null;
  }
};

/**
 * What is wrong with a Statement's signature, or null (1.0.3 Data 2.6; 2.0 4.2.6): a JWS in compact form with RS256,
 * RS384 or RS512 whose payload is the Statement without the signature; where it brings X.509 certificates, each must be
 * signed by the next and the first must verify it.
 * @param statementText the Statement as it was sent
 * @param jws the signature attachment's bytes
 */
export function signatureFault(statementText: string, jws: Buffer): string | null {
  const [head = '', payload = '', signature = '', ...rest] = jws.toString('latin1').trim().split('.');
  const header = asObject(decode(head));
  const signed = decode(payload);
  const bytes = decode(signature);
  if (!header || !signed || !bytes || rest.length > 0) return 'the signature is not a JWS in compact form';
  const digest = typeof header['alg'] === 'string' ? digests[header['alg']] : undefined;
  if (!digest || !Object.hasOwn(digests, header['alg'] as string))
    return 'the signature must use RS256, RS384 or RS512';
  if (!asObject(signed)) return "the signature's payload is not a JSON object";
  const chain = header['x5c'];
  if (chain !== undefined) {
    const fault = chainFault(chain, `${head}.${payload}`, bytes, digest);
    if (fault) return fault;
  }
  let difference: string | null;
  try {
    difference = signedDifference(signed.toString('utf8'), statementText);
  } catch {
    return "the signature's payload is not a Statement";
  }
  return difference === null ? null : `the signed payload and the Statement differ at ${difference}`;
}

function chainFault(chain: unknown, input: string, signature: Buffer, digest: string): string | null {
  if (!Array.isArray(chain) || chain.length === 0 || chain.length > 10)
    return 'x5c must list 1 to 10 certificates';
  let certificates: X509Certificate[];
  try {
    certificates = chain.map((text) => new X509Certificate(Buffer.from(String(text), 'base64')));
  } catch {
    return 'x5c holds something that is not an X.509 certificate';
  }
  const [leaf] = certificates;
  if (!leaf || leaf.publicKey.asymmetricKeyType !== 'rsa') return "x5c's first certificate has no RSA key";
  for (let at = 0; at + 1 < certificates.length; at++) {
    const issuer = certificates[at + 1];
    if (!issuer || !certificates[at]?.verify(issuer.publicKey))
      return `x5c's certificate ${at + 1} is not signed by the next one`;
  }
  return verify(digest, Buffer.from(input), leaf.publicKey, signature)
    ? null
    : 'the signature does not verify with its certificate';
}
