/** A mail to one person, as plain text; links stand on lines of their own. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
}

/** The way out for mails: SMTP, or the outbox of demo mode. */
export interface Mailer {
  /** Resolves once the next server has taken the mail; DomainError `unavailable` (`mail-away`) when none does. */
  send(mail: Mail): Promise<void>;
  close(): void;
}
