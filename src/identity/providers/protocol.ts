import type { ExternalProfile } from '../types.ts';

/** Why somebody who is signed in goes to a provider once more: to add this way to sign in, or to show that it is still them. */
export interface Purpose {
  kind: 'link' | 'confirm';
  /** Who is signed in. */
  personId: string;
}

/** One sign-in that was begun in this browser: kept in its web session, taken out by the answer, good for once. */
export interface Attempt {
  provider: string;
  /** OAuth `state`, SAML `RelayState`: says which attempt an answer belongs to. */
  state: string;
  nonce: string;
  codeVerifier: string;
  /** The id of the SAML request. */
  requestId: string;
  /** A path of the portal. */
  returnTo: string;
  /** Milliseconds. */
  startedAt: number;
  /** Absent: to sign in. */
  purpose?: Purpose;
}

/** What is needed to sign out at the provider later; kept sealed in the web session. */
export interface LogoutFacts {
  provider: string;
  idToken?: string;
  /** Stands in for the name: it is always there, also where the name may not be kept (named-sessions.ts). */
  nameHash?: string;
  nameId?: string;
  nameIdFormat?: string;
  nameQualifier?: string;
  spNameQualifier?: string;
  sessionIndex?: string;
}

/** Whom the provider vouches for at the end of a sign-in. */
export interface Vouched {
  profile: ExternalProfile;
  notes: string[];
  logout: LogoutFacts;
}

/** The parameters of the provider's answer, from the query or from a posted form. */
export type Answer = URLSearchParams;

/** How one provider is spoken with. Every method ends in a DomainError `sign-in-…` (failures.ts) when it fails. */
export interface Protocol {
  /** The address at the provider that the browser is sent to. */
  begin(attempt: Attempt): Promise<string>;
  /** @param attempt null: nobody here has asked (only a SAML provider may be allowed that) */
  complete(attempt: Attempt | null, answer: Answer): Promise<Vouched>;
  /** The address at the provider that ends its session too; null when it has none. */
  signOutUrl(facts: LogoutFacts, state: string): Promise<string | null>;
}
