// Upload with a progress bar: the browser's own count while sending, then the job's phases.
const form = document.querySelector('form.upload');
if (form) {
  const words = JSON.parse(document.getElementById('upload-words').textContent);
  const drop = form.querySelector('.drop');
  const input = form.querySelector('input[type="file"]');
  const status = document.getElementById('upload-status');
  const bar = document.getElementById('upload-bar');
  const box = document.getElementById('upload-progress');
  const button = form.querySelector('button[type="submit"]');

  const chosen = () => {
    const file = input.files[0];
    document.getElementById('chosen').textContent = file
      ? `${file.name}（${(file.size / 1048576).toFixed(1)} MB）`
      : '';
  };
  input.addEventListener('change', chosen);
  for (const name of ['dragenter', 'dragover'])
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
  for (const name of ['dragleave', 'drop']) drop.addEventListener(name, () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length > 0) {
      input.files = event.dataTransfer.files;
      chosen();
    }
  });

  const fail = (message) => {
    status.textContent = message;
    status.className = 'error';
    bar.hidden = true;
    button.disabled = false;
  };
  const say = (text, share) => {
    status.className = '';
    if (status.textContent !== text) status.textContent = text;
    if (share === null) bar.removeAttribute('value');
    else bar.value = share;
  };

  const follow = async (jobId) => {
    for (;;) {
      const answer = await fetch(`/api/packages/jobs/${jobId}`, { headers: { accept: 'application/json' } });
      const job = await answer.json();
      if (!answer.ok) return fail(job.error?.message ?? words.failed);
      if (['accepted', 'refused', 'failed'].includes(job.phase)) {
        location.assign(`/vendor/uploads/${jobId}`);
        return;
      }
      say(words[job.phase], job.phase === 'storing' && job.total > 0 ? job.done / job.total : null);
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
  };

  form.addEventListener('submit', (event) => {
    if (!input.files[0]) return;
    event.preventDefault();
    button.disabled = true;
    box.hidden = false;
    bar.hidden = false;
    const request = new XMLHttpRequest();
    request.open('POST', form.action);
    request.setRequestHeader('accept', 'application/json');
    request.setRequestHeader('x-csrf-token', form.elements._csrf.value);
    request.upload.addEventListener('progress', (sent) => {
      if (sent.lengthComputable) say(words.receiving, sent.loaded / sent.total);
    });
    request.addEventListener('load', () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // A proxy's own page: the status says enough.
      }
      if (request.status === 202) follow(answer.jobId).catch(() => fail(words.failed));
      else fail(answer.error?.message ?? words.failed);
    });
    request.addEventListener('error', () => fail(words.failed));
    const body = new FormData();
    body.append('package', input.files[0]);
    request.send(body);
  });
}
