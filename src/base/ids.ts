import { randomBytes } from 'node:crypto';
import { v4, v5, v7, validate } from 'uuid';

/** A random UUID (v4): registrations, Statement ids, anything a client may see and must not guess. */
export const newUuid = (): string => v4();

/** A time-ordered UUID (v7): row ids that profit from locality. */
export const newSortableId = (): string => v7();

const namespace = '6f1b2f0e-5a0c-4f7a-9d53-0a2c1d9b7e11';

/** The same parts give the same UUID (v5): makes a write that may run twice idempotent. */
export const uuidFrom = (...parts: string[]): string => v5(parts.join('\u0000'), namespace);

export const isUuid = (value: unknown): value is string => typeof value === 'string' && validate(value);

/** An unguessable URL-safe token; 32 bytes unless told. Store only its hash. */
export const newToken = (bytes = 32): string => randomBytes(bytes).toString('base64url');
