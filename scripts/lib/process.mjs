// @ts-check
// Runs other programs for the scripts: with their output kept, or shown and kept.

import { spawn } from 'node:child_process';

/**
 * @typedef {object} Finished
 * @property {number | null} code  `null` when a signal ended it, or when it could not be started.
 * @property {NodeJS.Signals | null} signal  What ended it; SIGKILL where it took longer than it may.
 * @property {string} stdout
 * @property {string} output  stdout and stderr as they came.
 * @property {Error | undefined} error  Why it could not be started.
 */

/**
 * Runs a program to its end. It gets no standard input: nothing that the scripts run may wait for a person.
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
