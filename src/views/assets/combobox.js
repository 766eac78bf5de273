// A field that searches while one types (WAI-ARIA combobox with a list). Without scripts it is a plain field whose text
// the server understands.
for (const input of document.querySelectorAll('input[data-search]')) {
  const list = document.createElement('ul');
  const status = document.createElement('p');
  const box = document.createElement('div');
  let choices = [];
  let at = -1;
  let asked = 0;
  let timer = 0;

  list.id = `${input.id}-list`;
  list.className = 'options';
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', input.labels[0]?.textContent ?? '');
  list.hidden = true;
  status.className = 'visually-hidden';
  status.setAttribute('role', 'status');
  box.className = 'combobox';
  input.replaceWith(box);
  box.append(input, list, status);
  for (const [name, value] of Object.entries({
    role: 'combobox',
    'aria-autocomplete': 'list',
    'aria-expanded': 'false',
    'aria-controls': list.id,
    autocomplete: 'off',
  }))
    input.setAttribute(name, value);

  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };
  const mark = (next) => {
    at = next;
    [...list.children].forEach((option, index) => {
      option.setAttribute('aria-selected', String(index === at));
      if (index === at) option.scrollIntoView({ block: 'nearest' });
    });
    if (at >= 0) input.setAttribute('aria-activedescendant', list.children[at].id);
    else input.removeAttribute('aria-activedescendant');
  };
  const choose = (index) => {
    input.value = choices[index].value;
    close();
  };
  const show = () => {
    list.replaceChildren(
      ...choices.map(({ value, note }, index) => {
        const option = document.createElement('li');
        option.id = `${list.id}-${index}`;
        option.setAttribute('role', 'option');
        option.setAttribute('aria-selected', 'false');
        const name = document.createElement('span');
        name.textContent = value;
        option.append(name);
        if (note) {
          const more = document.createElement('span');
          more.className = 'small muted';
          more.textContent = note;
          option.append(more);
        }
        // Before the field loses the focus.
        option.addEventListener('mousedown', (event) => {
          event.preventDefault();
          choose(index);
        });
        return option;
      }),
    );
    at = -1;
    list.hidden = choices.length === 0;
    input.setAttribute('aria-expanded', String(!list.hidden));
    status.textContent = (choices.length ? input.dataset.found : input.dataset.none).replace(
      '{count}',
      choices.length,
    );
  };
  const search = async () => {
    const text = input.value.trim();
    const mine = ++asked;
    if (text.length < 2) return close();
    const url = new URL(input.dataset.search, location.href);
    url.searchParams.set('q', text);
    const answer = await fetch(url, { headers: { accept: 'application/json' } });
    if (!answer.ok || mine !== asked || document.activeElement !== input) return;
    ({ choices } = await answer.json());
    show();
  };
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => search().catch(close), 150);
  });
  input.addEventListener('keydown', (event) => {
    const open = !list.hidden;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!open) return void search().catch(close);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      mark((at + step + choices.length + (at < 0 && step < 0 ? 1 : 0)) % choices.length);
    } else if (event.key === 'Enter' && open && at >= 0) {
      event.preventDefault();
      choose(at);
    } else if (event.key === 'Escape' && open) {
      event.preventDefault();
      close();
    }
  });
  input.addEventListener('blur', close);
}
