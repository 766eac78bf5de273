import { createPublicKey, verify } from 'node:crypto';
import { signInFailure } from '../failures.ts';
import type { Answer } from '../protocol.ts';
import { checkSignatures, signatureDigest, type AllowedAlgorithms } from './algorithms.ts';
import { checkPeriod, nameIdOf, type NameId } from './assertion.ts';
import { fromBase64, fromPost, fromRedirect } from './messages.ts';
import { checkEnvelope, shortStatus, successStatus, type Envelope } from './response.ts';
import { childrenOf, instantOf, isElement, onlyChild, readXml, type XmlElement } from './xml.ts';

/** Single Logout messages (saml-core 3.7), from the form that was posted or the query as it was sent. */
export type SentLogout = { binding: 'post'; answer: Answer } | { binding: 'redirect'; query: string };

export interface OpenedLogout {
  kind: 'request' | 'response';
  root: XmlElement;
  xml: string;
  /** As it was sent (HTTP-POST). */
  message: string;
  relayState: string | null;
}

/** So old a request may be that says no end of its own. */
const freshSeconds = 300;

const unsigned = (): never => {
  throw signInFailure('unverified', 'the logout message is not signed');
};

/** The query's parameters, each at most once, still encoded: the signature is over the very characters (saml-bindings 3.4.4.1). */
function rawParameters(query: string): Map<string, string> {
  const raw = new Map<string, string>();
  for (const pair of query.split('&')) {
    const name = pair.split('=', 1)[0] ?? '';
    if (raw.has(name)) throw signInFailure('malformed', 'a parameter is there twice');
    raw.set(name, pair.slice(name.length + 1));
  }
  return raw;
}

function decoded(raw: string | undefined): string | null {
  if (raw === undefined) return null;
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch (error) {
    throw signInFailure('malformed', 'a parameter is not URL-encoded', error);
  }
}

/** The message; a signature in the query (HTTP-Redirect) is verified here, one in the message by the caller. */
export function openLogout(
  sent: SentLogout,
  certificates: readonly string[],
  allowed: AllowedAlgorithms,
): OpenedLogout {
  if (sent.binding === 'post') {
    const [request, response] = ['SAMLRequest', 'SAMLResponse'].map((name) => sent.answer.getAll(name));
    const [message, ...more] = [...(request ?? []), ...(response ?? [])];
    if (message === undefined || more.length > 0)
      throw signInFailure('malformed', 'there is not exactly one message');
    const xml = fromPost(message);
    const root = readXml(xml);
    if (childrenOf(root, 'signature', 'Signature').length === 0) unsigned();
    const kind = request?.length ? 'request' : 'response';
    return { kind, root, xml, message, relayState: sent.answer.get('RelayState') };
  }

  const raw = rawParameters(sent.query);
  const names = ['SAMLRequest', 'SAMLResponse'].filter((name) => raw.has(name));
  const [name] = names;
  if (name === undefined || names.length > 1)
    throw signInFailure('malformed', 'there is not exactly one message');
  const message = decoded(raw.get(name)) ?? '';
  const algorithm = decoded(raw.get('SigAlg'));
  const signature = decoded(raw.get('Signature'));
  if (algorithm === null || signature === null) return unsigned();
  const digest = signatureDigest(algorithm, allowed);
  if (digest === null)
    throw signInFailure('unverified', 'the signature has an algorithm that is not allowed');
  const signed = [name, 'RelayState', 'SigAlg']
    .filter((each) => raw.has(each))
    .map((each) => `${each}=${raw.get(each)}`)
    .join('&');
  const bytes = fromBase64(signature);
  if (!certificates.some((pem) => verify(digest, Buffer.from(signed), createPublicKey(pem), bytes)))
    throw signInFailure('unverified', 'the signature of the logout message is wrong');
  const xml = fromRedirect(message);
  const relayState = decoded(raw.get('RelayState'));
  return {
    kind: name === 'SAMLRequest' ? 'request' : 'response',
    root: readXml(xml),
    xml,
    message,
    relayState,
  };
}

const kinds = { request: 'LogoutRequest', response: 'LogoutResponse' } as const;

/** What both messages must be. */
export function checkLogout(
  { kind, root }: OpenedLogout,
  envelope: Envelope,
  allowed: AllowedAlgorithms,
): void {
  if (!isElement(root, 'protocol', kinds[kind]))
    throw signInFailure('malformed', `the message is no ${kinds[kind]}`);
  checkSignatures(root, (element) => element === root, allowed);
  checkEnvelope(root, envelope);
  if (!root.attributes.has('Destination'))
    throw signInFailure('audience', 'the message does not say whom it is for');
  if (!onlyChild(root, 'assertion', 'Issuer'))
    throw signInFailure('unverified', 'the message does not say who sends it');
}

export interface ReadLogoutRequest {
  id: string;
  /** Null: it is encrypted. */
  name: NameId | null;
  encrypted: XmlElement | null;
  /** None: every session of the name. */
  sessionIndexes: string[];
  /** Milliseconds: so long a second one of this ID is a replay. */
  expiresAt: number;
}

export function readLogoutRequest(root: XmlElement, now: Date, clockSkewSeconds: number): ReadLogoutRequest {
  checkPeriod(root, now, clockSkewSeconds);
  const issued = instantOf(root.attributes.get('IssueInstant'));
  if (issued === null) throw signInFailure('malformed', 'the request does not say when it was issued');
  const end = instantOf(root.attributes.get('NotOnOrAfter')) ?? issued + freshSeconds * 1000;
  if (end + clockSkewSeconds * 1000 <= now.getTime())
    throw signInFailure('expired', 'the request has expired');
  if (issued - clockSkewSeconds * 1000 > now.getTime())
    throw signInFailure('clock', 'the request is from the future');
  const name = onlyChild(root, 'assertion', 'NameID');
  const encrypted = onlyChild(root, 'assertion', 'EncryptedID');
  if ((name === null) === (encrypted === null))
    throw signInFailure('malformed', 'the request does not name one person');
  return {
    id: root.attributes.get('ID') ?? '',
    name: name && nameIdOf(name),
    encrypted,
    sessionIndexes: childrenOf(root, 'protocol', 'SessionIndex').map(({ text }) => text.trim()),
    expiresAt: end,
  };
}

/** The answer to our own request. */
export function readLogoutResponse(root: XmlElement): { inResponseTo: string; failure: string | null } {
  const status = onlyChild(onlyChild(root, 'protocol', 'Status'), 'protocol', 'StatusCode');
  const code = status?.attributes.get('Value') ?? '';
  const second = onlyChild(status, 'protocol', 'StatusCode')?.attributes.get('Value') ?? '';
  return {
    inResponseTo: root.attributes.get('InResponseTo') ?? '',
    failure: code === successStatus ? null : `${shortStatus(code)} ${shortStatus(second)}`,
  };
}
