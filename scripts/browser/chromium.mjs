// @ts-check
// A Chromium to test with: one that is installed, or else one that an npm package ships.

import { constants, existsSync } from 'node:fs';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { run } from '../lib/process.mjs';

/** What a person can put right; the message says how. */
export class BrowserError extends Error {
  /** @override */
  name = 'BrowserError';
}

/**
 * @param {string} cache  Where a browser is installed that is not there yet, to be found again.
 * @param {(text: string) => void} tell
 * @returns {Promise<string>} The program's path.
 * @throws {BrowserError} if there is none and none can be installed.
 */
export async function findChromium(cache, tell) {
  const chosen = process.env['CHROME_PATH'];
  if (chosen !== undefined && chosen !== '') {
    if (!existsSync(chosen)) throw new BrowserError(`CHROME_PATH names ${chosen}, which is not there`);
    return chosen;
  }
  for (const path of knownPlaces()) {
    if (await isProgram(path)) return path;
  }
  return shipped(cache, tell);
}

/** @returns {string[]} */
function knownPlaces() {
  const { platform, env } = process;
  if (platform === 'darwin') {
    const bundles = ['Google Chrome', 'Chromium', 'Microsoft Edge'];
    return ['/', homedir()].flatMap((home) =>
      bundles.map((name) => join(home, 'Applications', `${name}.app`, 'Contents', 'MacOS', name)),
    );
  }
  if (platform === 'win32') {
    const folders = [env['PROGRAMFILES'], env['PROGRAMFILES(X86)'], env['LOCALAPPDATA']];
    const programs = ['Google/Chrome/Application/chrome.exe', 'Microsoft/Edge/Application/msedge.exe'];
    return folders.flatMap((folder) =>
      folder === undefined ? [] : programs.map((program) => join(folder, program)),
    );
  }
  const names = [
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
    'chrome-headless-shell',
    'microsoft-edge',
  ];
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name)));
}

/** @param {string} path */
async function isProgram(path) {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * The browser of an npm package that holds the whole program, since most others download it from elsewhere.
 *
 * @param {string} cache
 * @param {(text: string) => void} tell
 */
async function shipped(cache, tell) {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new BrowserError(INSTALL_ONE);
  const folder = join(cache, `chromium-${VERSION}`);
  const unpacked = join(folder, 'unpacked');
  const program = join(unpacked, 'chromium');
  if (!existsSync(join(folder, 'complete'))) {
    tell(`no Chromium found: installing ${PACKAGE} (67 MB) into ${folder}`);
    await mkdir(unpacked, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    await step('npm', [
      'install',
      '--prefix',
      folder,
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      PACKAGE,
    ]);
    const main = pathToFileURL(join(folder, 'node_modules/@sparticuz/chromium/build/index.js')).href;
    const code = `import(${JSON.stringify(main)}).then(({ default: chromium }) => chromium.executablePath())`;
    // It unpacks into the folder for temporary files, and only on Lambda the libraries that a bare system lacks.
    await step(process.execPath, ['-e', code], {
      ...process.env,
      TMPDIR: unpacked,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
    });
    if (!existsSync(program)) throw new BrowserError(`${PACKAGE} did not unpack its browser`);
    await writeFile(join(folder, 'complete'), '');
  }
  return program;
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
async function step(program, args, env = process.env) {
  const { code, output } = await run(program, args, { cwd: process.cwd(), env });
  if (code !== 0) throw new BrowserError(`${program} ${args[0]} failed:\n${output}\n${INSTALL_ONE}`);
}

const VERSION = '153.0.0';
const PACKAGE = `@sparticuz/chromium@${VERSION}`;
const INSTALL_ONE =
  'install Chromium or Chrome, or name one: CHROME_PATH=/path/to/chrome npm run test:browser';
