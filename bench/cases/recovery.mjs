// @ts-check
/** Checking a sealed file against reading it, and salvaging a damaged file against opening a sound one. */
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decryptFile, encryptFile, salvage, SecretKey, verify } from 'sealstream';
import { flipByte } from '../lib/flip-byte.mjs';
import { inPairs, seconds } from '../lib/measure.mjs';
import { speedResult } from '../lib/report.mjs';
import { run } from '../lib/run-command.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */

/**
 * @param {{ source: string, size: number, folder: string, threads: number, rounds: number }} setting
 * @returns {AsyncGenerator<Result>}
 */
export async function* recoveryCases({ source, size, folder, threads, rounds }) {
  const key = SecretKey.generate();
  const [sealed, damaged, output] = ['sealed', 'damaged', 'output'].map((name) => join(folder, name));
  if (!sealed || !damaged || !output) throw new Error('no names');
  await encryptFile(source, sealed, { key, threads, flush: false, overwrite: true });
  await copyFile(sealed, damaged);
  await flipByte(damaged, Math.floor(size / 2));

  const check = async (/** @type {Parameters<typeof verify>[1]} */ options) => {
    const { sound } = await verify(sealed, { threads, ...options });
    if (!sound) throw new Error('verify found damage in a sound file');
  };
  const read = () => seconds(() => run('dd', [`if=${sealed}`, 'of=/dev/null', 'bs=1M', 'status=none']));
  const keyless = () => seconds(() => check({}));
  const keyed = () => seconds(() => check({ key }));
  const fresh = async (/** @type {() => Promise<unknown>} */ work) => {
    await rm(output, { force: true });
    return seconds(work);
  };
  const options = { key, threads, flush: false };
  const opening = () => fresh(() => decryptFile(sealed, output, options));
  const salvaging = () => fresh(() => salvage(damaged, output, options));
  const result = (
    /** @type {string} */ name,
    /** @type {number} */ target,
    /** @type {import('../lib/measure.mjs').Pair} */ pair,
  ) => speedResult(name, { unit: 'MiB/s', amount: size / 2 ** 20, target }, pair);

  yield result('verify without a key / dd', 1, await inPairs(keyless, read, rounds));
  // No target: reading alone is faster than AES-256-GCM.
  yield result('verify with the key / dd', 0, await inPairs(keyed, read, rounds));
  yield result('salvage / decryptFile', 0.3, await inPairs(salvaging, opening, rounds));
  await Promise.all([sealed, damaged, output].map((path) => rm(path, { force: true })));
}
