// @ts-check
// Starts moto's AWS KMS server, in a Python environment of its own.

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { hasStamp, stateOf, writeStamp } from '../lib/fresh.mjs';
import { run } from '../lib/process.mjs';

/** There is no server. The message says why, and what to do. */
export class KmsError extends Error {
  /** @override */
  name = 'KmsError';
}

/**
 * Starts a server. Creates its Python environment if it is missing or has other versions.
 *
 * @param {(text: string) => void} say
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 * @throws {KmsError}
 */
export async function startKms(say) {
  await makeEnvironment(say);
  const server = spawn(python, [join(here, 'serve.py')], { cwd: here, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => {
    server.once('close', resolve).once('error', resolve);
  });
  // The server may have ended already.
  server.stdin.on('error', () => undefined);
  const stop = async () => {
    server.stdin.end();
    await ended;
  };
  try {
    return { url: await listening(server), stop };
  } catch (error) {
    await stop();
    // The environment may be broken, for example after an update of Python: create it again next time.
    rmSync(stamp, { force: true });
    throw error;
  }
}

/** @param {(text: string) => void} say */
async function makeEnvironment(say) {
  const requirements = join(here, 'requirements.txt');
  const state = stateOf([requirements]);
  if (hasStamp(stamp, state)) return;

  say(`setting up ${environment} (once; downloads about 30 MB from PyPI)`);
  rmSync(environment, { recursive: true, force: true });
  const system = await findPython();
  await step('making a Python environment', system, '-m', 'venv', environment);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  await step('installing moto', python, ...install);
  writeStamp(stamp, state);
}

/** @returns {Promise<string>} */
async function findPython() {
  // moto needs Python 3.10.
  const isNew = ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 10))'];
  for (const name of ['python3', 'python']) {
    const { code } = await run(name, isNew, { cwd: here });
    if (code === 0) return name;
  }
  throw new KmsError('Python 3.10 or newer is not installed');
}

/**
 * @param {string} what
 * @param {string} program
 * @param {...string} args
 */
async function step(what, program, ...args) {
  const { code, output, error } = await run(program, args, { cwd: here, timeout: SETUP_TIMEOUT });
  if (code === 0) return;
  const last = output.trim().split('\n').at(-1);
  throw new KmsError(`${what} failed: ${error?.message ?? last}`);
}

/**
 * The address that the server prints.
 *
 * @param {import('node:child_process').ChildProcessByStdio<null | import('node:stream').Writable, import('node:stream').Readable, import('node:stream').Readable>} server
 * @returns {Promise<string>}
 */
function listening(server) {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(
      () => reject(new KmsError(`moto did not start: ${said}`)),
      START_TIMEOUT,
    ).unref();
    server.on('error', (error) => reject(new KmsError(`moto did not start: ${error.message}`)));
    server.on('close', (code) =>
      reject(new KmsError(`moto ended with ${code}: ${said.trim().split('\n').at(-1)}`)),
    );
    for (const stream of [server.stdout, server.stderr]) {
      // Reads everything, so that the server never blocks on a full pipe.
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        if (said.length < MOST_SAID) said += text;
        const [, url] = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(said) ?? [];
        if (url === undefined) return;
        clearTimeout(timer);
        resolve(url);
      });
    }
  });
}

const here = fileURLToPath(new URL('.', import.meta.url));
const environment = fileURLToPath(new URL('../../target/kms-venv', import.meta.url));
const python =
  process.platform === 'win32'
    ? join(environment, 'Scripts', 'python.exe')
    : join(environment, 'bin', 'python');
const stamp = join(environment, 'sealstream-stamp');
const SETUP_TIMEOUT = 300_000;
const START_TIMEOUT = 60_000;
const MOST_SAID = 100_000;
