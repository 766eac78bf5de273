import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, lstatSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, LaunchOptions } from 'puppeteer-core';
import { DomainError } from '../base/errors.ts';

const run = promisify(execFile);

/** Where Chromium was found, and what its process needs in its environment. */
export interface ChromiumFound {
  path: string;
  source: 'PUPPETEER_EXECUTABLE_PATH' | 'installed' | 'puppeteer-cache' | 'packaged';
  environment: Record<string, string>;
}

type Environment = Record<string, string | undefined>;

const whatToDo =
  'Install Chromium or Chrome (Debian/Ubuntu: apt-get install chromium), or set PUPPETEER_EXECUTABLE_PATH to a Chrome or Chromium binary.';

const noChromium = (reason: string, cause?: unknown): DomainError =>
  new DomainError('unavailable', `${reason} ${whatToDo}`, {
    code: 'certificates-no-browser',
    retryAfter: 60,
    ...(cause === undefined ? {} : { cause }),
  });

/**
 * Finds Chromium in this order: PUPPETEER_EXECUTABLE_PATH, an installed Chrome or Chromium, Puppeteer's own cache,
 * the one packaged in @sparticuz/chromium (unpacked once, about 2 s).
 * @throws DomainError `unavailable` that says what to install
 */
export async function findChromium(environment: Environment = process.env): Promise<ChromiumFound> {
  const given = environment['PUPPETEER_EXECUTABLE_PATH'];
  if (given) {
    if (!executable(given))
      throw noChromium(`PUPPETEER_EXECUTABLE_PATH is not an executable file: ${given}.`);
    return { path: given, source: 'PUPPETEER_EXECUTABLE_PATH', environment: {} };
  }
  const installed = findInstalled(environment);
  if (installed) return { path: installed, source: 'installed', environment: {} };
  const cached = await findInPuppeteerCache(environment);
  if (cached) return { path: cached, source: 'puppeteer-cache', environment: {} };
  return unpackPackaged(environment);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function findInstalled(environment: Environment): string | null {
  const names = ['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser', 'chrome'];
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const elsewhere = [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    ...['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA']
      .map((name) => environment[name])
      .filter((folder) => folder !== undefined)
      .map((folder) => join(folder, 'Google/Chrome/Application/chrome.exe')),
  ];
  const candidates = [...names.flatMap((name) => folders.map((folder) => join(folder, name))), ...elsewhere];
  return candidates.find(executable) ?? null;
}

/** `<cache>/chrome/<platform>-<version>/chrome-<platform>/chrome`, the newest version first. */
async function findInPuppeteerCache(environment: Environment): Promise<string | null> {
  const cache = environment['PUPPETEER_CACHE_DIR'] ?? join(homedir(), '.cache/puppeteer');
  const binaries = ['chrome', 'chrome-headless-shell', 'chrome.exe', 'chrome-headless-shell.exe'];
  const bundle = 'Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing';
  for (const product of ['chrome', 'chrome-headless-shell']) {
    const builds = await readdir(join(cache, product)).catch(() => []);
    builds.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
    for (const build of builds) {
      const folders = await readdir(join(cache, product, build)).catch(() => []);
      for (const folder of folders)
        for (const binary of [...binaries, bundle]) {
          const path = join(cache, product, build, folder, binary);
          if (executable(path)) return path;
        }
    }
  }
  return null;
}

/**
 * The packaged Chromium is unpacked into a folder of our own, beside its place and then moved there whole: the
 * package's default is a predictable name in /tmp, half-written for other processes and open to other users.
 */
async function unpackPackaged(environment: Environment): Promise<ChromiumFound> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw noChromium(`No Chrome or Chromium was found, and none is packaged for ${process.platform}.`);
  try {
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    const manifest = join(dirname(entry), '../../package.json');
    const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
    const cache = ownFolder(environment);
    const place = join(cache, `chromium-${version}`);
    const found = (): ChromiumFound => ({
      path: join(place, 'chromium'),
      source: 'packaged',
      environment: existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_PATH: join(place, 'fonts') },
    });
    if (existsSync(place)) return found();
    const staging = mkdtempSync(join(cache, 'unpacking-'));
    try {
      // In a process of its own: brotli would hold this one's threads, and the package unpacks to TMPDIR only.
      const script = `const m = require(${JSON.stringify(entry)}); (m.default ?? m).executablePath()`;
      await run(process.execPath, ['-e', script], {
        env: { PATH: environment['PATH'], TMPDIR: staging },
        timeout: 120_000,
      });
      chmodSync(join(staging, 'chromium'), 0o700);
      await rename(staging, place).catch((error: unknown) => {
        if (!existsSync(place)) throw error; // another process was quicker: use its copy
      });
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
    return found();
  } catch (cause) {
    throw noChromium(
      `No Chrome or Chromium was found, and the packaged one cannot be unpacked (${(cause as Error).message.split('\n')[0]}).`,
      cause,
    );
  }
}

/** A cache folder that only this user can write: XDG_CACHE_HOME, ~/.cache, else one under the temporary folder. */
function ownFolder(environment: Environment): string {
  const uid = process.getuid?.() ?? 0;
  const candidates = [
    join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'zhixing'),
    join(tmpdir(), `zhixing-${uid}`),
  ];
  for (const folder of candidates) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const stat = lstatSync(folder);
      if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o022) !== 0) continue;
      accessSync(folder, constants.W_OK);
      return folder;
    } catch {
      continue;
    }
  }
  throw new Error(`no folder to unpack it to: tried ${candidates.join(' and ')}`);
}

/** Root has no sandbox to give, and most containers forbid the user namespaces that it is made of. */
export const mustRunWithoutSandbox = (): boolean =>
  process.getuid?.() === 0 || existsSync('/.dockerenv') || existsSync('/run/.containerenv');

const args = ['--disable-dev-shm-usage', '--disable-gpu'];

/**
 * Finds and launches one Chromium, speaking over a pipe (no port is opened). The sandbox is on unless this machine
 * cannot give one.
 * @throws DomainError `unavailable` when there is none or it does not start
 */
export async function launchChromium(
  options: { args?: string[]; ignoreDefaultArgs?: string[]; environment?: Environment } = {},
): Promise<Browser> {
  const environment = options.environment ?? process.env;
  const found = await findChromium(environment);
  // Loaded with the first browser: a start does not wait for it.
  const { default: puppeteer } = await import('puppeteer-core');
  const launch = (sandbox: boolean): Promise<Browser> => {
    const settings: LaunchOptions = {
      executablePath: found.path,
      headless: found.source === 'packaged' ? 'shell' : true,
      pipe: true,
      args: [...(sandbox ? [] : ['--no-sandbox']), ...args, ...(options.args ?? [])],
      ...(options.ignoreDefaultArgs ? { ignoreDefaultArgs: options.ignoreDefaultArgs } : {}),
      env: { ...environment, ...found.environment },
      // The process decides when it ends: stop() closes the browser.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      timeout: 30_000,
      protocolTimeout: 60_000,
    };
    return puppeteer.launch(settings);
  };
  try {
    if (mustRunWithoutSandbox()) return await launch(false);
    return await launch(true).catch((error: unknown) => {
      if (/sandbox/i.test(String(error))) return launch(false);
      throw error;
    });
  } catch (cause) {
    const [line = ''] = (cause as Error).message.split('\n').filter((text) => text.trim() !== '');
    throw noChromium(`Chromium does not start (${found.path}): ${line}`, cause);
  }
}
