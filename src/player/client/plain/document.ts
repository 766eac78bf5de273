import { getDocument, GlobalWorkerOptions, type PDFDocumentProxy } from 'pdfjs-dist';
import { Seen } from './seen.ts';
import type { Tracker } from './tracker.ts';
import { make, wordsIn } from './words.ts';

GlobalWorkerOptions.workerSrc = '/client/pdf/pdf.worker.min.mjs';

/** Shows a PDF page by page where the learner left it; its text stands beside the picture for screen readers. */
export async function showDocument({ src }: { src: string }, tracker: Tracker): Promise<HTMLElement> {
  const words = wordsIn(tracker.language);
  const book: PDFDocumentProxy = await getDocument({
    url: src,
    cMapUrl: '/client/pdf/cmaps/',
    cMapPacked: true,
    standardFontDataUrl: '/client/pdf/standard_fonts/',
    isEvalSupported: false,
  }).promise;
  const seen = new Seen(tracker.state);
  const canvas = make('canvas');
  canvas.setAttribute('aria-hidden', 'true');
  const text = make('div', { className: 'spoken' });
  const sheet = make('div', { className: 'sheet', tabIndex: 0 }, canvas, text);
  const number = make('input', { type: 'number', min: '1', max: String(book.numPages) });
  number.setAttribute('aria-label', words.page);
  const previous = make('button', { type: 'button' }, words.previous);
  const next = make('button', { type: 'button' }, words.next);
  const smaller = make('button', { type: 'button' }, words.smaller);
  const larger = make('button', { type: 'button' }, words.larger);
  let at = Math.min(Math.max(1, Number(tracker.location) || 1), book.numPages);
  let zoom = 1;
  let drawing: Promise<void> = Promise.resolve();

  const draw = async (): Promise<void> => {
    const page = await book.getPage(at);
    const natural = page.getViewport({ scale: 1 });
    const width = Math.max(200, sheet.clientWidth - 16) * zoom;
    const viewport = page.getViewport({ scale: (width / natural.width) * window.devicePixelRatio });
    canvas.width = viewport.width;
    canvas.height = viewport.height;
    canvas.style.width = `${width}px`;
    const context = canvas.getContext('2d');
    if (!context) throw new Error('no canvas');
    await page.render({ canvasContext: context, viewport }).promise;
    const content = await page.getTextContent();
    text.textContent = content.items
      .map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''))
      .join('');
  };
  const show = (page: number): void => {
    at = Math.min(Math.max(1, page), book.numPages);
    number.value = String(at);
    previous.disabled = at === 1;
    next.disabled = at === book.numPages;
    sheet.scrollTop = 0;
    seen.add(at - 1);
    tracker.save(String(at), String(seen), seen.measure(book.numPages));
    redraw();
  };
  const redraw = (): void => void (drawing = drawing.then(draw, draw));
  previous.addEventListener('click', () => show(at - 1));
  next.addEventListener('click', () => show(at + 1));
  number.addEventListener('change', () => show(Math.round(Number(number.value)) || at));
  const scale = (by: number) => () => {
    zoom = Math.min(4, Math.max(0.5, zoom * by));
    redraw();
  };
  smaller.addEventListener('click', scale(0.8));
  larger.addEventListener('click', scale(1.25));
  sheet.addEventListener('keydown', (event) => {
    if (event.key === 'PageDown' || event.key === 'ArrowRight') show(at + 1);
    else if (event.key === 'PageUp' || event.key === 'ArrowLeft') show(at - 1);
    else return;
    event.preventDefault();
  });
  window.addEventListener('resize', redraw);
  queueMicrotask(() => show(at));
  return make(
    'main',
    { className: 'paged' },
    make(
      'nav',
      {},
      previous,
      make('span', {}, number, ` ${words.of} ${book.numPages}`),
      next,
      smaller,
      larger,
    ),
    sheet,
  );
}
