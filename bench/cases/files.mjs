// @ts-check
/** Sealing and opening a file, against copying it, against Node's own pipeline, and against the sum of the parts. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { decryptFile, encryptFile, SecretKey } from 'sealstream';
import { inPairs, seconds } from '../lib/measure.mjs';
import { speedResult } from '../lib/report.mjs';
import { run } from '../lib/run-command.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */

/**
 * @param {{ source: string, size: number, folder: string, threads: number, rounds: number,
 *           kernel: (...args: string[]) => Promise<number> }} setting
 * @returns {AsyncGenerator<Result>}
 */
export async function* fileCases({ source, size, folder, threads, rounds, kernel }) {
  const key = SecretKey.generate();
  const sealed = join(folder, 'sealed');
  const kept = join(folder, 'kept.seal');
  const copy = join(folder, 'copy');
  // Every target is a new file, as it is for cp and the cipher. flush: false, because cp does not flush either.
  const options = { key, threads, overwrite: true, flush: false };
  const fresh = async (/** @type {string} */ path, /** @type {() => Promise<unknown>} */ work) => {
    await rm(path, { force: true });
    return seconds(work);
  };
  const seal = () => fresh(sealed, () => encryptFile(source, sealed, options));
  const open = () => fresh(sealed, () => decryptFile(kept, sealed, options));
  const cp = () => fresh(copy, () => run('cp', [source, copy]));
  const cipher = () => {
    const aes = createCipheriv('aes-256-gcm', randomBytes(32), randomBytes(12));
    return fresh(copy, () => pipeline(createReadStream(source), aes, createWriteStream(copy)));
  };
  const result = (
    /** @type {string} */ name,
    /** @type {number} */ target,
    /** @type {import('../lib/measure.mjs').Pair} */ pair,
  ) => speedResult(name, { unit: 'MiB/s', amount: size / 2 ** 20, target }, pair);

  yield result('encryptFile / cp', 1.1, await inPairs(seal, cp, rounds));
  await encryptFile(source, kept, options);
  yield result('decryptFile / cp', 1, await inPairs(open, cp, rounds));
  await rm(kept);

  // The sum of the kernels' times is a lower bound for sealing. Each pair measures the kernels again.
  const bound = async () => {
    await rm(copy, { force: true });
    const rates = [
      await kernel('io', source, copy, String(threads)),
      await kernel('aes', String(threads)),
      await kernel('digest', String(threads)),
    ];
    return rates.reduce((sum, rate) => sum + size / rate, 0);
  };
  yield result('encryptFile / bound', 0.9, await inPairs(seal, bound, rounds));

  const few = Math.max(3, Math.ceil(rounds / 2));
  yield result('encryptFile / createCipheriv pipeline', 4, await inPairs(seal, cipher, few));

  const durable = { ...options, flush: true };
  const sealFlushed = () => fresh(sealed, () => encryptFile(source, sealed, durable));
  const cpFlushed = () => fresh(copy, () => run('sh', ['-c', 'cp "$0" "$1" && sync "$1"', source, copy]));
  yield result('encryptFile, flushed / cp, sync', 0, await inPairs(sealFlushed, cpFlushed, few));
  await Promise.all([sealed, copy].map((path) => rm(path, { force: true })));
}
