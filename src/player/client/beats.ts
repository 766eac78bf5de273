import type { ReadingView } from '../sessions/player-sessions.ts';

export interface BeatsConfiguration {
  sessionId: string;
  beatToken: string;
  inactivitySeconds: number | null;
  browse: boolean;
}

export interface Beats {
  start(): void;
  beat(extra?: { takeOver?: boolean }): Promise<void>;
  /** 還在閱讀嗎: yes. */
  present(): Promise<void>;
  /** The learner did something. */
  active(): void;
  /** Content in a window of its own shows or hides. */
  contentVisible(visible: boolean): void;
  leave(undo: boolean): Promise<void>;
}

const every = 15_000;

/** The page's pulse: it tells the server that the page is seen; the server's clock does the counting. */
export function createBeats(configuration: BeatsConfiguration, show: (reading: ReadingView) => void): Beats {
  const base = `/api/player/sessions/${configuration.sessionId}`;
  let lastSign = Date.now();
  let contentShows = false;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let gone = false;
  // Once asked, only the answer counts as a sign: a mouse that is pushed by a cat is no reader.
  let asked = false;
  let lastBeat = 0;

  const visible = (): boolean => document.visibilityState === 'visible' || contentShows;
  const body = (more: object): string => JSON.stringify({ token: configuration.beatToken, ...more });
  const idleSeconds = (): number => Math.max(0, (Date.now() - lastSign) / 1000);

  const post = async (path: string, more: object): Promise<void> => {
    const answer = await fetch(`${base}/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: body(more),
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) return;
    const { signedIn, ...reading } = (await answer.json()) as ReadingView & { signedIn?: boolean };
    asked = reading.asked;
    show(reading);
    // The session has ended meanwhile; views/assets/session-end.js says so.
    if (signedIn === false) document.dispatchEvent(new Event('zhixing-signed-out'));
  };
  const beacon = (path: string, more: object): void => {
    navigator.sendBeacon(`${base}/${path}`, new Blob([body(more)], { type: 'application/json' }));
  };

  const schedule = (): void => {
    if (timer) clearTimeout(timer);
    const limit = configuration.inactivitySeconds;
    // The question comes when the limit is reached, not up to a beat later.
    const untilAsked = limit === null || asked ? Infinity : (limit - idleSeconds()) * 1000 + 100;
    timer = setTimeout(() => void beat(), Math.min(every, Math.max(1000, untilAsked)));
  };
  const sign = (): void => {
    if (!asked) lastSign = Date.now();
  };
  const beat = async (extra: { takeOver?: boolean; present?: boolean } = {}): Promise<void> => {
    if (gone) return;
    schedule();
    if (!visible()) return;
    lastBeat = Date.now();
    try {
      await post('beat', { visible: true, idleSeconds: idleSeconds(), ...extra });
    } catch {
      // No network: the next beat tries again, and a short gap still counts.
    }
  };

  return {
    start() {
      for (const name of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'scroll'])
        window.addEventListener(name, sign, { passive: true });
      document.addEventListener('visibilitychange', () => {
        if (gone) return;
        if (visible()) void beat();
        else beacon('beat', { visible: false });
      });
      window.addEventListener('pagehide', () => {
        if (!gone) beacon('leave', { how: 'closed' });
      });
      // Back from the browser's page cache: a new stretch begins.
      window.addEventListener('pageshow', (event) => {
        if (event.persisted) void beat();
      });
      window.addEventListener('online', () => void beat());
      void beat();
    },
    beat,
    async present() {
      asked = false;
      lastSign = Date.now();
      await beat({ present: true });
    },
    active: sign,
    contentVisible(value) {
      const before = visible();
      contentShows = value;
      // A browser slows down the timers of a page that lies behind: the content's window reminds it.
      if (visible() && (!before || Date.now() - lastBeat >= every)) void beat();
      else if (before && !visible()) beacon('beat', { visible: false });
    },
    async leave(undo) {
      gone = true;
      if (timer) clearTimeout(timer);
      const more = { how: 'left', ...(undo ? { undo } : {}) };
      try {
        await post('leave', more);
      } catch {
        beacon('leave', more);
      }
    },
  };
}
