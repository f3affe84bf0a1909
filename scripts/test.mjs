#!/usr/bin/env node
// @ts-check
// Runs every test, the engine's and the package's, and ends with the line `N passed, N failed`.

import { fileURLToPath } from 'node:url';

import { testAge } from './age.mjs';
import { countCargo, countTap, ranNothing, total } from './lib/counts.mjs';
import { run } from './lib/process.mjs';
import { setup, SetupError } from './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @returns {Promise<import('./lib/counts.mjs').Counts>} */
async function testEngine() {
  heading('engine: cargo test');
  // Every test binary runs, whatever failed before it, so that the counts are of everything.
  const { code, stdout } = await run('cargo', ['test', '-p', 'sealstream', '--no-fail-fast'], options);
  return summarized('engine', countCargo(stdout, code));
}

/** @returns {Promise<import('./lib/counts.mjs').Counts>} */
async function testPackage() {
  heading('package: ava');
  const ava = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.mjs', import.meta.url));
  const { code, stdout } = await run(process.execPath, [ava, '--tap'], options);
  return summarized('package', countTap(stdout, code));
}

/** @returns {Promise<import('./lib/counts.mjs').Counts[]>} None where age can't be had. */
async function testWithAge() {
  heading('key pairs: ava, with the commands of age');
  const counts = await testAge();
  if (typeof counts !== 'string') return [summarized('key pairs', counts)];
  print(`key pairs: NOT RUN: ${counts}`);
  return [];
}

/**
 * @param {string} name
 * @param {import('./lib/counts.mjs').Counts} counts
 */
function summarized(name, counts) {
  const skipped = counts.skipped === 0 ? '' : `; ${counts.skipped} not run`;
  const alarm = ranNothing(counts) ? '; NO TEST RAN, which counts as a failure' : '';
  print(`${name}: ${counts.passed} of ${counts.passed + counts.failed} tests passed${skipped}${alarm}`);
  return counts;
}

/** @param {string} text */
function heading(text) {
  print(`\n== ${text}`);
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}

const options = { cwd: root, show: true };

let sum = { passed: 0, failed: 1, skipped: 0 };
try {
  await setup();
  sum = total([await testEngine(), await testPackage(), ...(await testWithAge())]);
} catch (error) {
  // Without what it tests there is nothing to count but the failure.
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`setup: ${error.message}\n`);
}
print(`\n${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 ? 0 : 1;
