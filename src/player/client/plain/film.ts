import { Seen } from './seen.ts';
import type { Tracker } from './tracker.ts';
import { make, wordsIn } from './words.ts';

const saveEvery = 10;

/** Plays a film where the learner left it; each second counts once, however often it is played. */
export function showFilm(
  { src, captions }: { src: string; captions: { src: string; language: string }[] },
  tracker: Tracker,
): HTMLElement {
  const words = wordsIn(tracker.language);
  const film = make('video', { controls: true, src, preload: 'metadata', playsInline: true });
  for (const [at, { src: track, language }] of captions.entries())
    film.append(
      make('track', {
        kind: 'subtitles',
        src: track,
        srclang: language,
        label: captions.length > 1 ? language : words.captions,
        default: at === 0,
      }),
    );
  const seen = new Seen(tracker.state);
  let saved = 0;
  const save = (): void => {
    saved = film.currentTime;
    const whole = Math.floor(film.duration);
    if (Number.isFinite(whole))
      tracker.save(film.currentTime.toFixed(1), String(seen), seen.measure(Math.max(1, whole)));
  };
  film.addEventListener('loadedmetadata', () => {
    const place = Number(tracker.location);
    if (place > 0 && place < film.duration - 2) film.currentTime = place;
  });
  film.addEventListener('timeupdate', () => {
    if (film.paused || film.seeking) return;
    seen.add(Math.floor(film.currentTime));
    if (Math.abs(film.currentTime - saved) >= saveEvery) save();
  });
  for (const name of ['pause', 'ended'] as const) film.addEventListener(name, save);
  window.addEventListener('pagehide', save, { capture: true });
  return make('main', { className: 'film' }, film);
}
