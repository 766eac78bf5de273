import { createBeats } from './beats.ts';
import type { PageConfiguration, ToFrame, ToPortal } from './messages.ts';
import { createPlayerView } from './player-view.ts';

const element = document.getElementById('player-configuration');
if (element) start(JSON.parse(element.textContent ?? '{}') as PageConfiguration);

function start(configuration: PageConfiguration): void {
  const frame = document.getElementById('content-frame') as HTMLIFrameElement;
  const tell = (message: ToFrame): void =>
    frame.contentWindow?.postMessage(message, configuration.contentOrigin);
  const beats = createBeats(configuration, (reading) => view.showReading(reading));
  const view = createPlayerView(configuration, {
    open: (item) => tell({ zhixing: 'open', item }),
    previous: () => tell({ zhixing: 'previous' }),
    next: () => tell({ zhixing: 'next' }),
    takeOver: () => void beats.beat({ takeOver: true }),
    present: () => void beats.present(),
    leave: (undo) => void leave(undo),
  });

  let left: (() => void) | null = null;
  const leave = async (undo: boolean): Promise<void> => {
    view.showLeaving();
    // The content gets to say goodbye and its data arrive; then the time is closed. Neither may keep the learner here.
    const contentLeft = new Promise<void>((resolve) => (left = resolve));
    tell({ zhixing: 'leave' });
    await Promise.race([contentLeft, new Promise((resolve) => setTimeout(resolve, 8000))]);
    await beats.leave(undo);
    const signedOut = document.documentElement.dataset['signedOut'] === 'yes';
    window.location.assign(
      signedOut ? `/sign-in?returnTo=${encodeURIComponent(configuration.leaveUrl)}` : configuration.leaveUrl,
    );
  };

  window.addEventListener('message', (event) => {
    if (event.source !== frame.contentWindow || event.origin !== configuration.contentOrigin) return;
    const message = event.data as ToPortal;
    switch (message.zhixing) {
      case 'toc':
        view.showToc(message);
        break;
      case 'saving':
        view.showSaving(message.state);
        break;
      case 'activity':
        beats.active();
        break;
      case 'visibility':
        beats.contentVisible(message.visible);
        break;
      case 'left':
        left?.();
        break;
      case 'trace':
        view.showTrace(message.lines);
        break;
      case 'problem':
        view.showProblem();
        break;
      default:
    }
  });

  (document.getElementById('launch-form') as HTMLFormElement).submit();
  beats.start();
}
