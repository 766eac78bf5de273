import type { Clock } from '../../src/base/clock.ts';

/** A clock that stands still until told; it may also step back. */
export class TestClock implements Clock {
  #now: number;
  constructor(start = '2026-11-23T08:00:00.000Z') {
    this.#now = Date.parse(start);
  }
  now(): Date {
    return new Date(this.#now);
  }
  advance(seconds: number): void {
    this.#now += seconds * 1000;
  }
  set(instant: string): void {
    this.#now = Date.parse(instant);
  }
}
