import { toClockTime } from '../../base/durations.ts';
import type { ReadingView } from '../sessions/player-sessions.ts';
import type { Condition } from '../packages/prerequisites.ts';
import { lockText, type LockWords } from './lock-text.ts';
import type { PageConfiguration, TocEntry, ToPortal, TraceLine } from './messages.ts';

export interface PlayerActions {
  open(item: string): void;
  previous(): void;
  next(): void;
  takeOver(): void;
  present(): void;
  leave(undo: boolean): void;
}

export interface PlayerView {
  showReading(reading: ReadingView): void;
  showToc(toc: Extract<ToPortal, { zhixing: 'toc' }>): void;
  showSaving(state: Extract<ToPortal, { zhixing: 'saving' }>['state']): void;
  showTrace(lines: TraceLine[]): void;
  showProblem(): void;
  showLeaving(): void;
}

const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The player's page has no #${id}`);
  return found;
};

/** The page around the content: time, table of contents, what is being saved. All texts stand in the template. */
export function createPlayerView(configuration: PageConfiguration, actions: PlayerActions): PlayerView {
  const drawer = byId('player-toc');
  const toggle = byId('player-toc-toggle');
  const dialog = byId('player-elsewhere') as HTMLDialogElement;
  const idle = byId('player-idle') as HTMLDialogElement;
  const texts = byId('player-texts').dataset;
  let reading: ReadingView | null = null;
  let readAt = 0;
  let elsewhereSince = 0;
  let dismissed = false;

  const setDrawer = (open: boolean): void => {
    drawer.hidden = !open;
    toggle.setAttribute('aria-expanded', String(open));
    document.body.classList.toggle('player-with-toc', open);
    if (open) (drawer.querySelector<HTMLElement>('[aria-current]') ?? drawer).focus();
  };
  toggle.addEventListener('click', () => setDrawer(drawer.hasAttribute('hidden')));
  drawer.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    setDrawer(false);
    toggle.focus();
  });
  byId('player-previous').addEventListener('click', actions.previous);
  byId('player-next').addEventListener('click', actions.next);
  byId('player-leave').addEventListener('click', (event) => {
    event.preventDefault();
    actions.leave(false);
  });
  byId('player-undo').addEventListener('click', () => actions.leave(true));
  byId('player-full-screen').addEventListener('click', () => {
    const stage = byId('player-stage');
    if (document.fullscreenElement) void document.exitFullscreen();
    else stage.requestFullscreen().catch(() => undefined);
  });
  byId('player-take-over').addEventListener('click', () => {
    dialog.close();
    actions.takeOver();
  });
  byId('player-not-here').addEventListener('click', () => {
    dismissed = true;
    dialog.close();
  });
  byId('player-still-here').addEventListener('click', () => idle.close());
  // However it is closed (button, Escape): somebody is there.
  idle.addEventListener('close', () => {
    if (reading?.asked) actions.present();
  });
  byId('player-count-here').addEventListener('click', actions.takeOver);

  // Between two answers the page counts on by itself, so that the seconds run; the server's next word corrects it.
  const tick = (): void => {
    if (!reading) return;
    const since =
      reading.counting && document.visibilityState === 'visible' ? (performance.now() - readAt) / 1000 : 0;
    const seconds = reading.seconds + Math.min(since, 45);
    byId('player-seconds').textContent = toClockTime(seconds);
    const required = reading.requiredSeconds ?? configuration.requiredSeconds;
    const missing = byId('player-missing');
    if (required === null) missing.hidden = true;
    else {
      missing.hidden = false;
      const left = Math.max(0, required - seconds);
      missing.textContent =
        left > 0
          ? (texts['missing'] ?? '').replace('HH:MM:SS', toClockTime(Math.ceil(left)))
          : (texts['reached'] ?? '');
      const bar = byId('player-progress') as HTMLProgressElement;
      bar.max = required;
      bar.value = Math.min(required, seconds);
      missing.classList.toggle('is-done', left <= 0);
    }
  };
  setInterval(tick, 1000);

  const text = (name: string): string => texts[name] ?? '';
  const lockWords: LockWords = {
    done: text('lockedDone'),
    notDone: text('lockedNotDone'),
    is: text('lockedIs'),
    isNot: text('lockedIsNot'),
    atLeast: text('lockedAtLeast'),
    not: text('lockedNot'),
    and: text('lockedAnd'),
    or: text('lockedOr'),
    states: {
      passed: text('statePassed'),
      completed: text('stateCompleted'),
      failed: text('stateFailed'),
      incomplete: text('stateStarted'),
      'not attempted': text('stateNone'),
      browsed: text('stateBrowsed'),
    },
  };
  const entry = (one: TocEntry): HTMLLIElement => {
    const line = document.createElement('li');
    line.className = `player-toc-item depth-${Math.min(one.depth, 4)}`;
    const label = document.createElement(one.enabled ? 'button' : 'span');
    label.textContent = one.title;
    if (one.enabled) {
      (label as HTMLButtonElement).type = 'button';
      label.addEventListener('click', () => {
        actions.open(one.identifier);
        if (window.matchMedia('(max-width: 720px)').matches) setDrawer(false);
      });
    }
    if (one.current) label.setAttribute('aria-current', 'step');
    label.dataset['state'] = one.state;
    const state = document.createElement('span');
    state.className = 'player-toc-state';
    state.textContent = texts[`state${one.state[0]?.toUpperCase()}${one.state.slice(1)}`] ?? '';
    line.append(label, state);
    if (one.locked) {
      const why = document.createElement('span');
      why.className = 'player-toc-lock';
      why.textContent =
        one.locked === 'sequence'
          ? text('lockedBySequence')
          : text('locked').replace('CONDITION', () => lockText(one.locked as Condition, lockWords));
      label.append(why);
    }
    return line;
  };

  return {
    showReading(next) {
      reading = next;
      readAt = performance.now();
      tick();
      byId('player-undo').hidden = !next.undoable;
      if (next.asked && !idle.open) idle.showModal();
      if (!next.asked && idle.open) idle.close();
      const here = byId('player-count-here');
      here.hidden = next.elsewhere === null;
      if (next.elsewhere === null) {
        elsewhereSince = 0;
        dismissed = false;
        if (dialog.open) dialog.close();
        return;
      }
      byId('player-elsewhere-course').textContent = next.elsewhere;
      // A page that was just reloaded is told of its own past for a moment: ask only when it stays so.
      if (elsewhereSince === 0) {
        elsewhereSince = Date.now();
        setTimeout(() => {
          if (elsewhereSince !== 0 && !dismissed && !dialog.open) dialog.showModal();
        }, 3000);
      }
    },
    showToc(toc) {
      const course = document.querySelector('.player-course')?.textContent;
      byId('player-item-title').textContent = [
        toc.title === course ? '' : toc.title,
        toc.review ? text('review') : '',
      ]
        .filter((part) => part !== '')
        .join(' · ');
      (byId('player-previous') as HTMLButtonElement).disabled = !toc.previous;
      (byId('player-next') as HTMLButtonElement).disabled = !toc.next;
      const focused = drawer.contains(document.activeElement) ? document.activeElement?.textContent : null;
      byId('player-toc-list').replaceChildren(...toc.entries.map(entry));
      if (focused)
        [...drawer.querySelectorAll<HTMLElement>('button')]
          .find((one) => one.textContent === focused)
          ?.focus();
      byId('player-steps').hidden = toc.entries.length < 2;
    },
    showSaving(state) {
      const status = byId('player-saving');
      status.dataset['state'] = state;
      status.textContent = texts[`saving${state[0]?.toUpperCase()}${state.slice(1)}`] ?? '';
    },
    showTrace(lines) {
      const panel = document.getElementById('player-trace');
      if (!panel) return;
      for (const line of lines) {
        const row = document.createElement('li');
        const said = `${line.at.slice(11, 23)} ${line.text}${line.error ? ` [${line.error}]` : ''}`;
        if (line.detail === undefined) row.textContent = said;
        else {
          const [whole, summary, json] = ['details', 'summary', 'pre'].map((name) =>
            document.createElement(name),
          );
          if (!whole || !summary || !json) continue;
          summary.textContent = said;
          json.textContent = line.detail;
          whole.append(summary, json);
          row.append(whole);
        }
        row.dataset['kind'] = line.kind;
        if (line.error) row.classList.add('is-error');
        panel.append(row);
      }
      while (panel.childElementCount > 500) panel.firstElementChild?.remove();
      panel.scrollTop = panel.scrollHeight;
    },
    showProblem() {
      byId('player-problem').hidden = false;
    },
    showLeaving() {
      const status = byId('player-saving');
      status.textContent = texts['leaving'] ?? '';
      (byId('player-leave') as HTMLAnchorElement).setAttribute('aria-disabled', 'true');
    },
  };
}
