import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The clock of a server that runs as a process of its own: it stands still until told. */
export class ToldClock {
  readonly #folder = mkdtempSync(join(tmpdir(), 'zhixing-clock-'));
  readonly #file = join(this.#folder, 'now');
  #now: number;

  constructor(start = '2026-11-23T08:00:00.000Z') {
    this.#now = Date.parse(start);
    this.advance(0);
  }
  /** For the server's environment. */
  get environment(): Record<string, string> {
    return {
      TOLD_CLOCK_FILE: this.#file,
      NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'told-clock.mjs')).href}`,
    };
  }
  advance(seconds: number): void {
    this.#now += seconds * 1000;
    const next = `${this.#file}.next`;
    writeFileSync(next, String(this.#now));
    renameSync(next, this.#file);
  }
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
