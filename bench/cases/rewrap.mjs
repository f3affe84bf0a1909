// @ts-check
/** Rewrapping a large file, against its bare disk writes and against Argon2's work. */
import { open as openFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encryptFile, openReader, passphrase, rewrap, SecretKey } from 'sealstream';
import { inPairs, median, seconds } from '../lib/measure.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */

/**
 * @param {{ source: string, folder: string, threads: number, rounds: number }} setting
 * @returns {AsyncGenerator<Result>}
 */
export async function* rewrapCases({ source, folder, threads, rounds }) {
  const [key, words] = [SecretKey.generate(), passphrase('correct horse battery staple')];
  const sealed = join(folder, 'sealed');
  const scratch = join(folder, 'scratch');
  try {
    // Flushed now. A rewrap flushes the whole file, and would otherwise pay for the sealing.
    await encryptFile(source, sealed, { key, threads, overwrite: true });
    await writeFile(scratch, Buffer.alloc(2 * HEADER), { flush: true });
    const inPlace = async (/** @type {import('sealstream').RewrapOptions} */ options) => {
      const report = await rewrap(sealed, options);
      if (!report.inPlace) throw new Error('rewrap wrote a new file');
    };
    const replaceKey = () => inPlace({ key, replace: [key] });
    const bareWrites = () => writeTwice(scratch);
    yield timeResult(
      'rewrap in place, with a key',
      await inPairs(each(replaceKey), each(bareWrites), rounds),
      ({ subject }) => subject,
    );

    await inPlace({ key, replace: [words] });
    const identities = [words];
    // Argon2 runs twice: to open the header and to seal the new slot.
    const replacePassphrase = () => inPlace({ identities, replace: [words] });
    const openTwice = async () => {
      for (let time = 0; time < 2; time += 1) await (await openReader(sealed, { identities })).close();
    };
    yield timeResult(
      'rewrap over two opens, with a passphrase',
      await inPairs(each(replacePassphrase), each(openTwice), rounds),
      ({ subject, reference }) => subject - reference,
    );
  } finally {
    words.dispose();
    await Promise.all([sealed, scratch].map((path) => rm(path, { force: true })));
  }
}

/**
 * The mean seconds of one run of `work`.
 *
 * @param {() => Promise<unknown>} work
 */
function each(work) {
  return async () => {
    const taken = await seconds(async () => {
      for (let time = 0; time < TIMES; time += 1) await work();
    });
    return taken / TIMES;
  };
}

/**
 * The writes that a rewrap in place needs: header and copy, each flushed before the next step.
 *
 * @param {string} path
 */
async function writeTwice(path) {
  const file = await openFile(path, 'r+');
  try {
    for (const offset of [HEADER, 0]) {
      await file.write(Buffer.alloc(HEADER, 1), 0, HEADER, offset);
      await file.sync();
    }
  } finally {
    await file.close();
  }
}

/**
 * @param {string} name
 * @param {import('../lib/measure.mjs').Pair} pair
 * @param {(values: { subject: number, reference: number }) => number} figure
 * @returns {Result}
 */
function timeResult(name, { subject, reference }, figure) {
  const [subjects, references] = [subject.values, reference.values].map((values) =>
    values.map((value) => value * 1000),
  );
  if (!subjects || !references) throw new Error('no series');
  const figures = subjects.map((value, at) =>
    figure({ subject: value, reference: references[at] ?? Number.NaN }),
  );
  return {
    name,
    unit: 'ms',
    subject: median(subjects),
    reference: median(references),
    ratio: median(figures),
    low: Math.min(...figures),
    high: Math.max(...figures),
    target: TARGET,
    sense: 'at most',
  };
}

const HEADER = 4096;
/** Runs per measurement, since one run is short. */
const TIMES = 5;
/** Milliseconds. */
const TARGET = 50;
