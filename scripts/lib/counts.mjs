// @ts-check
// How many tests ran, read from what the runners print. A runner that dies halfway prints no summary, so
// whatever started and did not finish is a failure, and so is a bad exit code that no failed test explains.

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped  Ignored, skipped or to do: declared, but not run.
 */

/**
 * Counts what `cargo test` printed to stdout: one `test result:` line for each test binary.
 *
 * @param {string} output
 * @param {number | null} exitCode  `null` when a signal ended it.
 * @returns {Counts}
 */
export function countCargo(output, exitCode) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let unfinished = 0;
  for (const line of lines(output)) {
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
  return explained(counts, exitCode);
}

/**
 * Counts what `ava --tap` printed to stdout. The summary comes last; without one, the single results count, and
 * the missing summary is one failure more.
 *
 * @param {string} output
 * @param {number | null} exitCode  `null` when a signal ended it.
 * @returns {Counts}
 */
export function countTap(output, exitCode) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let todo = 0;
  /** @type {Map<string, number>} */
  const summary = new Map();
  for (const line of lines(output)) {
    const [, outcome, count] = TAP_TOTAL.exec(line) ?? [];
    if (outcome !== undefined) summary.set(outcome, Number(count));

    const [, verdict] = TAP_RESULT.exec(line) ?? [];
    const [, directive] = TAP_DIRECTIVE.exec(line) ?? [];
    if (verdict === undefined) continue;
    if (directive !== undefined) counts.skipped += 1;
    else if (verdict === 'ok') counts.passed += 1;
    else counts.failed += 1;
    if (directive === 'TODO') todo += 1;
  }

  const passed = summary.get('pass');
  const failed = summary.get('fail');
  if (passed === undefined || failed === undefined) {
    counts.failed += 1;
  } else {
    counts.passed = passed;
    // The summary takes tests that never got to run as failed, as it should, and tests to do as well.
    counts.failed = Math.max(counts.failed, failed - todo);
  }
  return explained(counts, exitCode);
}

/**
 * Adds up the runners' counts. A runner that ran nothing is a failure: it would be green for ever.
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
function explained(counts, exitCode) {
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/**
 * @param {string} output
 * @returns {string[]}
 */
function lines(output) {
  return output.split(/\r?\n/);
}

const CARGO_START = /^running \d+ tests?$/;
const CARGO_RESULT = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/;
const TAP_RESULT = /^(not ok|ok) \d+/;
const TAP_DIRECTIVE = / # (SKIP|TODO)$/;
const TAP_TOTAL = /^# (pass|fail) (\d+)$/;
