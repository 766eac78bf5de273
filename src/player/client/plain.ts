import type { PlainSource } from '../packages/plain-page.ts';
import { showFilm } from './plain/film.ts';
import { showBook, showSite } from './plain/pages.ts';
import { openTracker } from './plain/tracker.ts';
import { make, wordsIn } from './plain/words.ts';

const style = `html,body,main{height:100%;margin:0}
body{font:1rem/1.5 system-ui,sans-serif;background:#f3f4f2;color:#1d2320}
main{display:flex;flex-direction:column}
iframe{flex:1;border:0;width:100%;background:#fff}
.film{background:#000;justify-content:center}.film video{width:100%;height:100%}
nav{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;justify-content:center;padding:.5rem;background:#fff;border-bottom:1px solid #c9cfca}
nav button,nav input,nav select{font:inherit;min-height:44px;padding:0 .75rem;border:1px solid #6b756e;border-radius:6px;background:#fff;color:inherit;max-width:100%}
nav button:disabled{opacity:.45}nav input{width:4rem}
:focus-visible{outline:3px solid #0b57d0;outline-offset:2px}
.sheet{flex:1;overflow:auto;text-align:center;padding:8px}canvas{background:#fff;box-shadow:0 1px 4px #0003}
.spoken{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.failed{padding:2rem;text-align:center}`;

const source = JSON.parse(document.getElementById('source')?.textContent ?? 'null') as PlainSource;
/** The page lies one folder below the package's root, from where the addresses count. */
const below = (src: string): string => `../${src}`;
const tracker = openTracker();
document.documentElement.lang = tracker.language;
document.head.append(make('style', {}, style));

const show = async (): Promise<HTMLElement> => {
  switch (source.kind) {
    case 'html':
      return showSite({ src: below(source.src) }, tracker);
    case 'video':
      return showFilm(
        {
          src: below(source.src),
          captions: source.captions.map((track) => ({ ...track, src: below(track.src) })),
        },
        tracker,
      );
    case 'epub':
      return showBook({ pages: source.pages.map((page) => ({ ...page, src: below(page.src) })) }, tracker);
    case 'pdf': {
      // Loaded only here: it is by far the largest part.
      const { showDocument } = await import('./plain/document.ts');
      return showDocument({ src: below(source.src) }, tracker);
    }
  }
};
show().then(
  (main) => document.body.append(main),
  () => document.body.append(make('p', { className: 'failed' }, wordsIn(tracker.language).failed)),
);
