/** The only source of time. Tests pass one of their own (test/support/clock.ts). */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };
