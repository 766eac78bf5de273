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
  zhixing upload [--lang zh-TW|en] [--json] [--package ID] FILE
      Uploads a package and waits for the report. ZHIXING_URL: the platform's address. ZHIXING_TOKEN: your API token.

  Ends with 0: accepted, 1: refused or failed, 2: wrong usage.
`;

interface Options {
  files: string[];
  language: Language;
  json: boolean;
  packageId: string | null;
}

function optionsOf(args: readonly string[], environment: Record<string, string | undefined>): Options | null {
  const options: Options = {
    files: [],
    language: /^en/i.test(environment['LC_ALL'] ?? environment['LANG'] ?? '') ? 'en' : 'zh-TW',
    json: false,
    packageId: null,
  };
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--json') options.json = true;
    else if (word === '--lang') {
      const language = rest.shift();
      if (language !== 'zh-TW' && language !== 'en') return null;
      options.language = language;
    } else if (word === '--package') options.packageId = rest.shift() ?? null;
    else if (word.startsWith('-')) return null;
    else options.files.push(word);
  }
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
  versionId: string | null;
  findings: Finding[];
}

async function upload(
  { files, language, json, packageId }: Options,
  environment: Record<string, string | undefined>,
  terminal: Terminal,
): Promise<number> {
  const [file = ''] = files;
  const base = environment['ZHIXING_URL'];
  const token = environment['ZHIXING_TOKEN'];
  if (!base || !token || files.length > 1) {
    terminal.err(`${usage}\nupload takes one file, ZHIXING_URL and ZHIXING_TOKEN.\n`);
    return 2;
  }
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
  const call = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const answer = await fetch(new URL(path, base), { ...init, headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${text.slice(0, 500)}`);
    return JSON.parse(text) as unknown;
  };
  const form = new FormData();
  form.append('package', await openAsBlob(file), basename(file));
  const query = packageId === null ? '' : `?packageId=${encodeURIComponent(packageId)}`;
  const { jobId } = (await call(`/api/packages${query}`, { method: 'POST', body: form })) as {
    jobId: string;
  };
  for (;;) {
    const job = (await call(`/api/packages/jobs/${jobId}`)) as Job;
    if (['receiving', 'checking', 'storing'].includes(job.phase)) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      continue;
    }
    const accepted = job.phase === 'accepted';
    const report = { fileName: basename(file), accepted, versionId: job.versionId, findings: job.findings };
    terminal.out(json ? `${JSON.stringify(report)}\n` : reportText(report, language));
    return accepted ? 0 : 1;
  }
}

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
