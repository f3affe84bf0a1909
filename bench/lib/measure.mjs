// @ts-check
/**
 * Measures in pairs. The speed of a shared machine drifts, so two things are compared only if they were measured
 * alternately in one run. The result is the median of the pairs' ratios.
 */

/** @typedef {() => Promise<number>} Measurement  Seconds, or another quantity of which less is better. */
/** @typedef {{ values: number[], median: number }} Series */
/** @typedef {{ subject: Series, reference: Series, ratios: number[], ratio: number, low: number, high: number }} Pair */

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Measures alternately, A B B A A B …, after the warm-up rounds. `ratio` is how many times as fast the subject is.
 *
 * @param {Measurement} subject
 * @param {Measurement} reference
 * @param {number} rounds
 * @returns {Promise<Pair>}
 */
export async function inPairs(subject, reference, rounds) {
  /** @type {number[]} */ const subjects = [];
  /** @type {number[]} */ const references = [];
  for (let round = -WARM_UP; round < rounds; round += 1) {
    const subjectFirst = round % 2 === 0;
    const first = await (subjectFirst ? subject : reference)();
    const second = await (subjectFirst ? reference : subject)();
    if (round < 0) continue;
    subjects.push(subjectFirst ? first : second);
    references.push(subjectFirst ? second : first);
  }
  const ratios = subjects.map((value, at) => (references[at] ?? Number.NaN) / value);
  return {
    subject: { values: subjects, median: median(subjects) },
    reference: { values: references, median: median(references) },
    ratios,
    ratio: median(ratios),
    low: Math.min(...ratios),
    high: Math.max(...ratios),
  };
}

/**
 * The seconds that `work` takes.
 *
 * @param {() => unknown} work
 */
export async function seconds(work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/** Uncounted rounds. The first gigabytes cost the system new pages, and V8 compiles hot code only after some calls. */
export const WARM_UP = 2;
