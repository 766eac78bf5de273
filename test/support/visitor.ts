/** One learner's browser: cookies and forms, over whatever process answers. Sends again what got no answer. */
export class Visitor {
  #cookies = new Map<string, string>();
  readonly #origin: string;
  readonly #address: string;
  constructor(origin: string, address = '192.0.2.1') {
    this.#origin = origin;
    this.#address = address;
  }
  async #send(
    path: string,
    form?: Record<string, string>,
  ): Promise<{ url: string; text: string; status: number }> {
    for (let tries = 0; ; tries++) {
      try {
        const answer = await fetch(new URL(path, this.#origin), {
          method: form ? 'POST' : 'GET',
          redirect: 'manual',
          headers: {
            cookie: this.cookies,
            accept: 'text/html',
            connection: 'close',
            'x-forwarded-for': this.#address,
            ...(form ? { origin: this.#origin } : {}),
          },
          ...(form ? { body: new URLSearchParams(form) } : {}),
        });
        const text = await answer.text();
        for (const cookie of answer.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
          this.#cookies.set(name, value);
        }
        if (answer.status >= 500) throw new Error(`${answer.status} at ${path}`);
        const next = answer.headers.get('location');
        if (next) return await this.#send(next);
        return { url: path, text, status: answer.status };
      } catch (error) {
        if (tries > 400) throw error;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }
  /** The Cookie header that this browser sends now. */
  get cookies(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
  /** Posts JSON as the player does, or a form without the portal's token, again until it is answered. */
  async post<T>(url: string, body: object | URLSearchParams): Promise<T> {
    for (let tries = 0; ; tries++) {
      const answer = await fetch(new URL(url, this.#origin), {
        method: 'POST',
        headers: {
          connection: 'close',
          origin: this.#origin,
          'x-forwarded-for': this.#address,
          ...(body instanceof URLSearchParams ? {} : { 'content-type': 'application/json' }),
        },
        body: body instanceof URLSearchParams ? body : JSON.stringify(body),
      }).catch(() => null);
      const text = await answer?.text().catch(() => null);
      if (answer && text != null && answer.status < 500) {
        if (!answer.ok) throw new Error(`${answer.status} at ${url}: ${text.slice(0, 300)}`);
        return (answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text) as T;
      }
      if (tries > 400) throw new Error(`no answer at ${url}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  get(path: string): Promise<{ url: string; text: string }> {
    return this.#send(path);
  }
  async submit(
    page: string,
    path: string,
    fields: Record<string, string> = {},
  ): Promise<{ url: string; text: string }> {
    const { text } = await this.#send(page);
    const csrf = /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
    return this.#send(path, { _csrf: csrf, ...fields });
  }
}
