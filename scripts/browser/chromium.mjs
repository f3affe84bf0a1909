// @ts-check
// Finds or installs the Chromium for the browser test. Playwright drives it, but its own download is not used: the browser
// is the system's, or comes from npm.

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { chromium } from 'playwright-core';

import { run } from '../lib/process.mjs';

/** An error that the user can fix; the message says how. */
export class BrowserError extends Error {
  /** @override */
  name = 'BrowserError';
}

/**
 * Launches the browser that CHROME_PATH names, or an installed Chromium, Chrome or Edge. On Linux x64 it installs a
 * Chromium from npm if there is none.
 *
 * @param {string} cache  Folder for the installed browser.
 * @param {(text: string) => void} print
 * @returns {Promise<import('playwright-core').Browser>}
 * @throws {BrowserError} if there is no browser and none can be installed.
 */
export async function launchChromium(cache, print) {
  const chosen = process.env['CHROME_PATH'];
  if (chosen && !existsSync(chosen))
    throw new BrowserError(`CHROME_PATH names ${chosen}, which does not exist`);
  const executablePath = chosen || chromiumOnPath();
  if (executablePath) return chromium.launch({ executablePath, args: ARGUMENTS });

  for (const channel of ['chrome', 'msedge']) {
    try {
      return await chromium.launch({ channel, args: ARGUMENTS });
    } catch (error) {
      if (!/is not found/.test(String(error))) throw error;
    }
  }
  return launchFromNpm(cache, print);
}

/** Playwright knows where Chrome and Edge are installed, but not where Linux distributions put Chromium. */
function chromiumOnPath() {
  if (process.platform !== 'linux') return undefined;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return ['chromium', 'chromium-browser', 'chrome-headless-shell']
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}

/**
 * @param {string} cache
 * @param {(text: string) => void} print
 */
async function launchFromNpm(cache, print) {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new BrowserError(INSTALL_ONE);
  const folder = join(cache, `chromium-${VERSION}`);
  const unpacked = join(folder, 'unpacked');
  const complete = join(folder, 'complete');
  if (!existsSync(complete)) {
    print(`no Chromium found: installing ${PACKAGE} (67 MB) into ${folder}`);
    await mkdir(unpacked, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
    await step('npm', ['install', '--prefix', folder, ...flags, PACKAGE]);
    const main = pathToFileURL(join(folder, 'node_modules/@sparticuz/chromium/build/index.js')).href;
    const code = `import(${JSON.stringify(main)}).then(({ default: chromium }) => chromium.executablePath())`;
    // The package unpacks into the folder for temporary files. It unpacks the shared libraries only on AWS Lambda.
    const env = { ...process.env, TMPDIR: unpacked, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' };
    await step(process.execPath, ['-e', code], env);
    await writeFile(complete, '');
  }
  const libraries = [process.env['LD_LIBRARY_PATH'], join(unpacked, 'al2023', 'lib')];
  return chromium.launch({
    executablePath: join(unpacked, 'chromium'),
    args: ARGUMENTS,
    env: { ...process.env, LD_LIBRARY_PATH: libraries.filter(Boolean).join(delimiter) },
  });
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

// For containers, which have a small /dev/shm and no GPU.
const ARGUMENTS = ['--disable-dev-shm-usage', '--disable-gpu', '--mute-audio'];
const VERSION = '153.0.0';
const PACKAGE = `@sparticuz/chromium@${VERSION}`;
const INSTALL_ONE =
  'install Chromium or Chrome, or name one: CHROME_PATH=/path/to/chrome npm run test:browser';
