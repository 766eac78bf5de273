import { signInFailure } from '../failures.ts';
import type { Claims } from '../profile.ts';
import { childrenOf, deepText, instantOf, isElement, onlyChild, type XmlElement } from './xml.ts';

const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const mostAttributes = 200;

export interface NameId {
  value: string;
  format: string | null;
  nameQualifier: string | null;
  spNameQualifier: string | null;
}

/** What a verified assertion says. */
export interface Assertion {
  id: string;
  name: NameId;
  sessionIndex: string | null;
  /** By Name and, where no other has it as Name, by FriendlyName; one text, or several. */
  attributes: Claims;
  /** Milliseconds: afterwards it is no good for anybody. */
  expiresAt: number;
}

export interface Expected {
  issuer: string;
  audience: string;
  /** Our assertion consumer service. */
  recipient: string;
  /** Null: nobody here has asked. */
  requestId: string | null;
  /** Empty: any. */
  authnContext: readonly string[];
  /** Milliseconds: the person must have been asked at the provider since then; null: whenever it was. */
  authenticatedSince: number | null;
  now: Date;
  clockSkewSeconds: number;
}

const optional = (element: XmlElement, name: string): string | null => element.attributes.get(name) ?? null;

export const nameIdOf = (element: XmlElement): NameId => ({
  value: deepText(element),
  format: optional(element, 'Format'),
  nameQualifier: optional(element, 'NameQualifier'),
  spNameQualifier: optional(element, 'SPNameQualifier'),
});

/** Tells whether now is within the element's NotBefore and NotOnOrAfter; one that cannot be read is never right. */
export function checkPeriod(element: XmlElement, now: Date, clockSkewSeconds: number): void {
  const time = now.getTime();
  const skew = clockSkewSeconds * 1000;
  const from = optional(element, 'NotBefore');
  const until = optional(element, 'NotOnOrAfter');
  const [begins, ends] = [instantOf(from ?? undefined), instantOf(until ?? undefined)];
  if ((from !== null && begins === null) || (until !== null && ends === null))
    throw signInFailure('malformed', `${element.name} has a time that is none`);
  if (begins !== null && begins - skew > time) throw signInFailure('clock', `${element.name}: not yet valid`);
  if (ends !== null && ends + skew <= time) throw signInFailure('expired', `${element.name}: expired`);
}

/** The first bearer confirmation that is meant for us; says of the last one what is wrong with it (saml-profiles 4.1.4.3). */
function checkConfirmation(subject: XmlElement, expected: Expected): number {
  const { recipient, requestId, now, clockSkewSeconds } = expected;
  let failure = signInFailure('unverified', 'the subject is not confirmed by bearer');
  for (const confirmation of childrenOf(subject, 'assertion', 'SubjectConfirmation')) {
    if (confirmation.attributes.get('Method') !== bearer) continue;
    try {
      const data = onlyChild(confirmation, 'assertion', 'SubjectConfirmationData');
      const until = data && instantOf(data.attributes.get('NotOnOrAfter'));
      if (!data || until === null) throw signInFailure('unverified', 'the confirmation has no end');
      if (data.attributes.get('Recipient') !== recipient)
        throw signInFailure('audience', 'the assertion is for another recipient');
      if (optional(data, 'InResponseTo') !== requestId)
        throw signInFailure('unverified', 'the assertion answers another request');
      checkPeriod(data, now, clockSkewSeconds);
      return until;
    } catch (error) {
      failure = error as typeof failure;
    }
  }
  throw failure;
}

function checkConditions(assertion: XmlElement, { audience, now, clockSkewSeconds }: Expected): void {
  const conditions = onlyChild(assertion, 'assertion', 'Conditions');
  const restrictions = childrenOf(conditions, 'assertion', 'AudienceRestriction');
  if (!conditions || restrictions.length === 0)
    throw signInFailure('audience', 'the assertion names no audience');
  checkPeriod(conditions, now, clockSkewSeconds);
  const named = restrictions.map((each) =>
    childrenOf(each, 'assertion', 'Audience').map(({ text }) => text.trim()),
  );
  if (!named.every((audiences) => audiences.includes(audience)))
    throw signInFailure('audience', 'the assertion is for another audience');
}

function checkAuthentication(assertion: XmlElement, expected: Expected): string | null {
  const statements = childrenOf(assertion, 'assertion', 'AuthnStatement');
  const [statement] = statements;
  if (!statement) throw signInFailure('incomplete', 'the assertion says nothing of a sign-in');
  const { now, clockSkewSeconds, authnContext, authenticatedSince } = expected;
  const until = optional(statement, 'SessionNotOnOrAfter');
  const ends = instantOf(until ?? undefined);
  if (until !== null && (ends === null || ends + clockSkewSeconds * 1000 <= now.getTime()))
    throw signInFailure('expired', 'the session at the provider is over');
  if (authenticatedSince !== null) {
    const at = instantOf(statement.attributes.get('AuthnInstant'));
    if (at === null || at < authenticatedSince - (clockSkewSeconds + 1) * 1000)
      throw signInFailure('unverified', 'the provider has not asked the person again');
  }
  if (authnContext.length > 0) {
    const context = onlyChild(statement, 'assertion', 'AuthnContext');
    const reference = onlyChild(context, 'assertion', 'AuthnContextClassRef')?.text.trim() ?? '';
    if (!authnContext.includes(reference))
      throw signInFailure('refused', 'the provider has not signed the person in as it was asked to');
  }
  return optional(statement, 'SessionIndex');
}

function attributesOf(assertion: XmlElement): Claims {
  const byName = new Map<string, string[]>();
  const byFriendlyName = new Map<string, string[]>();
  let count = 0;
  for (const statement of childrenOf(assertion, 'assertion', 'AttributeStatement'))
    for (const attribute of childrenOf(statement, 'assertion', 'Attribute')) {
      if (++count > mostAttributes) throw signInFailure('too-large', 'the assertion has too many attributes');
      const values = childrenOf(attribute, 'assertion', 'AttributeValue').map(deepText);
      const note = (map: Map<string, string[]>, name: string | null): void => {
        if (name !== null) map.set(name, [...(map.get(name) ?? []), ...values]);
      };
      note(byName, optional(attribute, 'Name'));
      note(byFriendlyName, optional(attribute, 'FriendlyName'));
    }
  // fromEntries makes own properties whatever the name: `__proto__` is a name like any other.
  return Object.fromEntries([...byFriendlyName, ...byName]);
}

/**
 * Reads an assertion whose signature was verified; `root` must come from the signed bytes alone.
 * @throws DomainError with the reason why it is not good for this sign-in
 */
export function readAssertion(root: XmlElement, expected: Expected): Assertion {
  if (!isElement(root, 'assertion', 'Assertion') || root.attributes.get('Version') !== '2.0')
    throw signInFailure('malformed', 'what was signed is no assertion of SAML 2.0');
  const id = root.attributes.get('ID') ?? '';
  if (id === '' || id.length > 1000) throw signInFailure('malformed', 'the assertion has no ID');
  if (onlyChild(root, 'assertion', 'Issuer')?.text.trim() !== expected.issuer)
    throw signInFailure('unverified', 'the assertion is from another issuer');
  const issued = instantOf(root.attributes.get('IssueInstant'));
  if (issued === null) throw signInFailure('malformed', 'the assertion does not say when it was issued');
  if (issued - expected.clockSkewSeconds * 1000 > expected.now.getTime())
    throw signInFailure('clock', 'the assertion is from the future');
  const subject = onlyChild(root, 'assertion', 'Subject');
  const name = onlyChild(subject, 'assertion', 'NameID');
  if (!subject || !name) throw signInFailure('incomplete', 'the assertion names nobody');
  checkConditions(root, expected);
  const expiresAt = checkConfirmation(subject, expected);
  return {
    id,
    name: nameIdOf(name),
    sessionIndex: checkAuthentication(root, expected),
    attributes: attributesOf(root),
    expiresAt,
  };
}
