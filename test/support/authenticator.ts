import { Secret, TOTP } from 'otpauth';

const period = 30_000;

/** An authenticator app: shows a code that the platform has not taken yet, waiting for the next one where there is none. */
export class Authenticator {
  readonly #totp: TOTP;
  #last = 0;
  /** @param secret base32, spaces as on the page */
  constructor(secret: string) {
    this.#totp = new TOTP({
      algorithm: 'SHA1',
      digits: 6,
      period: period / 1000,
      secret: Secret.fromBase32(secret.replaceAll(' ', '')),
    });
  }
  /** One step before and after now are taken too (RFC 6238, 5.2): the earliest that has not been used. */
  async code(): Promise<string> {
    for (;;) {
      const now = Math.floor(Date.now() / period);
      const step = Math.max(this.#last + 1, now - 1);
      // Near the edge of a step the one before might be too old when it arrives.
      const late = step === now - 1 && Date.now() % period > period - 3000;
      if (step <= now + 1 && !late) {
        this.#last = step;
        return this.#totp.generate({ timestamp: step * period });
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  /** Six digits that are no code of about now. */
  wrong(): string {
    const now = Date.now();
    const near = [-2, -1, 0, 1, 2].map((step) => this.#totp.generate({ timestamp: now + step * period }));
    return (
      ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !near.includes(code)) ?? ''
    );
  }
}
