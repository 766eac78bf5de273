// Terms: 同意 works once the end has been reached, by wheel, touch, keys, the jump link or a screen reader's cursor.
const text = document.querySelector('[data-terms]');
if (text) {
  const form = document.querySelector('form[data-agree]');
  const button = form.querySelector('button');
  const state = document.querySelector('.terms-state');
  const end = document.getElementById('terms-end');
  text.classList.add('scrolls');
  text.tabIndex = 0;
  text.setAttribute('role', 'region');
  text.setAttribute('aria-labelledby', 'terms-title');
  button.setAttribute('aria-disabled', 'true');

  const reached = () => {
    if (button.getAttribute('aria-disabled') === null) return;
    button.removeAttribute('aria-disabled');
    state.textContent = state.dataset.read;
    state.classList.add('read');
  };
  const look = () => {
    if (text.scrollTop + text.clientHeight >= text.scrollHeight - 24) reached();
  };
  text.addEventListener('scroll', look, { passive: true });
  new ResizeObserver(look).observe(text);
  end.addEventListener('focus', reached);
  form.addEventListener('submit', (event) => {
    if (button.getAttribute('aria-disabled') === null) return;
    event.preventDefault();
    state.textContent = state.dataset.reading;
    text.focus();
  });
}

// Nickname: checked while typing (W19); a suggestion fills the field.
const nickname = document.querySelector('input[data-nickname]');
if (nickname) {
  const state = document.getElementById('nickname-state');
  const box = document.querySelector('[data-suggestions]');
  const list = box.querySelector('ul');
  let timer = 0;
  let asked = 0;

  const show = ({ free, message, suggestions }) => {
    state.textContent = message;
    state.classList.toggle('free', free);
    state.classList.toggle('error', !free);
    nickname.setAttribute('aria-invalid', String(!free));
    box.hidden = suggestions.length === 0;
    list.replaceChildren(
      ...suggestions.map((suggestion) => {
        const item = document.createElement('li');
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'button';
        button.value = suggestion;
        button.textContent = suggestion;
        item.append(button);
        return item;
      }),
    );
  };
  const check = async () => {
    const mine = ++asked;
    const answer = await fetch(`/api/nickname-check?nickname=${encodeURIComponent(nickname.value)}`, {
      headers: { accept: 'application/json' },
    }).catch(() => null);
    // A later keystroke's answer counts; without an answer the form's own check decides.
    if (mine !== asked) return;
    if (answer?.ok) show(await answer.json());
    else {
      state.textContent = '';
      state.classList.remove('free', 'error');
    }
  };
  nickname.addEventListener('input', (event) => {
    clearTimeout(timer);
    asked++;
    // While an input method composes, the text is not yet what is meant.
    if (event.isComposing || nickname.value.trim() === '') return;
    state.classList.remove('free', 'error');
    state.textContent = nickname.dataset.checking;
    timer = setTimeout(check, 300);
  });
  nickname.addEventListener('compositionend', () => nickname.dispatchEvent(new Event('input')));
  list.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    event.preventDefault();
    nickname.value = button.value;
    box.hidden = true;
    nickname.focus();
    void check();
  });
}
