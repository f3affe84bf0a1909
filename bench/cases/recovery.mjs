// @ts-check
/** Checking a sealed file beside reading it, and getting a damaged one back beside opening a sound one. */
import { copyFile, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decryptFile, encryptFile, generateKey, salvage, verify } from 'sealstream';
import { inPairs, seconds } from '../lib/measure.mjs';
import { run } from '../lib/run-command.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */

/**
 * @param {{ source: string, size: number, folder: string, threads: number, rounds: number }} setting
 * @returns {AsyncGenerator<Result>}
 */
export async function* recoveryCases({ source, size, folder, threads, rounds }) {
  const key = generateKey();
  const [sealed, damaged, output] = ['sealed', 'damaged', 'output'].map((name) => join(folder, name));
  if (!sealed || !damaged || !output) throw new Error('no names');
  await encryptFile(source, sealed, { key, threads, flush: false, overwrite: true });
  await copyFile(sealed, damaged);
  await flipByte(damaged, Math.floor(size / 2));

  const check = async (/** @type {Parameters<typeof verify>[1]} */ options) => {
    const { sound } = await verify(sealed, { threads, ...options });
    if (!sound) throw new Error('a sound file was called damaged');
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
  /**
   * @param {string} name
   * @param {number} target
   * @param {import('../lib/measure.mjs').Pair} pair
   * @returns {Result}
   */
  const result = (name, target, pair) => ({
    name,
    unit: 'MiB/s',
    subject: size / 2 ** 20 / pair.subject.median,
    reference: size / 2 ** 20 / pair.reference.median,
    ratio: pair.ratio,
    low: pair.low,
    high: pair.high,
    target,
    sense: 'at least',
  });

  yield result('verify without a key / dd', 1, await inPairs('verify', keyless, 'dd', read, rounds));
  // Reading alone is faster than AES-256-GCM on these cores: no target.
  yield result('verify with the key / dd', 0, await inPairs('verify', keyed, 'dd', read, rounds));
  yield result('salvage / decryptFile', 0.3, await inPairs('salvage', salvaging, 'open', opening, rounds));
  await Promise.all([sealed, damaged, output].map((path) => rm(path, { force: true })));
}

/**
 * @param {string} path
 * @param {number} at
 */
async function flipByte(path, at) {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8() ^ 1);
  await file.write(byte, 0, 1, at);
  await file.close();
}
