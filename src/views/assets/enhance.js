// Progressive enhancement: every page works without it.

// A form that takes a moment says so and is not sent twice.
for (const form of document.querySelectorAll('form[data-once]')) {
  form.addEventListener('submit', () => {
    const button = form.querySelector('button[type="submit"]');
    if (!button) return;
    setTimeout(() => {
      button.disabled = true;
      if (form.dataset.busy) button.textContent = form.dataset.busy;
    });
    // A file that is downloaded leaves the page as it is.
    if (form.dataset.once === 'download') setTimeout(() => location.reload(), 4000);
  });
}

// A refused form is read out: focus goes to what is wrong.
document.getElementById('problems')?.focus();

// Tick all in a table.
for (const all of document.querySelectorAll('input[data-all]')) {
  all.closest('.tick-all').hidden = false;
  all.addEventListener('change', () => {
    for (const one of document.querySelectorAll(`input[name="${all.dataset.all}"]`))
      one.checked = all.checked;
  });
}
