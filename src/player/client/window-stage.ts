import { longestLoad, watchContent, type Stage, type StageHooks } from './stage.ts';
import { make } from './plain/words.ts';

export interface WindowWords {
  /** Beside the button, while the window is open / was blocked by the browser / was closed by the learner. */
  open: string;
  blocked: string;
  closed: string;
  /** The button in each of these cases. */
  focus: string;
  start: string;
  again: string;
}

export interface WindowStageHooks extends StageHooks {
  /** The learner closed the window and now wants the item again. */
  reopen(): void;
}

type State = 'open' | 'blocked' | 'closed';

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Content in a window of its own: it finds its API through window.opener, which is this frame (SCORM 2004 RTE 3.2.1, 1.2
 * RTE 3.3.6.1). A browser that lets no window open without a click gets one: a button stands in the frame.
 */
export function createWindowStage(
  name: string,
  panel: HTMLElement,
  words: WindowWords,
  hooks: WindowStageHooks,
): Stage {
  let content: Window | null = null;
  /** What the button has still to open. */
  let waiting: string | null = null;
  let watched: Document | null = null;
  let shown = false;
  let unloading = false;
  /** Set while the player itself changes what is in the window. */
  let changing = false;
  const line = make('p');
  const button = make('button', { type: 'button' });
  panel.replaceChildren(line, button);
  line.setAttribute('role', 'status');

  const say = (state: State): void => {
    line.textContent = words[state];
    button.textContent = { open: words.focus, blocked: words.start, closed: words.again }[state];
    panel.dataset['state'] = state;
    panel.hidden = false;
  };
  const isOpen = (): boolean => content !== null && !content.closed;
  const open = (address: string): boolean => {
    const width = Math.min(1280, Math.round(screen.availWidth * 0.9));
    const height = Math.min(900, Math.round(screen.availHeight * 0.9));
    content = window.open(address, name, `popup,width=${width},height=${height}`);
    watched = null;
    return isOpen();
  };
  const seen = (visible: boolean): void => {
    shown = visible;
    hooks.visible(visible);
  };

  /** The document that is there now; null while it is none of ours. */
  const documentThere = (): Document | null => {
    try {
      return content?.document ?? null;
    } catch {
      return null;
    }
  };
  /** Watches each page that the content moves on to; its own timers run on while the portal's page lies behind it. */
  const watch = (): void => {
    const there = documentThere();
    if (!content || !there || there === watched || there.readyState === 'loading') return;
    watched = there;
    unloading = false;
    if (there.URL === 'about:blank') return;
    watchContent(content, () => hooks.activity());
    const pulse = (): void => seen(there.visibilityState === 'visible');
    there.addEventListener('visibilitychange', pulse);
    content.setInterval(pulse, 5000);
    const leaves = (): void => {
      unloading = !changing;
      setTimeout(check, 200);
    };
    content.addEventListener('beforeunload', leaves, { capture: true });
    content.addEventListener('pagehide', leaves, { capture: true });
    pulse();
  };
  /** Called time and again: has the page changed, has the window been closed? */
  const check = (): void => {
    if (isOpen()) return watch();
    unloading = false;
    if (content === null) return;
    content = null;
    watched = null;
    if (shown) seen(false);
    say('closed');
  };
  const timer = setInterval(check, 500);

  const until = async (ready: () => boolean, longest: number): Promise<void> => {
    for (let waited = 0; waited < longest && isOpen(); waited += 50) {
      if (ready()) return;
      await pause(50);
    }
  };
  const loaded = (): Promise<void> =>
    until(() => {
      const there = documentThere();
      return there !== null && there.URL !== 'about:blank' && there.readyState === 'complete';
    }, longestLoad);

  button.addEventListener('click', () => {
    if (isOpen()) {
      content?.focus();
      return;
    }
    const address = waiting;
    waiting = null;
    // The window must open within the click; what goes into it may come later.
    if (!open(address ?? 'about:blank')) {
      waiting = address;
      say('blocked');
      return;
    }
    say('open');
    if (address === null) hooks.reopen();
    else void loaded().then(check);
  });

  return {
    async show(address) {
      waiting = null;
      if (isOpen()) content?.location.replace(address);
      else if (!open(address)) {
        waiting = address;
        content = null;
        say('blocked');
        return;
      }
      say('open');
      await loaded();
      check();
    },
    async clear() {
      waiting = null;
      if (!isOpen()) return;
      changing = true;
      content?.location.replace('about:blank');
      await until(() => documentThere()?.URL === 'about:blank', 5000);
      changing = false;
      if (shown) seen(false);
    },
    closing: () => unloading,
    end() {
      clearInterval(timer);
      waiting = null;
      content?.close();
      content = null;
      panel.hidden = true;
    },
  };
}
