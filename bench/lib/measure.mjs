// @ts-check
/**
 * Measuring in pairs: these machines are shared and their speed drifts, so two things are only compared where they
 * were measured in turn, in one run, and what is reported is the median of the pairs' ratios.
 */

/** @typedef {() => Promise<number>} Measurement seconds, or anything else of which less is better */
/** @typedef {{ name: string, values: number[], median: number }} Series */
/** @typedef {{ subject: Series, reference: Series, ratios: number[], ratio: number, low: number, high: number }} Pair */

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Runs the two in turn, A B B A A B …, after some uncounted rounds. `ratio` is how many times as fast the subject is.
 *
 * @param {string} subjectName
 * @param {Measurement} subject
 * @param {string} referenceName
 * @param {Measurement} reference
 * @param {number} rounds
 * @returns {Promise<Pair>}
 */
export async function inPairs(subjectName, subject, referenceName, reference, rounds) {
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
    subject: { name: subjectName, values: subjects, median: median(subjects) },
    reference: { name: referenceName, values: references, median: median(references) },
    ratios,
    ratio: median(ratios),
    low: Math.min(...ratios),
    high: Math.max(...ratios),
  };
}

/**
 * Seconds that `work` takes.
 *
 * @param {() => unknown} work
 */
export async function seconds(work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/** Rounds: until the system has found the pages for the first gigabytes, and V8 has compiled what runs often. */
export const WARM_UP = 2;
