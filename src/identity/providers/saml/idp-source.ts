import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { failureReasonOf, signInFailure } from '../failures.ts';
import { facts } from '../facts.ts';
import { createOutgoing } from '../outgoing.ts';
import type { Sealer } from '../sealer.ts';
import type { OnceStore } from '../store.ts';
import type { SamlIdpSource, SamlProvider } from '../types.ts';
import { readIdpMetadata, type IdpDescription } from './idp-metadata.ts';

/** Where the description of the other side comes from. */
export interface IdpSource {
  /** @throws DomainError `sign-in-away`, `sign-in-configuration` when there is none to be had */
  current(): Promise<IdpDescription>;
  /**
   * A signature did not fit: perhaps the provider has a new key. Reads again, at most once a minute.
   * @returns null when there is nothing newer
   */
  renewed(): Promise<IdpDescription | null>;
}

/** After a failure, and between two readings that signatures have asked for. */
const patienceSeconds = 60;
/** A provider may be away so long before its keys are believed no longer. */
const longestDays = 14;

interface Copy {
  description: IdpDescription;
  /** Milliseconds. */
  readAt: number;
}

export interface IdpSourceDeps {
  provider: Pick<SamlProvider, 'key' | 'idp' | 'timeoutSeconds'>;
  once: OnceStore;
  sealer: Sealer;
  clock: Clock;
  logger: Logger;
}

function givenSource(idp: Extract<SamlIdpSource, { kind: 'given' }>): IdpSource {
  const description: IdpDescription = {
    entityId: idp.entityId,
    entryPoint: idp.entryPoint,
    logoutUrl: idp.logoutUrl,
    logoutResponseUrl: idp.logoutUrl,
    certificates: idp.certificates,
    wantsSignedRequests: false,
    validUntil: null,
  };
  return { current: async () => description, renewed: async () => null };
}

const stillValid = ({ description: { validUntil } }: Copy, now: number): boolean =>
  validUntil === null || now < validUntil;

/** A file is looked at each time and read when it has changed; while the new one is unusable the last good one holds. */
function fileSource(
  { path, entityId }: { path: string; entityId: string | null },
  deps: IdpSourceDeps,
): IdpSource {
  const { provider, clock, logger } = deps;
  let copy: Copy | null = null;
  let seen = '';
  async function current(): Promise<IdpDescription> {
    const now = clock.now().getTime();
    try {
      const { mtimeMs, size } = await stat(path);
      const mark = `${mtimeMs} ${size}`;
      if (mark !== seen) {
        const description = readIdpMetadata(await readFile(path, 'utf8'), entityId);
        copy = { description, readAt: now };
        seen = mark;
      }
    } catch (error) {
      if (copy)
        logger.warn(
          { provider: provider.key, facts: facts(error) },
          'SAML metadata: the last good copy is used',
        );
      else if (failureReasonOf(error) !== null) throw error;
      else throw signInFailure('configuration', "the provider's metadata file cannot be read", error);
    }
    if (!copy || !stillValid(copy, now))
      throw signInFailure('configuration', "the provider's metadata file is no longer valid (validUntil)");
    return copy.description;
  }
  return { current, renewed: async () => null };
}

/**
 * Metadata at an address: read when first needed and again after `refreshSeconds`. While the provider is away the last
 * good copy holds (for every process, and over a restart: it is kept sealed in the store), until it says itself that it is
 * over, at most two weeks. A sign-in never waits for a refresh when there is a copy.
 */
function urlSource(
  { url, entityId, refreshSeconds }: Extract<SamlIdpSource, { kind: 'url' }>,
  deps: IdpSourceDeps,
): IdpSource {
  const { provider, once, sealer, clock, logger } = deps;
  const outgoing = createOutgoing(provider.timeoutSeconds);
  const key = `saml-metadata:${provider.key}:${entityId ?? ''}:${url}`;
  const now = (): number => clock.now().getTime();
  let copy: Copy | null = null;
  let triedAt = -Infinity;
  let reading: Promise<Copy> | null = null;

  async function readNow(): Promise<Copy> {
    const answer = await outgoing(url, {
      headers: { accept: 'application/samlmetadata+xml, application/xml' },
    });
    if (answer.status !== 200)
      throw signInFailure('away', `the provider's metadata was answered with status ${answer.status}`);
    const fresh = { description: readIdpMetadata(await answer.text(), entityId), readAt: now() };
    if (!stillValid(fresh, now()))
      throw signInFailure('configuration', "the provider's metadata is no longer valid (validUntil)");
    copy = fresh;
    const until = new Date(fresh.readAt + longestDays * 86_400_000);
    await once.keep(key, sealer.seal(JSON.stringify(fresh)), until);
    return fresh;
  }
  /** One reading at a time, whoever asks. */
  const read = (): Promise<Copy> => {
    triedAt = now();
    reading ??= readNow().finally(() => (reading = null));
    return reading;
  };
  const note = (error: unknown): null => {
    logger.warn({ provider: provider.key, facts: facts(error) }, 'SAML metadata: the last good copy is used');
    return null;
  };
  const usable = (one: Copy): boolean =>
    stillValid(one, now()) && now() - one.readAt < longestDays * 86_400_000;
  const kept = async (): Promise<Copy | null> => {
    const sealed = await once.read(key, clock.now());
    const text = sealed === null ? null : sealer.open(sealed);
    return text === null ? null : (JSON.parse(text) as Copy);
  };
  const mayTry = (): boolean => now() - triedAt >= patienceSeconds * 1000;

  return {
    async current() {
      copy ??= await kept();
      if (!copy || !usable(copy)) return (await read()).description;
      if (now() - copy.readAt >= refreshSeconds * 1000 && mayTry()) read().catch(note);
      return copy.description;
    },
    async renewed() {
      if (!mayTry()) return null;
      return read().then(({ description }) => description, note);
    },
  };
}

export function createIdpSource(deps: IdpSourceDeps): IdpSource {
  const { idp } = deps.provider;
  switch (idp.kind) {
    case 'given':
      return givenSource(idp);
    case 'file':
      return fileSource(idp, deps);
    case 'url':
      return urlSource(idp, deps);
  }
}
