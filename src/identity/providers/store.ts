/**
 * Port: things that hold once and for a short time, over every process: a message that was seen, a parcel that is
 * taken by the first who comes for it. Keys and values are at most 1 MB; a value that must not be read from a stolen
 * table is sealed before it comes here.
 */
export interface OnceStore {
  /** True for the first who names the key, false for everybody after; forgotten at the earliest at `expiresAt`. */
  remember(key: string, expiresAt: Date): Promise<boolean>;
  /** Keeps a value; replaces an earlier one. */
  keep(key: string, value: string, expiresAt: Date): Promise<void>;
  /** The value; null when there is none or it has expired. */
  read(key: string, now: Date): Promise<string | null>;
  /** The value, for one taker only; null when it was taken, has expired or never was. */
  take(key: string, now: Date): Promise<string | null>;
  deleteExpired(now: Date): Promise<number>;
}
