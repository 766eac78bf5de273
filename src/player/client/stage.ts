/** Where content is shown: in the launch frame's own frame, or in a window of its own. */
export interface Stage {
  /** Opens an address; what was there has run its unload handlers before. */
  show(address: string): Promise<void>;
  /** Takes the content away, its unload handlers included. */
  clear(): Promise<void>;
  /** True while the learner is closing the content's own window: what its unload handlers say is no wish to end. */
  closing(): boolean;
  /** No content comes any more. */
  end(): void;
}

export interface StageHooks {
  /** The learner did something in the content. */
  activity(): void;
  /** The content can (or can no more) be seen, wherever the portal's page is. */
  visible(visible: boolean): void;
  /** The content tried to fill the whole window, which a frame may not. */
  wantsWindow(): void;
}

const signs = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'scroll', 'touchstart', 'timeupdate'];

/** Tells of signs of the learner in a window of content, at most every five seconds. */
export function watchContent(content: Window, activity: () => void): void {
  let last = 0;
  const sign = (): void => {
    if (Date.now() - last < 5000) return;
    last = Date.now();
    activity();
  };
  for (const name of signs) content.addEventListener(name, sign, { capture: true, passive: true });
}

/** Content that waits forever (a hanging picture) may not hold up the player. */
export const longestLoad = 15_000;

/** Content in a frame inside the launch frame. */
export function createFrameStage(frame: HTMLIFrameElement, hooks: StageHooks): Stage {
  // Every page that the content moves on to is watched, not only its first.
  frame.addEventListener('load', () => {
    try {
      const inner = frame.contentWindow;
      if (!inner || inner.location.href === 'about:blank') return;
      watchContent(inner, () => hooks.activity());
      inner.addEventListener('error', (event) => {
        if (refusedTheTop(event)) hooks.wantsWindow();
      });
    } catch {
      // The content has gone to an address outside its package: its window is not ours to watch.
    }
  });
  const show = (address: string): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        frame.removeEventListener('load', done);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(done, longestLoad);
      frame.addEventListener('load', done);
      if (frame.contentWindow) frame.contentWindow.location.replace(address);
      else frame.src = address;
    });
  return { show, clear: () => show('about:blank'), closing: () => false, end: () => undefined };
}

/** Setting `top.location` in a frame that may not do so is a SecurityError about a Location. */
const refusedTheTop = (event: ErrorEvent): boolean => {
  const error = event.error as { name?: unknown; message?: unknown } | null;
  return error?.name === 'SecurityError' && /Location|navigate/i.test(String(error.message ?? event.message));
};
