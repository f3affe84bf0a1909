// @ts-check
// Runs other programs, and keeps or shows their output.

import { spawn } from 'node:child_process';

/**
 * @typedef {object} Finished
 * @property {number | null} code  `null` if a signal ended it, or if it could not be started.
 * @property {NodeJS.Signals | null} signal  The signal that ended it; SIGKILL after the timeout.
 * @property {string} stdout
 * @property {string} output  stdout and stderr, in order of arrival.
 * @property {Error | undefined} error  Set if it could not be started.
 */

/**
 * Runs a program. It gets no standard input, so it can't wait for the user.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd: string, show?: boolean, env?: NodeJS.ProcessEnv, timeout?: number }} options  `show` passes its output
 *   through; `timeout` is in milliseconds.
 * @returns {Promise<Finished>}
 */
export function run(program, args, { cwd, show = false, env = process.env, timeout }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let output = '';
    /** @type {Error | undefined} */
    let error;

    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      stdout += text;
      output += text;
      if (show) process.stdout.write(text);
    });
    child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      output += text;
      if (show) process.stderr.write(text);
    });
    child.on('error', (cause) => {
      error = cause;
      resolve({ code: null, signal: null, stdout, output, error });
    });
    child.on('close', (code, signal) => resolve({ code, signal, stdout, output, error }));
  });
}
