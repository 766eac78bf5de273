import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { newToken } from '../../base/ids.ts';

/** Where links wait: identity's `OnceStore` fits (things that hold once, over every process). */
export interface PreviewLinkStore {
  keep(key: string, value: string, expiresAt: Date): Promise<void>;
  read(key: string, now: Date): Promise<string | null>;
  take(key: string, now: Date): Promise<string | null>;
}

export interface PreviewLink {
  url: string;
  expiresAt: Date;
}

export interface PreviewLinks {
  /** A link that opens this version once, without signing in, and records nothing. */
  make(versionId: string): Promise<PreviewLink>;
  /** Whether the link still opens something; it stays as it is (a mail program may look before a person does). */
  waits(token: string): Promise<boolean>;
  /** The version, for the first who asks; null afterwards, and once it has expired. */
  take(token: string): Promise<string | null>;
}

const lifetime = 15 * 60_000;
const keyOf = (token: string): string =>
  `preview-link/${createHash('sha256').update(token).digest('base64url')}`;

/** Preview launch links for authoring tools and build pipelines. Only a hash of the token is kept. */
export function createPreviewLinks({
  store,
  clock,
  publicOrigin,
}: {
  store: PreviewLinkStore;
  clock: Clock;
  publicOrigin: string;
}): PreviewLinks {
  return {
    async make(versionId) {
      const token = newToken();
      const expiresAt = new Date(clock.now().getTime() + lifetime);
      await store.keep(keyOf(token), versionId, expiresAt);
      return { url: `${publicOrigin}/preview/${token}`, expiresAt };
    },
    waits: async (token) => (await store.read(keyOf(token), clock.now())) !== null,
    take: (token) => store.take(keyOf(token), clock.now()),
  };
}
