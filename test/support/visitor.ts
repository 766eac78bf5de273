import { request } from 'node:http';
import { text } from 'node:stream/consumers';

interface Answer {
  status: number;
  type: string;
  location: string | undefined;
  cookies: string[];
  text: string;
}

/**
 * One request over a connection of its own, so that whichever process is there answers.
 * Node's own client and not fetch: of an answer with `Connection: close` fetch takes for whole what a killed process left.
 * @throws when the connection breaks before the answer is whole
 */
const send = (url: URL, method: string, headers: Record<string, string>, body?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (answer) => {
      text(answer).then(
        (whole) =>
          resolve({
            status: answer.statusCode ?? 0,
            type: answer.headers['content-type'] ?? '',
            location: answer.headers.location,
            cookies: answer.headers['set-cookie'] ?? [],
            text: whole,
          }),
        reject,
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });

const formType = 'application/x-www-form-urlencoded';
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 250));

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
        const answer = await send(
          new URL(path, this.#origin),
          form ? 'POST' : 'GET',
          {
            cookie: this.cookies,
            accept: 'text/html',
            'x-forwarded-for': this.#address,
            ...(form ? { origin: this.#origin, 'content-type': formType } : {}),
          },
          form && new URLSearchParams(form).toString(),
        );
        for (const cookie of answer.cookies) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
          this.#cookies.set(name, value);
        }
        if (answer.status >= 500) throw new Error(`${answer.status} at ${path}`);
        if (answer.location !== undefined) return await this.#send(answer.location);
        return { url: path, text: answer.text, status: answer.status };
      } catch (error) {
        if (tries > 400) throw error;
        await pause();
      }
    }
  }
  /** The Cookie header that this browser sends now. */
  get cookies(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
  /** Posts JSON as the player does, or a form without the portal's token, again until it is answered. */
  async post<T>(url: string, body: object | URLSearchParams): Promise<T> {
    const isForm = body instanceof URLSearchParams;
    for (let tries = 0; ; tries++) {
      const answer = await send(
        new URL(url, this.#origin),
        'POST',
        {
          origin: this.#origin,
          'x-forwarded-for': this.#address,
          'content-type': isForm ? formType : 'application/json',
        },
        isForm ? body.toString() : JSON.stringify(body),
      ).catch(() => null);
      if (answer && answer.status < 500) {
        if (answer.status >= 300) throw new Error(`${answer.status} at ${url}: ${answer.text.slice(0, 300)}`);
        return (answer.type.includes('json') ? JSON.parse(answer.text) : answer.text) as T;
      }
      if (tries > 400) throw new Error(`no answer at ${url}`);
      await pause();
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
    const { text: shown } = await this.#send(page);
    const csrf = /name="_csrf" value="([^"]+)"/.exec(shown)?.[1] ?? '';
    const answer = await this.#send(path, { _csrf: csrf, ...fields });
    if (answer.status >= 400)
      throw new Error(
        `${answer.status} at ${path}: ${/<main.*?<\/main>/s.exec(answer.text)?.[0] ?? answer.text}`,
      );
    return answer;
  }
}
