/** A contact e-mail waiting to be confirmed. The token itself is in the mail only. */
export interface EmailConfirmation {
  personId: string;
  email: string;
  tokenHash: string;
  expiresAt: Date;
}

/** How often a person may be sent one: `most` within `windowSeconds`, and `pauseSeconds` between two. */
export interface IssueLimits {
  most: number;
  windowSeconds: number;
  pauseSeconds: number;
}

/** Port: confirmations of contact e-mails, one open one per person at most. */
export interface EmailConfirmationStore {
  /**
   * Keeps the confirmation in the place of the person's earlier one, unless the limits are reached; atomic, so that of
   * several at once no more than the limits allow are kept.
   * @returns null when it was kept, else the instant from which the next one may be asked for
   */
  issue(confirmation: EmailConfirmation, at: Date, limits: IssueLimits): Promise<Date | null>;
  /** Spends it: the e-mail when the token is the open one and has not expired; of several callers one gets it. */
  spend(personId: string, tokenHash: string, now: Date): Promise<{ email: string } | null>;
  /** Everything about the person. */
  forget(personId: string): Promise<void>;
  /** Deletes what expired at or before `now`; says how many. */
  deleteExpired(now: Date): Promise<number>;
}

/** A mail as it left; kept in demo mode only, where nothing is sent. */
export interface OutboxMail {
  id: string;
  to: string;
  subject: string;
  text: string;
  at: Date;
}

/** Port: the outbox of demo mode. */
export interface OutboxStore {
  /** Adds the mail and drops all but the newest `keep`. */
  add(mail: OutboxMail, keep: number): Promise<void>;
  /** The newest first. */
  latest(limit: number): Promise<OutboxMail[]>;
}

/** From when a further confirmation may be issued: null: now. Shared by the engines, so that they decide alike. */
export function nextIssueAt(issuedAt: readonly Date[], at: Date, limits: IssueLimits): Date | null {
  const times = issuedAt.map((each) => each.getTime()).toSorted((a, b) => a - b);
  const inWindow = times.filter((time) => time > at.getTime() - limits.windowSeconds * 1000);
  const last = inWindow.at(-1);
  const waits = [
    ...(last === undefined ? [] : [last + limits.pauseSeconds * 1000]),
    ...(inWindow.length < limits.most
      ? []
      : [(inWindow.at(-limits.most) ?? 0) + limits.windowSeconds * 1000]),
  ].filter((time) => time > at.getTime());
  return waits.length === 0 ? null : new Date(Math.max(...waits));
}
