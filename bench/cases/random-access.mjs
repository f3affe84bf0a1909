// @ts-check
/** Reads at random offsets of a sealed file, against the same reads of the plain file. */
import { randomInt } from 'node:crypto';
import { open as openFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encryptFile, openReader, SecretKey } from 'sealstream';
import { inPairs, seconds } from '../lib/measure.mjs';
import { speedResult } from '../lib/report.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */

/**
 * @param {{ source: string, size: number, folder: string, rounds: number }} setting
 * @returns {AsyncGenerator<Result>}
 */
export async function* randomAccessCases({ source, size, folder, rounds }) {
  const key = SecretKey.generate();
  const sealed = join(folder, 'sealed');
  await encryptFile(source, sealed, { key, flush: false, overwrite: true });
  const file = await openFile(source);
  const reader = await openReader(sealed, { key });
  try {
    const ofReader = (/** @type {number} */ at) => reader.read(at, LENGTH);
    const ofFile = async (/** @type {number} */ at) => {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(LENGTH), 0, LENGTH, at);
      return buffer.subarray(0, bytesRead);
    };
    const aligned = () => randomInt(Math.floor(size / LENGTH)) * LENGTH;
    const anywhere = () => randomInt(size - LENGTH);
    const compare = async (/** @type {string} */ name, /** @type {() => number} */ offset, target = 0) => {
      const pair = await inPairs(
        () => seconds(() => manyReads(ofReader, offset)),
        () => seconds(() => manyReads(ofFile, offset)),
        rounds,
      );
      return speedResult(name, { unit: 'k/s', amount: READS / 1000, target }, pair);
    };
    yield await compare('open, reads of 64 KiB / FileHandle.read', anywhere, 0.5);
    yield await compare('open, whole frames / FileHandle.read', aligned);
  } finally {
    await reader.close();
    await file.close();
    await rm(sealed, { force: true });
  }
}

/**
 * @param {(at: number) => Promise<Uint8Array>} read
 * @param {() => number} offset
 */
async function manyReads(read, offset) {
  let left = READS;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      const bytes = await read(offset());
      if (bytes.length !== LENGTH) throw new Error('a short read');
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

const LENGTH = 64 * 1024;
const READS = 8000;
const IN_FLIGHT = 16;
