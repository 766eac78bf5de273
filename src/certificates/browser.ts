import type { Browser, HTTPRequest, Page } from 'puppeteer-core';
import { DomainError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { launchChromium } from './chromium.ts';

/** The one Chromium that this process owns, and its few pages. */
export interface OwnedBrowser {
  /** Launches it ahead of the first use. False, with one line in the log, when there is none; never rejects. */
  prewarm(): Promise<boolean>;
  /**
   * Runs the work on a page that nothing else uses meanwhile. A page is kept for the next work when this one succeeds,
   * and thrown away otherwise; work whose browser died is done once more on a new one, so it must be repeatable.
   * @throws DomainError `unavailable` (no browser, queue full, stopping), `timeout`
   */
  withPage<T>(work: (page: Page) => Promise<T>): Promise<T>;
  /** Lets running work end (at most 5 s), refuses what waits, closes the browser. May be called more than once. */
  close(): Promise<void>;
}

export interface OwnedBrowserOptions {
  logger?: Logger;
  /** Pages at work at once. */
  pages?: number;
  /** Work that may wait for a page; more is refused at once. */
  queue?: number;
  /** Waiting and work together, in milliseconds. */
  timeoutMs?: number;
  /** Works after which a page is replaced by a fresh one. */
  worksPerPage?: number;
  launch?: (args: string[]) => Promise<Browser>;
  /** The only bytes a page may load besides data: and about: addresses; null refuses the address. */
  assets?: (url: string) => Promise<{ type: string; body: Uint8Array } | null>;
}

/** Chromium itself calls nobody: no updates, reports, predictions, and no name resolves. */
const silent = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-pings',
  '--no-first-run',
  '--host-resolver-rules=MAP * ~NOTFOUND',
];

interface KeptPage {
  page: Page;
  works: number;
  /** Its renderer or its browser has died. */
  lost: boolean;
}

export function createOwnedBrowser(options: OwnedBrowserOptions = {}): OwnedBrowser {
  const { logger, assets } = options;
  const limit = options.pages ?? 2;
  const queueLimit = options.queue ?? 100;
  const timeoutMs = options.timeoutMs ?? 30_000;
  const worksPerPage = options.worksPerPage ?? 500;
  const launch = options.launch ?? ((args) => launchChromium({ args }));

  let launched: Promise<Browser> | null = null;
  let idle: KeptPage[] = [];
  let running = 0;
  let stopping = false;
  const waiting: { start: () => void; refuse: (error: DomainError) => void }[] = [];
  const atWork = new Set<Promise<unknown>>();

  const stopped = (): DomainError =>
    new DomainError('unavailable', 'The server is stopping. Please try again in a moment.', {
      code: 'certificates-busy',
      retryAfter: 5,
    });

  const tooLate = (): DomainError =>
    new DomainError('timeout', 'The certificate could not be made in time. Please try again.', {
      code: 'certificates-timeout',
      retryAfter: 10,
    });

  function browser(): Promise<Browser> {
    if (launched) return launched;
    if (stopping) return Promise.reject(stopped());
    const mine: Promise<Browser> = launch(silent).then(
      (instance) => {
        instance.once('disconnected', () => {
          if (launched !== mine) return;
          launched = null;
          idle = [];
          if (!stopping) logger?.warn('Chromium has ended; the next certificate starts another one');
        });
        return instance;
      },
      (error: unknown) => {
        if (launched === mine) launched = null;
        logger?.warn(`Certificates cannot be printed: ${(error as Error).message}`);
        // What to install is for the operator's log; whoever asked for a certificate learns only that there is none.
        throw new DomainError(
          'unavailable',
          'Certificates cannot be printed at the moment. Please try later.',
          {
            code: 'certificates-no-browser',
            retryAfter: 60,
            cause: error,
          },
        );
      },
    );
    launched = mine;
    return mine;
  }

  async function answer(request: HTTPRequest): Promise<void> {
    const url = request.url();
    if (url.startsWith('data:') || url === 'about:blank') return request.continue();
    const asset = assets ? await assets(url) : null;
    if (!asset) return request.abort('blockedbyclient');
    return request.respond({
      contentType: asset.type,
      headers: { 'Access-Control-Allow-Origin': '*' },
      body: asset.body,
    });
  }

  async function openPage(): Promise<KeptPage> {
    const page = await (await browser()).newPage();
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      answer(request).catch(() => undefined); // the page has gone: nobody waits for the answer
    });
    const kept: KeptPage = { page, works: 0, lost: false };
    page.on('error', () => {
      // A crashed renderer answers nothing, not even an error: closing the page ends what waits for it.
      kept.lost = true;
      idle = idle.filter((other) => other !== kept);
      page.close().catch(() => undefined);
    });
    return kept;
  }

  /** The page lives on only when the work succeeded; work whose page or browser died gets one more try. */
  async function onPage<T>(work: (page: Page) => Promise<T>, inTime: AbortSignal, tries = 2): Promise<T> {
    const kept = idle.pop() ?? (await openPage());
    const cut = (): void => void kept.page.close().catch(() => undefined);
    inTime.addEventListener('abort', cut, { once: true });
    try {
      if (inTime.aborted) throw tooLate();
      const result = await work(kept.page);
      kept.works += 1;
      if (kept.works < worksPerPage && !kept.page.isClosed() && !inTime.aborted) idle.push(kept);
      else cut();
      return result;
    } catch (error) {
      const lost = kept.lost || !kept.page.browser().connected;
      cut();
      if (!lost || tries <= 1 || stopping || inTime.aborted) throw error;
    } finally {
      inTime.removeEventListener('abort', cut);
    }
    return onPage(work, inTime, tries - 1);
  }

  const turn = (inTime: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (running < limit) {
        running += 1;
        resolve();
      } else if (waiting.length >= queueLimit) {
        reject(
          new DomainError('unavailable', 'Too many certificates are being made. Please try again shortly.', {
            code: 'certificates-busy',
            retryAfter: 10,
          }),
        );
      } else {
        // Whoever leaves hands its place over: `running` stays as it is.
        const mine = { start: resolve, refuse: reject };
        waiting.push(mine);
        inTime.addEventListener('abort', () => {
          const at = waiting.indexOf(mine);
          if (at < 0) return;
          waiting.splice(at, 1);
          reject(tooLate());
        });
      }
    });

  const leave = (): void => {
    const next = waiting.shift();
    if (next) next.start();
    else running -= 1;
  };

  async function withPage<T>(work: (page: Page) => Promise<T>): Promise<T> {
    if (stopping) throw stopped();
    const overdue = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(tooLate());
        overdue.abort();
      }, timeoutMs);
    });
    const done = turn(overdue.signal).then(async () => {
      try {
        if (stopping) throw stopped();
        if (overdue.signal.aborted) throw tooLate();
        return await onPage(work, overdue.signal);
      } finally {
        leave();
      }
    });
    atWork.add(done);
    void done.then(
      () => atWork.delete(done),
      () => atWork.delete(done),
    );
    try {
      return await Promise.race([done, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  let closed: Promise<void> | null = null;
  async function close(): Promise<void> {
    stopping = true;
    for (const { refuse } of waiting.splice(0)) refuse(stopped());
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, 5000)));
    await Promise.race([Promise.allSettled(atWork), patience]);
    clearTimeout(timer);
    const instance = await launched?.catch(() => null);
    launched = null;
    idle = [];
    await instance?.close().catch(() => undefined);
  }

  return {
    withPage,
    async prewarm() {
      try {
        await browser();
        return true;
      } catch {
        return false; // the log has it
      }
    },
    close: () => (closed ??= close()),
  };
}
