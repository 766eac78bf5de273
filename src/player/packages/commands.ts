import { openAsBlob } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Language } from '../../base/languages.ts';
import type { Finding } from '../types.ts';
import { checkUpload } from './check.ts';
import { reportText } from './report.ts';

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
}

const usage = `知行 Zhixing

  zhixing check [--lang zh-TW|en] [--json] FILE...
      Checks packages (SCORM ZIP, HTML ZIP, MP4, PDF, EPUB) as the platform does when they are uploaded.
  zhixing upload [--lang zh-TW|en] [--json] [--package ID | --course CODE] [--publish [--move]] [--preview] FILE
      Uploads a package and waits for the report. ZHIXING_URL: the platform's address. ZHIXING_TOKEN: your API token.
      --package, --course: as the next version of this package, or of the one that this course uses.
      --publish: makes it the version in use, in all courses with the package; learners in progress stay on theirs, or
      go on with this one (--move). --preview: prints a link that opens it once.

  Ends with 0: accepted, 1: refused or failed, 2: wrong usage.
`;

interface Options {
  files: string[];
  language: Language;
  json: boolean;
  packageId: string | null;
  course: string | null;
  publish: boolean;
  move: boolean;
  preview: boolean;
}

function optionsOf(args: readonly string[], environment: Record<string, string | undefined>): Options | null {
  const options: Options = {
    files: [],
    language: /^en/i.test(environment['LC_ALL'] ?? environment['LANG'] ?? '') ? 'en' : 'zh-TW',
    json: false,
    packageId: null,
    course: null,
    publish: false,
    move: false,
    preview: false,
  };
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--json') options.json = true;
    else if (word === '--lang') {
      const language = rest.shift();
      if (language !== 'zh-TW' && language !== 'en') return null;
      options.language = language;
    } else if (word === '--package') options.packageId = rest.shift() ?? null;
    else if (word === '--course') options.course = rest.shift() ?? null;
    else if (word === '--publish') options.publish = true;
    else if (word === '--move') options.move = true;
    else if (word === '--preview') options.preview = true;
    else if (word.startsWith('-')) return null;
    else options.files.push(word);
  }
  if ((options.move && !options.publish) || (options.packageId !== null && options.course !== null))
    return null;
  return options.files.length > 0 ? options : null;
}

/** The limits of a platform that was set up with nothing else. */
const defaultLimits = { files: 20_000, unpackedBytes: 8192 * 1024 * 1024, ratio: 200 };

async function check({ files, language, json }: Options, terminal: Terminal): Promise<number> {
  let refused = false;
  for (const file of files) {
    const fileName = basename(file);
    const report = await checkUpload(file, fileName, defaultLimits, async ({ content, findings }) => ({
      fileName,
      accepted: content !== null,
      standard: content?.standard ?? null,
      edition: content?.edition ?? null,
      title: content?.title ?? null,
      findings,
    }));
    refused ||= !report.accepted;
    terminal.out(json ? `${JSON.stringify(report)}\n` : reportText(report, language));
  }
  return refused ? 1 : 0;
}

interface Job {
  phase: string;
  packageId: string | null;
  versionId: string | null;
  findings: Finding[];
}

async function upload(
  options: Options,
  environment: Record<string, string | undefined>,
  terminal: Terminal,
): Promise<number> {
  const [file = ''] = options.files;
  const base = environment['ZHIXING_URL'];
  const token = environment['ZHIXING_TOKEN'];
  if (!base || !token || options.files.length > 1) {
    terminal.err(`${usage}\nupload takes one file, ZHIXING_URL and ZHIXING_TOKEN.\n`);
    return 2;
  }
  const call = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const answer = await fetch(new URL(path, base), {
      ...init,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(typeof init.body === 'string' ? { 'content-type': 'application/json' } : {}),
      },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${text.slice(0, 500)}`);
    return JSON.parse(text) as T;
  };
  const send = <T>(method: string, path: string, body: object): Promise<T> =>
    call<T>(path, { method, body: JSON.stringify(body) });

  const coursePath = `/api/packages/courses/${encodeURIComponent(options.course ?? '')}`;
  const course = options.course === null ? null : await call<{ packageId: string | null }>(coursePath);
  const packageId = options.packageId ?? course?.packageId ?? null;

  const form = new FormData();
  form.append('package', await openAsBlob(file), basename(file));
  const query = packageId === null ? '' : `?packageId=${encodeURIComponent(packageId)}`;
  const { jobId } = await call<{ jobId: string }>(`/api/packages${query}`, { method: 'POST', body: form });
  let job = await call<Job>(`/api/packages/jobs/${jobId}`);
  while (['receiving', 'checking', 'storing'].includes(job.phase)) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    job = await call<Job>(`/api/packages/jobs/${jobId}`);
  }
  const { versionId, findings } = job;
  const accepted = job.phase === 'accepted';
  const report = { fileName: basename(file), accepted, versionId, findings };
  const at = `/api/packages/${job.packageId}`;
  let publication: { courses: number; moved: number } | null = null;
  let preview: { url: string } | null = null;
  if (accepted && options.publish) {
    if (course && course.packageId === null) await send('PUT', coursePath, { versionId });
    const learners = options.move ? 'move' : 'stay';
    publication = await send('POST', `${at}/publication`, { versionId, learners });
  }
  if (accepted && options.preview) preview = await send('POST', `${at}/preview-links`, { versionId });

  if (options.json)
    terminal.out(`${JSON.stringify({ ...report, packageId: job.packageId, publication, preview })}\n`);
  else {
    terminal.out(reportText(report, options.language));
    const said = words[options.language];
    if (publication) terminal.out(`${said.published(publication.courses, publication.moved)}\n`);
    if (preview) terminal.out(`${said.preview}${preview.url}\n`);
  }
  return accepted ? 0 : 1;
}

const words = {
  'zh-TW': {
    published: (courses: number, moved: number) =>
      `已發布：${courses} 門課程改用這一版，移動 ${moved} 位學習者`,
    preview: '預覽連結（只能開啟一次，15 分鐘內有效）：',
  },
  en: {
    published: (courses: number, moved: number) =>
      `Published: courses that took this version: ${courses}; learners moved: ${moved}`,
    preview: 'Preview link (opens once, within 15 minutes): ',
  },
};

/** The command line of vendors; gives the exit code. */
export async function runCommand(
  [command, ...args]: readonly string[],
  environment: Record<string, string | undefined>,
  terminal: Terminal,
): Promise<number> {
  const options = optionsOf(args, environment);
  if ((command !== 'check' && command !== 'upload') || !options) {
    (command === '--help' || command === 'help' ? terminal.out : terminal.err)(usage);
    return command === '--help' || command === 'help' ? 0 : 2;
  }
  try {
    for (const file of options.files) await access(file, constants.R_OK);
    return command === 'check'
      ? await check(options, terminal)
      : await upload(options, environment, terminal);
  } catch (error) {
    terminal.err(`${(error as Error).message}\n`);
    return 1;
  }
}
