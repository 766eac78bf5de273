// Says so before the session ends by itself, and when it has ended (WCAG 2.2.1). Nothing is lost without word.
const box = document.getElementById('session-end');
if (box) {
  const say = box.dataset;
  const idle = Number(say.idle) * 1000;
  const warnBefore = Math.min(120_000, idle / 2);
  const key = 'zhixing-session-seen';
  const part = (name) => document.getElementById(`session-end-${name}`);
  const player = document.getElementById('player-leave');
  let end = Date.now() + Number(say.ends) * 1000;
  let seen = Date.now();
  let dismissed = false;
  let over = false;
  let spoken = Infinity;

  // Every tab's requests keep the one session alive, so the tabs tell each other.
  const note = () => {
    seen = Date.now();
    try {
      localStorage.setItem(key, String(seen));
    } catch {
      // Storage is blocked: this tab knows of itself only.
    }
  };
  const lastSeen = () => {
    try {
      return Math.max(seen, Number(localStorage.getItem(key) ?? 0));
    } catch {
      return seen;
    }
  };
  note();
  new PerformanceObserver((list) => {
    const alive = list
      .getEntries()
      .some(
        ({ name, initiatorType, responseStatus = 200 }) =>
          ['fetch', 'beacon', 'xmlhttprequest'].includes(initiatorType) &&
          responseStatus < 400 &&
          name.startsWith(`${location.origin}/`) &&
          !/^\/(assets|client)\//.test(new URL(name).pathname),
      );
    if (alive && !over) note();
  }).observe({ type: 'resource' });

  const words = (left) => {
    const seconds = Math.max(0, Math.ceil(left / 1000));
    return seconds > 90
      ? say.minutes.replace('#', String(Math.ceil(seconds / 60)))
      : say.seconds.replace('#', String(seconds));
  };
  const open = () => {
    if (!box.open) box.showModal();
  };
  const showOver = () => {
    if (over) return;
    over = true;
    document.documentElement.dataset.signedOut = 'yes';
    part('title').textContent = say.overTitle;
    part('text').textContent = player ? say.readingText : say.overText;
    for (const name of ['stay', 'leave']) part(name).hidden = true;
    const back = player?.getAttribute('href') ?? location.pathname + location.search;
    const again = part('again');
    again.href = `/sign-in?returnTo=${encodeURIComponent(back)}`;
    again.hidden = false;
    part('close').hidden = false;
    box.close();
    open();
  };

  /** What the server says; asking is a sign of life. */
  const ask = async () => {
    const answer = await fetch('/api/session', { headers: { accept: 'application/json' } }).catch(() => null);
    if (answer?.ok) {
      const { endsInSeconds } = await answer.json();
      end = Date.now() + endsInSeconds * 1000;
      note();
      box.close();
    } else if (answer?.status === 401) showOver();
  };
  let asking = false;
  const look = () => {
    if (over || asking) return;
    const byIdle = lastSeen() + idle;
    const left = Math.min(byIdle, end) - Date.now();
    if (left > warnBefore) {
      dismissed = false;
      spoken = Infinity;
      return box.close();
    }
    // A little later than the server, so that asking does not revive what is just ending.
    if (left < -3000) {
      asking = true;
      return void ask().finally(() => (asking = false));
    }
    const last = end <= byIdle;
    const text = (last ? say.maxText : say.idleText).replace('#', words(left));
    part('text').textContent = text;
    part('stay').hidden = last;
    part('close').hidden = !last;
    if (dismissed) return;
    open();
    // Not every second: a screen reader would never stop.
    const mark = [60, 30, 10].find((seconds) => left <= seconds * 1000 && seconds < spoken);
    if (mark !== undefined && spoken !== Infinity) part('spoken').textContent = text;
    spoken = mark ?? Math.min(spoken, 120);
  };

  part('stay').addEventListener('click', () => void ask());
  part('close').addEventListener('click', () => {
    dismissed = true;
    box.close();
  });
  box.addEventListener('cancel', () => (dismissed = true));
  // The player's beats say so when they come from a browser that is signed out (player/client/beats.ts).
  document.addEventListener('zhixing-signed-out', showOver);
  document.addEventListener('visibilitychange', look);
  setInterval(look, 1000);
}
