// @ts-check
// Runs a program and kills it at a given moment; and random numbers for these moments.

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} End
 * @property {NodeJS.Signals | number | null} how  The signal or the exit code.
 * @property {string[]} lines  Its output after the first line, `begun`.
 * @property {string} complained  Its standard error.
 * @property {number} milliseconds  Since its first output.
 */

/**
 * Runs a program. Kills it `moment` milliseconds after it prints `begun`, or not at all.
 *
 * @param {string[]} args
 * @param {number | undefined} moment
 * @returns {Promise<End>}
 */
export async function killed(args, moment) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  /** @type {Promise<NodeJS.Signals | number | null>} */
  const end = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  let [said, complained] = ['', ''];
  let begun = 0;
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (complained += text));
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    said += text;
    if (begun !== 0) return;
    begun = performance.now();
    if (moment !== undefined) void sleep(moment).then(() => child.kill('SIGKILL'));
  });
  const how = await end;
  // The last line may be incomplete.
  const lines = said.split('\n').slice(1, -1);
  return { how, lines, complained, milliseconds: performance.now() - begun };
}

/**
 * Pseudo-random numbers from 0 to 1, the same for the same seed (mulberry32).
 *
 * @param {number} seed
 */
export function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
