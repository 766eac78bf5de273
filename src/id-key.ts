import { createHmac } from 'node:crypto';
import type { Clock } from './base/clock.ts';
import { DomainError } from './base/errors.ts';
import { createSealer, deriveKey, isSealed, type Sealer } from './base/sealing.ts';
import { createIdNumberVault } from './identity/id-numbers.ts';
import type { OnceStore } from './identity/providers/store.ts';
import type { ExternalIdentity, PersonPatch, PersonRecord } from './identity/store.ts';
import { forwardingBinding, forwardingSealUse } from './lrs/admin/forwarding.ts';
import type { Storage } from './storage/open.ts';

// ID_NUMBER_KEY: which one the store was sealed with, and its replacement by another (npm run rotate-id-key).

const markKey = 'id-number-key';
const rotationKey = 'id-number-key/rotation';
const forEver = new Date('9999-12-31T00:00:00Z');

/** Tells keys apart and gives nothing of them away. */
export const fingerprintOf = (key: Buffer): string =>
  createHmac('sha256', deriveKey(key, 'id-number/fingerprint'))
    .update('zhixing')
    .digest('base64url')
    .slice(0, 16);

/**
 * Asked at each start: another key than the store's would find nobody by ID number and make every person a second time.
 * The first start notes its key. @throws DomainError `conflict` on another key, or on a rotation that is not finished
 */
export async function checkIdKey(once: OnceStore, key: Buffer, clock: Clock): Promise<void> {
  const now = clock.now();
  if ((await once.read(rotationKey, now)) !== null)
    throw new DomainError(
      'conflict',
      'The rotation of ID_NUMBER_KEY is not finished: run the same `npm run rotate-id-key` again, it goes on where it was.',
      { code: 'id-key-rotation' },
    );
  const kept = await once.read(markKey, now);
  if (kept === null) return once.keep(markKey, fingerprintOf(key), forEver);
  if (kept !== fingerprintOf(key))
    throw new DomainError(
      'conflict',
      'ID_NUMBER_KEY is not the key that this store is sealed with. Set that one, or replace it with `npm run rotate-id-key`.',
    );
}

export interface KeyRotation {
  storage: Storage;
  oldKey: Buffer;
  newKey: Buffer;
  clock: Clock;
  /** Only counts. */
  dryRun: boolean;
  onProgress?: (people: number) => void;
}

export interface KeyRotationReport {
  people: number;
  /** Values sealed anew in this run (with dryRun: that would be), and those that were under the new key already. */
  changed: { idNumbers: number; secondFactors: number; signIns: number; forwarding: number };
  already: number;
  /** What neither key opens: a person's or a rule's id, and which value. */
  faults: string[];
  /** Sign-ins by the hash of a number that is not the person's any more: dead already, left as they are. */
  stale: string[];
}

const pageSize = 500;
const hashPrefix = 'id-number:';

/** Opens with the new key, else with the old one; null: with neither. */
function openWith(newer: Sealer, older: Sealer, sealed: string, boundTo?: string) {
  for (const [sealer, isNew] of [
    [newer, true],
    [older, false],
  ] as const)
    try {
      return { text: sealer.open(sealed, boundTo), isNew };
    } catch {
      // The other one, then.
    }
  return null;
}

/**
 * Seals everything that hangs on the old key under the new one: ID numbers with their look-up hashes, sign-ins that are known
 * by such a hash, second factors, forwarding secrets. Each person is one write, so a run that was cut off goes on where it
 * was. The program must not run meanwhile, and refuses to start until the rotation is finished.
 */
export async function rotateIdKey(given: KeyRotation): Promise<KeyRotationReport> {
  const { storage, oldKey, newKey, clock, dryRun } = given;
  const { identity, once } = storage;
  const [older, newer] = [createIdNumberVault(oldKey), createIdNumberVault(newKey)];
  const sealers = (use: string) => [createSealer(newKey, use), createSealer(oldKey, use)] as const;
  const numbers = sealers('id-number/seal');
  const codes = sealers('totp/seal');
  const forwards = sealers(forwardingSealUse);
  const report: KeyRotationReport = {
    people: 0,
    changed: { idNumbers: 0, secondFactors: 0, signIns: 0, forwarding: 0 },
    already: 0,
    faults: [],
    stale: [],
  };

  const kept = await once.read(markKey, clock.now());
  const names = { [fingerprintOf(oldKey)]: 'old', [fingerprintOf(newKey)]: 'new' };
  if (kept !== null && names[kept] === undefined)
    throw new DomainError('conflict', 'The old key is not the key that this store is sealed with.');
  const under = await once.read(rotationKey, clock.now());
  const wanted = `${fingerprintOf(oldKey)} ${fingerprintOf(newKey)}`;
  if (under !== null && under !== wanted)
    throw new DomainError(
      'conflict',
      'Another rotation is not finished: finish that one first, with its two keys.',
    );
  if (!dryRun) await once.keep(rotationKey, wanted, forEver);

  /** The sign-in under the new hash before the old one goes: a run that is cut off between them loses none. */
  const signIns = async (person: PersonRecord, number: string): Promise<void> => {
    const all = await identity.identitiesOf(person.id);
    for (const one of all.filter(({ subject }) => subject.startsWith(hashPrefix))) {
      const next: ExternalIdentity = { ...one, subject: hashPrefix + newer.lookup(number) };
      if (one.subject === next.subject) report.already++;
      else if (one.subject === hashPrefix + older.lookup(number)) {
        report.changed.signIns++;
        if (dryRun) continue;
        if (!all.some(({ provider, subject }) => provider === next.provider && subject === next.subject))
          await identity.link(person.id, next);
        await identity.unlink(person.id, one);
      } else report.stale.push(`person ${person.id}: sign-in at ${one.provider}`);
    }
  };
  const rotatePerson = async (person: PersonRecord): Promise<void> => {
    const patch: PersonPatch = {};
    if (person.idNumber) {
      const opened = openWith(...numbers, person.idNumber.sealed);
      if (!opened) report.faults.push(`person ${person.id}: ID number`);
      else {
        await signIns(person, opened.text);
        if (opened.isNew && person.idNumber.lookup === newer.lookup(opened.text)) report.already++;
        else {
          report.changed.idNumbers++;
          patch.idNumber = newer.seal(opened.text);
        }
      }
    }
    if (person.totp) {
      const opened = openWith(...codes, person.totp.sealed, person.id);
      if (!opened) report.faults.push(`person ${person.id}: second factor`);
      else if (opened.isNew) report.already++;
      else {
        report.changed.secondFactors++;
        patch.totp = { ...person.totp, sealed: codes[0].seal(opened.text, person.id) };
      }
    }
    if (dryRun || Object.keys(patch).length === 0) return;
    const outcome = await identity.update(person.id, patch);
    if (outcome !== null) report.faults.push(`person ${person.id}: ${outcome}`);
  };

  for (let after: string | null = null; ;) {
    const page: PersonRecord[] = await identity.page(after, pageSize);
    for (const person of page) await rotatePerson(person);
    report.people += page.length;
    given.onProgress?.(report.people);
    after = page.at(-1)?.id ?? null;
    if (page.length < pageSize) break;
  }
  for (const {
    position,
    failures: _,
    nextAttemptAt: __,
    lastError: ___,
    ...rule
  } of await storage.lrs.admin.rules()) {
    if (!isSealed(rule.authorization)) continue; // of an early version: sealed at the next start
    const opened = openWith(...forwards, rule.authorization, forwardingBinding(rule));
    if (!opened) report.faults.push(`forwarding rule ${rule.id}`);
    else if (opened.isNew) report.already++;
    else {
      report.changed.forwarding++;
      const authorization = forwards[0].seal(opened.text, forwardingBinding(rule));
      if (!dryRun) await storage.lrs.admin.putRule({ ...rule, authorization }, position);
    }
  }

  if (!dryRun && report.faults.length === 0) {
    await once.keep(markKey, fingerprintOf(newKey), forEver);
    await once.take(rotationKey, clock.now());
  }
  return report;
}
