// Uploads with a progress bar each: the browser's own count while sending, then the job's phases. One file leads to its report;
// several are listed, one sent after the other, each with its bar and its report.
const form = document.querySelector('form.upload');
if (form) {
  const words = JSON.parse(document.getElementById('upload-words').textContent);
  const drop = form.querySelector('.drop');
  const input = form.querySelector('input[type="file"]');
  const list = document.getElementById('upload-list');
  const button = form.querySelector('button[type="submit"]');
  // A form without a script sends one file only; a new version of a package is one file as well.
  input.multiple = form.dataset.several === 'yes';

  const sizeOf = ({ name, size }) =>
    `${name}（${size < 1048576 ? `${Math.ceil(size / 1024)} KB` : `${(size / 1048576).toFixed(1)} MB`}）`;
  const chosen = () => {
    document.getElementById('chosen').textContent = [...input.files].map(sizeOf).join('、');
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
    const { files } = event.dataTransfer;
    if (files.length === 0 || (files.length > 1 && !input.multiple)) return;
    input.files = files;
    chosen();
  });

  /** A file's line: its name, what is happening to it, how far it is, and in the end its report. */
  const lineFor = (file) => {
    const line = document.createElement('li');
    const name = document.createElement('span');
    name.className = 'upload-name';
    name.textContent = sizeOf(file);
    const status = document.createElement('span');
    status.setAttribute('role', 'status');
    status.textContent = words.waiting;
    const bar = document.createElement('progress');
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute('aria-label', `${words.progress}：${file.name}`);
    line.append(name, status, bar);
    list.append(line);
    return {
      say(text, share) {
        if (status.textContent !== text) status.textContent = text;
        if (share === null) bar.removeAttribute('value');
        else bar.value = share;
      },
      end(text, good, report) {
        status.textContent = `${good ? '✓' : '✗'} ${text}`;
        status.className = good ? 'done' : 'error';
        bar.hidden = true;
        if (!report) return;
        const link = document.createElement('a');
        link.href = report;
        link.textContent = words.report;
        link.setAttribute('aria-label', `${words.report}：${file.name}`);
        line.append(link);
      },
    };
  };

  const send = (file, line) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('POST', form.action);
      request.setRequestHeader('accept', 'application/json');
      request.setRequestHeader('x-csrf-token', form.elements._csrf.value);
      request.upload.addEventListener('progress', (sent) => {
        if (sent.lengthComputable) line.say(words.receiving, sent.loaded / sent.total);
      });
      request.addEventListener('load', () => {
        let answer = {};
        try {
          answer = JSON.parse(request.responseText);
        } catch {
          // A proxy's own page: the status says enough.
        }
        if (request.status === 202) resolve(answer.jobId);
        else reject(new Error(answer.error?.message ?? words.failed));
      });
      request.addEventListener('error', () => reject(new Error(words.failed)));
      const body = new FormData();
      body.append('package', file);
      request.send(body);
    });

  const follow = async (jobId, line) => {
    for (;;) {
      const answer = await fetch(`/api/packages/jobs/${jobId}`, { headers: { accept: 'application/json' } });
      const job = await answer.json();
      if (!answer.ok) throw new Error(job.error?.message ?? words.failed);
      if (['accepted', 'refused', 'failed'].includes(job.phase)) return job;
      line.say(words[job.phase], job.phase === 'storing' && job.total > 0 ? job.done / job.total : null);
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
  };

  const upload = async (file, line) => {
    try {
      const jobId = await send(file, line);
      const job = await follow(jobId, line);
      const errors = job.findings.filter(({ severity }) => severity === 'error').length;
      const warnings = job.findings.length - errors;
      const result = {
        accepted: warnings === 0 ? words.accepted : words.acceptedWarnings.replace('COUNT', warnings),
        refused: words.refused.replace('COUNT', errors),
        failed: words.failed,
      };
      line.end(result[job.phase], job.phase === 'accepted', `/vendor/uploads/${jobId}`);
      return `/vendor/uploads/${jobId}`;
    } catch (error) {
      line.end(error.message, false, null);
      return null;
    }
  };

  form.addEventListener('submit', (event) => {
    const files = [...input.files];
    if (files.length === 0) return;
    event.preventDefault();
    button.disabled = true;
    list.replaceChildren();
    const lines = files.map(lineFor);
    void (async () => {
      let report = null;
      for (const [at, file] of files.entries()) report = await upload(file, lines[at]);
      if (files.length === 1 && report) location.assign(report);
      button.disabled = false;
    })();
  });
}
