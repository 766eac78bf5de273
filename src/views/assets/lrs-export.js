// Exports with a progress bar: rows so far of all there are, and a way to stop. Without it the links download as they are.
const box = document.getElementById('export');

/** Counts the Statements in what has arrived: lines, but not those inside a quoted cell of CSV. */
const createCounter = (csv) => {
  let quoted = false;
  let lines = 0;
  return (bytes) => {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (csv && byte === 34) quoted = !quoted;
      else if (byte === 10 && !quoted) lines++;
    }
    return Math.max(0, csv ? lines - 1 : lines);
  };
};

if (box) {
  const part = (name) => box.querySelector(`[data-${name}]`);
  const [bar, rows, total, of, stop, state] = ['bar', 'rows', 'total', 'of', 'stop', 'state'].map(part);
  const number = new Intl.NumberFormat();
  const links = [...document.querySelectorAll('a[data-export]')];
  let running = null;

  const finish = (word) => {
    state.textContent = box.dataset[word];
    stop.hidden = true;
    bar.hidden = true;
    running = null;
    for (const link of links) link.removeAttribute('aria-disabled');
  };

  const save = (parts, name, type) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob(parts, { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };

  const run = async (href, signal) => {
    const response = await fetch(href, { signal });
    if (!response.ok) throw new Error(String(response.status));
    const name = /filename="?([^";]+)/.exec(response.headers.get('content-disposition') ?? '')?.[1];
    const url = new URL(href, location.href);
    url.pathname = '/api/lrs/export/count';
    url.searchParams.set('through', response.headers.get('x-through') ?? '');
    let whole = false;
    // How many there are comes in beside the rows; without it the bar only moves.
    fetch(url, { signal })
      .then((answer) => answer.json())
      .then((answer) => {
        if (answer.total === null || signal.aborted || whole) return;
        bar.max = Math.max(1, answer.total);
        bar.value = 0;
        total.textContent = number.format(answer.total);
        of.hidden = false;
      })
      .catch(() => undefined);
    const count = createCounter(href.includes('.csv'));
    const parts = [];
    let waiting = [];
    let size = 0;
    let done = 0;
    // Blobs of some size: the browser keeps those on disk, not in memory.
    const pack = () => {
      parts.push(new Blob(waiting));
      [waiting, size] = [[], 0];
    };
    for (const reader = response.body.getReader(); ;) {
      const { done: ended, value } = await reader.read();
      if (ended) break;
      waiting.push(value);
      size += value.length;
      if (size > 8_388_608) pack();
      done = count(value);
      rows.textContent = number.format(done);
      if (bar.hasAttribute('value')) bar.value = done;
    }
    whole = true;
    total.textContent = number.format(done);
    of.hidden = false;
    pack();
    save(parts, name, response.headers.get('content-type'));
  };

  for (const link of links)
    link.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (running) return;
      running = new AbortController();
      for (const other of links) other.setAttribute('aria-disabled', 'true');
      box.hidden = false;
      stop.hidden = false;
      of.hidden = true;
      bar.hidden = false;
      bar.removeAttribute('value');
      rows.textContent = '0';
      state.textContent = box.dataset.running;
      run(link.href, running.signal).then(
        () => finish('done'),
        () => finish(running.signal.aborted ? 'stopped' : 'failed'),
      );
    });
  stop.addEventListener('click', () => running?.abort());
}
