// @ts-check
// Counts tests from the output of the test runners. A test that started and did not finish is a failure, and so is a
// non-zero exit code without a failed test.

import { Parser } from 'tap-parser';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped  Declared but not run: ignored, skipped or to do.
 */

/**
 * Counts the results that `cargo test` printed: one `test result:` line for each test binary. Stable Rust has no
 * machine-readable output for tests.
 *
 * @param {string} output  Standard output.
 * @param {number | null} exitCode  `null` if a signal ended the runner.
 * @returns {Counts}
 */
export function countCargo(output, exitCode) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let unfinished = 0;
  for (const line of output.split(/\r?\n/)) {
    const result = CARGO_RESULT.exec(line);
    if (result !== null) {
      counts.passed += Number(result[1]);
      counts.failed += Number(result[2]);
      counts.skipped += Number(result[3]);
      unfinished = Math.max(0, unfinished - 1);
    } else if (CARGO_START.test(line)) {
      unfinished += 1;
    }
  }
  counts.failed += unfinished;
  return withExitCode(counts, exitCode);
}

/**
 * Counts the results that `ava --tap` printed. Planned tests that did not run count as failed. A missing plan, from a
 * runner that died, is one failure more.
 *
 * @param {string} output  Standard output.
 * @param {number | null} exitCode  `null` if a signal ended the runner.
 * @returns {Counts}
 */
export function countTap(output, exitCode) {
  const parser = new Parser();
  parser.end(output);
  const { results } = parser;
  if (results === null) throw new Error('the TAP parser gave no results');
  const { count, pass, skip, todo, todos, failures, plan } = results;
  const passedTodos = todos.filter(({ ok }) => ok).length;
  const missing = Math.max(0, (plan.end ?? 0) - count);
  const counts = {
    passed: pass - skip - passedTodos,
    // `failures` has one entry for all missing tests together.
    failed: failures.length + Math.max(0, missing - 1),
    skipped: skip + todo,
  };
  return withExitCode(counts, exitCode);
}

/**
 * Adds up the runners' counts. A runner that ran no test counts as one failure.
 *
 * @param {readonly Counts[]} runners
 * @returns {Counts}
 */
export function total(runners) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of runners) {
    sum.passed += counts.passed;
    sum.failed += counts.failed + (ranNothing(counts) ? 1 : 0);
    sum.skipped += counts.skipped;
  }
  return sum;
}

/**
 * @param {Counts} counts
 * @returns {boolean}
 */
export function ranNothing(counts) {
  return counts.passed + counts.failed === 0;
}

/**
 * @param {Counts} counts
 * @param {number | null} exitCode
 * @returns {Counts}
 */
function withExitCode(counts, exitCode) {
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

const CARGO_START = /^running \d+ tests?$/;
const CARGO_RESULT = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/;
