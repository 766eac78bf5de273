import type { Clock } from '../../base/clock.ts';
import type { AuditEntry, AuditStore } from '../audit/store.ts';
import { newReference } from '../providers/failures.ts';
import type { OnceStore } from '../providers/store.ts';

/** So long a reference can be asked for. */
export const keptDays = 30;

/** A sign-in that did not succeed, as anybody who holds its reference may know it: nothing of whose it was. */
export interface SignInFailure {
  reference: string;
  /** `local`, or a provider's key. */
  method: string;
  /** e.g. `expired`, `wrong-password`: words for it are under `providers.reasons` and `help.reasons`. */
  reason: string;
  at: Date;
}

export interface SignInFailures {
  /** Keeps why a sign-in failed under a new reference, or under the one that the reader has seen already. */
  note(failure: { reference?: string; method: string; reason: string }): Promise<string>;
  /** By the reference as somebody types it; null when there is none such, or none any more. */
  find(text: string): Promise<SignInFailure | null>;
  /** Its line of the audit log, which says more; for support. */
  line(failure: SignInFailure): Promise<AuditEntry | null>;
}

/** `k7m2q xw4pn` → `K7M2Q-XW4PN`; null when it cannot be a reference. */
export function cleanReference(text: string): string | null {
  const letters = text.toUpperCase().replace(/[\s-]/g, '');
  return /^[2-9A-HJ-NP-Z]{10}$/.test(letters) ? `${letters.slice(0, 5)}-${letters.slice(5)}` : null;
}

/** The protocol in front of a provider's reason stands in the audit log only. */
const plainReason = (reason: string): string => reason.replace(/^(oidc|oauth2|saml|ticket)-/, '');
/** Note and line are written one after the other; a busy database may take its time. */
const marginMs = 120_000;

export function createSignInFailures(deps: {
  once: Pick<OnceStore, 'keep' | 'read'>;
  audit: Pick<AuditStore, 'find'>;
  clock: Clock;
}): SignInFailures {
  const { once, audit, clock } = deps;
  const keyOf = (reference: string): string => `sign-in-failure:${reference}`;
  return {
    async note({ reference = newReference(), method, reason }) {
      const at = clock.now();
      const kept = { method, reason: plainReason(reason), at: at.toISOString() };
      const until = new Date(at.getTime() + keptDays * 86_400_000);
      await once.keep(keyOf(reference), JSON.stringify(kept), until);
      return reference;
    },
    async find(text) {
      const reference = cleanReference(text);
      const kept = reference === null ? null : await once.read(keyOf(reference), clock.now());
      if (reference === null || kept === null) return null;
      const { method, reason, at } = JSON.parse(kept) as { method: string; reason: string; at: string };
      return { reference, method, reason, at: new Date(at) };
    },
    async line({ reference, at }) {
      let before: number | null = null;
      for (;;) {
        const page: AuditEntry[] = await audit.find({
          personId: null,
          action: 'sign-in',
          outcome: 'failure',
          from: at.getTime() - marginMs,
          to: at.getTime() + marginMs,
          before,
          limit: 500,
        });
        const found = page.find(({ detail }) => detail?.['reference'] === reference);
        if (found) return found;
        const last = page.at(-1);
        if (!last) return null;
        before = last.seq;
      }
    },
  };
}
