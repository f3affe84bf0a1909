// @ts-check
/** The cost of a journal: resumable sealing against sealing without `resume`. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encryptFile, SecretKey } from 'sealstream';
import { inPairs, seconds } from '../lib/measure.mjs';
import { speedResult } from '../lib/report.mjs';

/**
 * @param {{ source: string, size: number, folder: string, threads: number, rounds: number }} setting
 * @returns {AsyncGenerator<import('../lib/report.mjs').Result>}
 */
export async function* journalCases({ source, size, folder, threads, rounds }) {
  const key = SecretKey.generate();
  const sealed = join(folder, 'sealed');
  // flush: false. Both sides would pay the same for the disk, which costs more than the journal.
  const seal = (/** @type {boolean} */ resume) => async () => {
    await rm(sealed, { force: true });
    return seconds(() => encryptFile(source, sealed, { key, threads, flush: false, resume }));
  };
  const pair = await inPairs(seal(true), seal(false), rounds);
  await rm(sealed, { force: true });
  const work = { unit: 'MiB/s', amount: size / 2 ** 20, target: 0.95 };
  yield speedResult('encryptFile, resume: true / without', work, pair);
}
