import { Seen } from './seen.ts';
import type { Tracker } from './tracker.ts';
import { make, wordsIn } from './words.ts';

/** A web site in a frame; it is completed once it was opened, and opens again where it was left. */
export function showSite({ src }: { src: string }, tracker: Tracker): HTMLElement {
  const root = new URL(src, document.baseURI);
  const folder = new URL('.', new URL('..', document.baseURI)).href;
  const kept = tracker.location === '' ? null : new URL(tracker.location, folder);
  const frame = make('iframe', { title: document.title });
  frame.src = kept?.href.startsWith(folder) ? kept.href : root.href;
  frame.addEventListener('load', () => {
    const here = frame.contentWindow?.location.href ?? '';
    if (here.startsWith(folder)) tracker.save(here.slice(folder.length), '', 1);
  });
  return make('main', { className: 'site' }, frame);
}

/** An e-book's documents one after another, with its table of contents. */
export function showBook(
  { pages }: { pages: { src: string; title: string }[] },
  tracker: Tracker,
): HTMLElement {
  const words = wordsIn(tracker.language);
  const seen = new Seen(tracker.state);
  const frame = make('iframe', { title: document.title });
  const previous = make('button', { type: 'button' }, words.previous);
  const next = make('button', { type: 'button' }, words.next);
  const contents = make(
    'select',
    {},
    ...pages.map(({ title }, at) =>
      make(
        'option',
        { value: String(at) },
        title || `${words.chapter} ${at + 1} ${words.of} ${pages.length}`,
      ),
    ),
  );
  contents.setAttribute('aria-label', words.contents);
  let at = 0;
  const noted = (page: number): void => {
    at = page;
    contents.value = String(at);
    previous.disabled = at === 0;
    next.disabled = at === pages.length - 1;
    seen.add(at);
    tracker.save(String(at), String(seen), seen.measure(pages.length));
  };
  const show = (page: number): void => {
    const target = Math.min(Math.max(0, page), pages.length - 1);
    const src = pages[target]?.src;
    if (src === undefined) return;
    frame.src = src;
    noted(target);
  };
  // A link inside the book leads to another of its documents.
  frame.addEventListener('load', () => {
    const here = frame.contentWindow?.location.href.split('#')[0];
    const found = pages.findIndex(({ src }) => new URL(src, document.baseURI).href.split('#')[0] === here);
    if (found >= 0 && found !== at) noted(found);
  });
  previous.addEventListener('click', () => show(at - 1));
  next.addEventListener('click', () => show(at + 1));
  contents.addEventListener('change', () => show(Number(contents.value)));
  show(Number(tracker.location) || 0);
  return make('main', { className: 'paged' }, make('nav', {}, previous, contents, next), frame);
}
