#!/usr/bin/env node
// @ts-check
// Runs all tests, of the engine and of the package, and ends with the line `N passed, N failed`.

import { fileURLToPath } from 'node:url';

import { testAge } from './age.mjs';
import { KmsError, startKms } from './kms/server.mjs';
import { run } from './lib/process.mjs';
import { setup, SetupError } from './setup.mjs';

/** @typedef {import('./lib/counts.mjs').Counts} Counts */

/** @returns {Promise<{ passed: number, failed: number }>} */
async function testEverything() {
  await setup();
  // Uses an installed package, so it can be loaded only after setup.
  const { countCargo, countTap, ranNothing, total } = await import('./lib/counts.mjs');

  /**
   * @param {string} name
   * @param {Counts} counts
   */
  const report = (name, counts) => {
    const skipped = counts.skipped === 0 ? '' : `; ${counts.skipped} not run`;
    const alarm = ranNothing(counts) ? '; NO TEST RAN, which counts as a failure' : '';
    print(`${name}: ${counts.passed} of ${counts.passed + counts.failed} tests passed${skipped}${alarm}`);
    return counts;
  };

  heading('engine: cargo test');
  // --no-fail-fast: the counts must include the test binaries after a failed one.
  const cargo = await run('cargo', ['test', '-p', 'sealstream', '--no-fail-fast'], options);
  const all = [report('engine', countCargo(cargo.stdout, cargo.code))];

  heading('package: ava');
  const ava = await runAva();
  all.push(report('package', countTap(ava.stdout, ava.code)));

  heading('key pairs: ava, with the commands of age');
  const age = await testAge();
  if (typeof age === 'string') print(`key pairs: NOT RUN: ${age}`);
  else all.push(report('key pairs', age));
  return total(all);
}

async function runAva() {
  const ava = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.mjs', import.meta.url));
  const kms = await startKmsIfPossible();
  try {
    const env = { ...process.env, ...(kms && { SEALSTREAM_TEST_KMS: kms.url }) };
    return await run(process.execPath, [ava, '--tap'], { ...options, env });
  } finally {
    await kms?.stop();
  }
}

/** The test server of AWS KMS needs Python. Without Python its tests are skipped. */
async function startKmsIfPossible() {
  try {
    return await startKms((text) => print(`kms: ${text}`));
  } catch (error) {
    if (!(error instanceof KmsError)) throw error;
    print(`kms: ${error.message}\nkms: THE TESTS AGAINST A SERVER OF AWS KMS ARE NOT RUN`);
    return undefined;
  }
}

/** @param {string} text */
function heading(text) {
  print(`\n== ${text}`);
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}

const options = { cwd: fileURLToPath(new URL('..', import.meta.url)), show: true };

let sum = { passed: 0, failed: 1 };
try {
  sum = await testEverything();
} catch (error) {
  // A failed setup counts as one failure.
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`setup: ${error.message}\n`);
}
print(`\n${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 ? 0 : 1;
