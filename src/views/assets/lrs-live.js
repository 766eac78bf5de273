// Statements as they arrive, newest first; twenty at most.
const list = document.getElementById('live');
if (list && 'EventSource' in window) {
  const source = new EventSource(list.dataset.live);
  source.addEventListener('message', ({ data }) => {
    const { id, sentence, stored } = JSON.parse(data);
    list.querySelector('.muted')?.remove();
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = `/admin/lrs/statements/${id}`;
    link.textContent = sentence;
    const time = document.createElement('time');
    time.dateTime = stored;
    time.textContent = `${new Date(stored).toLocaleTimeString()} `;
    item.append(time, link);
    list.prepend(item);
    while (list.children.length > 20) list.lastElementChild.remove();
  });
  window.addEventListener('pagehide', () => source.close());
}
