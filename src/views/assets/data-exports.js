// The progress of a download that is being made; without this the page says the same after a reload.
const busy = () =>
  [...document.querySelectorAll('[data-export]')].filter(({ dataset }) =>
    ['waiting', 'running'].includes(dataset.state),
  );

const look = async () => {
  const answer = await fetch('/api/account/data/exports', { headers: { accept: 'application/json' } });
  if (!answer.ok) return;
  const known = new Map((await answer.json()).map((one) => [one.id, one]));
  for (const row of busy()) {
    const one = known.get(row.dataset.export);
    if (!one?.busy) return location.reload();
    row.dataset.state = one.state;
    row.querySelector('[data-rows]').textContent = one.rows;
    const bar = row.querySelector('progress');
    if (one.total) {
      bar.max = one.total;
      bar.value = one.rows;
    }
  }
};

if (busy().length > 0)
  setInterval(() => {
    if (document.visibilityState === 'visible') look().catch(() => undefined);
  }, 1500);
