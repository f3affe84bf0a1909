// @ts-check
/** What a journal costs: sealing a file that can be gone on with beside sealing one that can't. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encryptFile, generateKey } from 'sealstream';
import { inPairs, seconds } from '../lib/measure.mjs';

/**
 * @param {{ source: string, size: number, folder: string, threads: number, rounds: number }} setting
 * @returns {Promise<import('../lib/report.mjs').Result>}
 */
export async function journal({ source, size, folder, threads, rounds }) {
  const key = generateKey();
  const sealed = join(folder, 'sealed');
  // As cp does it: what the disk costs, which is more than the journal, is the same for both.
  const seal = (/** @type {boolean} */ resume) => async () => {
    await rm(sealed, { force: true });
    return seconds(() => encryptFile(source, sealed, { key, threads, flush: false, resume }));
  };
  const pair = await inPairs('with a journal', seal(true), 'without', seal(false), rounds);
  await rm(sealed, { force: true });
  return {
    name: 'encryptFile, resume: true / without',
    unit: 'MiB/s',
    subject: size / 2 ** 20 / pair.subject.median,
    reference: size / 2 ** 20 / pair.reference.median,
    ratio: pair.ratio,
    low: pair.low,
    high: pair.high,
    target: 0.95,
    sense: 'at least',
  };
}
