import { createHash } from 'node:crypto';

/** `<registration>|<hash of the item>`: item identifiers may be longer than an index bears. */
export const runtimeStateId = (registration: string, item: string): string =>
  `${registration}|${createHash('sha256').update(item).digest('base64url')}`;
