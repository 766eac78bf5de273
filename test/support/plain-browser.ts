/** A browser without a screen: keeps cookies, follows nothing by itself, sends forms with the page's token. */
export interface Answer {
  status: number;
  location: string | null;
  text: string;
  headers: Headers;
}

export class PlainBrowser {
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();
  #csrf = '';
  constructor(origin: string) {
    this.#origin = origin;
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name);
  }

  async #send(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Answer> {
    const answer = await fetch(new URL(path, this.#origin), {
      redirect: 'manual',
      ...init,
      headers: {
        accept: 'text/html',
        'accept-language': 'zh-TW',
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...init.headers,
      },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const text = await answer.text();
    this.#csrf = /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? this.#csrf;
    const location = answer.headers.get('location');
    return { status: answer.status, location, text, headers: answer.headers };
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send(path, { headers });
  }

  /** Follows redirects; gives the last page. */
  async open(path: string): Promise<Answer & { path: string }> {
    let at = path;
    for (let hops = 0; hops < 10; hops++) {
      const answer = await this.get(at);
      if (answer.location === null) return { ...answer, path: at };
      at = answer.location;
    }
    throw new Error(`${path} redirects without end; last to ${at}`);
  }

  post(
    path: string,
    fields: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.#send(path, {
      method: 'POST',
      headers: { origin: this.#origin, ...headers },
      body: new URLSearchParams({ _csrf: this.#csrf, ...fields }),
    });
  }

  async signIn(loginName: string, password: string, returnTo = '/'): Promise<Answer> {
    await this.get('/sign-in');
    return this.post('/sign-in', { loginName, password, returnTo });
  }
}
