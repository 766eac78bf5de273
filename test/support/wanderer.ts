/**
 * A browser's way through redirects and forms, over real HTTP and without a screen. Cookies are kept by host name (a port
 * makes no difference) and SameSite is honoured: a Lax cookie goes along with a link or a redirect from another site, not
 * with a form that another site posts.
 */
export interface Wanderer {
  get(url: string): Promise<Page>;
  /** @param from the page that posts; by default one of the same site */
  post(url: string, fields: Record<string, string>, from?: string): Promise<Page>;
  /** Fills in the only form of the page, or the one whose button says the text, and sends it. */
  submit(page: Page, button?: string): Promise<Page>;
  cookie(host: string, name: string): string | null;
  setCookie(host: string, name: string, value: string): void;
  /** Every address that was asked, in order. */
  readonly trail: string[];
}

export interface Page {
  url: string;
  status: number;
  headers: Headers;
  text: string;
}

export interface Form {
  action: string;
  fields: Record<string, string>;
  button: string;
}

const unescaped = (text: string): string =>
  text
    .replace(/&#x([0-9a-f]+);/gi, (_, code: string) => String.fromCodePoint(parseInt(code, 16)))
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');
const attribute = (tag: string, name: string): string | null => {
  const found = new RegExp(`\\b${name}=(?:"([^"]*)"|'([^']*)')`).exec(tag);
  return found ? unescaped(found[1] ?? found[2] ?? '') : null;
};

export function formsOf(page: Page): Form[] {
  return [...page.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, tag = '', body = '']) => ({
    action: new URL(attribute(tag, 'action') ?? page.url, page.url).href,
    fields: Object.fromEntries(
      [...body.matchAll(/<input\b[^>]*>/g)].flatMap(([input]) => {
        const name = attribute(input, 'name');
        return name === null ? [] : [[name, attribute(input, 'value') ?? '']];
      }),
    ),
    button: unescaped(
      /<button\b[^>]*>([\s\S]*?)<\/button>/.exec(body)?.[1]?.replace(/<[^>]+>/g, '') ?? '',
    ).trim(),
  }));
}

export function createWanderer(language = 'zh-TW'): Wanderer {
  const jar = new Map<string, Map<string, { value: string; lax: boolean }>>();
  const trail: string[] = [];
  const take = (host: string, headers: Headers): void => {
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...rest] = line.split(';').map((part) => part.trim());
      const [name = '', ...value] = pair.split('=');
      const cookies = jar.get(host) ?? new Map();
      jar.set(host, cookies);
      const gone = rest.some((part) => /^(max-age=0$|expires=.*1970)/i.test(part));
      if (gone || value.join('=') === '') cookies.delete(name);
      else
        cookies.set(name, {
          value: value.join('='),
          lax: !rest.some((part) => /^samesite=none$/i.test(part)),
        });
    }
  };

  async function go(
    method: 'GET' | 'POST',
    given: string,
    body: URLSearchParams | null,
    from: string | null,
  ): Promise<Page> {
    let url = new URL(given);
    let verb = method;
    let form = body;
    for (let hops = 0; hops < 25; hops++) {
      trail.push(`${verb} ${url.href}`);
      const crossSite = from !== null && new URL(from).hostname !== url.hostname;
      const cookies = [...(jar.get(url.hostname) ?? [])]
        .filter(([, { lax }]) => !(lax && crossSite && verb === 'POST'))
        .map(([name, { value }]) => `${name}=${value}`);
      const answer = await fetch(url, {
        method: verb,
        redirect: 'manual',
        headers: {
          accept: 'text/html,application/xhtml+xml',
          'accept-language': language,
          ...(cookies.length > 0 ? { cookie: cookies.join('; ') } : {}),
          ...(verb === 'POST' && from !== null
            ? {
                origin: new URL(from).origin,
                'sec-fetch-site': crossSite ? 'cross-site' : 'same-origin',
              }
            : {}),
        },
        ...(form ? { body: form } : {}),
      });
      take(url.hostname, answer.headers);
      const location = answer.headers.get('location');
      if (answer.status >= 300 && answer.status < 400 && location !== null) {
        await answer.arrayBuffer();
        url = new URL(location, url);
        verb = 'GET';
        form = null;
        continue;
      }
      return { url: url.href, status: answer.status, headers: answer.headers, text: await answer.text() };
    }
    throw new Error(`too many redirects:\n${trail.slice(-25).join('\n')}`);
  }

  const wanderer: Wanderer = {
    trail,
    get: (url) => go('GET', url, null, null),
    post: (url, fields, from = url) => go('POST', url, new URLSearchParams(fields), from),
    submit(page, button) {
      const forms = formsOf(page);
      const form = forms.find((one) => (button === undefined ? true : one.button.includes(button)));
      if (!form) throw new Error(`no form "${button}" on ${page.url}:\n${page.text.slice(0, 2000)}`);
      return go('POST', form.action, new URLSearchParams(form.fields), page.url);
    },
    cookie: (host, name) => jar.get(host)?.get(name)?.value ?? null,
    setCookie(host, name, value) {
      const cookies = jar.get(host) ?? new Map();
      jar.set(host, cookies);
      cookies.set(name, { value, lax: true });
    },
  };
  return wanderer;
}
