export interface Answer {
  status: number;
  location: string | null;
  text: string;
}

/** A browser's cookies and form token over plain HTTP; follows nothing. */
export class Client {
  readonly origin: string;
  #cookie = '';
  #token: string | null = null;

  constructor(origin: string) {
    this.origin = origin;
  }

  async send(
    method: string,
    path: string,
    given: { form?: Record<string, string>; headers?: Record<string, string>; body?: BodyInit } = {},
  ): Promise<Answer> {
    const stop = new AbortController();
    const answer = await fetch(new URL(path, this.origin), {
      method,
      redirect: 'manual',
      signal: stop.signal,
      headers: {
        accept: 'text/html',
        ...(this.#cookie === '' ? {} : { cookie: this.#cookie }),
        ...given.headers,
      },
      ...(given.body !== undefined
        ? { body: given.body }
        : given.form
          ? { body: new URLSearchParams(given.form) }
          : {}),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      if (pair.startsWith('zhixing=')) this.#cookie = pair;
    }
    // A live stream has no end: its head has said all there is to know.
    const streams = answer.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    const text = streams ? '' : await answer.text();
    if (streams) stop.abort();
    return { status: answer.status, location: answer.headers.get('location'), text };
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path);
  }

  /** The token that forms of this session carry, from a page that has one. */
  async token(): Promise<string> {
    this.#token ??=
      /name="_csrf" value="([^"]+)"/.exec((await this.get('/sign-in-questions')).text)?.[1] ?? null;
    this.#token ??= /name="_csrf" value="([^"]+)"/.exec((await this.get('/sign-in')).text)?.[1] ?? null;
    if (this.#token === null) throw new Error('No page has a form.');
    return this.#token;
  }

  async post(path: string, form: Record<string, string> = {}): Promise<Answer> {
    return this.send('POST', path, {
      form: { _csrf: await this.token(), ...form },
      headers: { origin: this.origin },
    });
  }

  async signIn(loginName: string, password: string): Promise<this> {
    const { status, text } = await this.post('/sign-in', { loginName, password });
    if (status !== 303) throw new Error(`${loginName} cannot sign in: ${status} ${text.slice(0, 500)}`);
    this.#token = null;
    return this;
  }
}
