// @ts-check
/** Reads at random places of a sealed file, beside the same reads of the plain one. */
import { randomInt } from 'node:crypto';
import { open as openFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encryptFile, generateKey, open } from 'sealstream';
import { inPairs, seconds } from '../lib/measure.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */

/**
 * @param {{ source: string, size: number, folder: string, rounds: number }} setting
 * @returns {AsyncGenerator<Result>}
 */
export async function* randomAccess({ source, size, folder, rounds }) {
  const key = generateKey();
  const sealed = join(folder, 'sealed');
  await encryptFile(source, sealed, { key, flush: false, overwrite: true });
  const file = await openFile(source);
  const reader = await open(sealed, { key });
  try {
    const ofReader = (/** @type {number} */ at) => reader.read(at, LENGTH);
    const ofFile = async (/** @type {number} */ at) => {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(LENGTH), 0, LENGTH, at);
      return buffer.subarray(0, bytesRead);
    };
    const aligned = () => randomInt(Math.floor(size / LENGTH)) * LENGTH;
    const anywhere = () => randomInt(size - LENGTH);
    const from =
      (/** @type {(at: number) => Promise<Uint8Array>} */ read, /** @type {() => number} */ place) => () =>
        seconds(() => manyReads(read, place));
    const thousands = READS / 1000;
    const beside = async (/** @type {string} */ name, /** @type {() => number} */ place, target = 0) => {
      const pair = await inPairs('open', from(ofReader, place), 'FileHandle', from(ofFile, place), rounds);
      return result(name, target, thousands, pair);
    };
    yield await beside('open, reads of 64 KiB / FileHandle.read', anywhere, 0.5);
    yield await beside('open, whole frames / FileHandle.read', aligned);
  } finally {
    await reader.close();
    await file.close();
    await rm(sealed, { force: true });
  }
}

/**
 * @param {(at: number) => Promise<Uint8Array>} read
 * @param {() => number} place
 */
async function manyReads(read, place) {
  let left = READS;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      const bytes = await read(place());
      if (bytes.length !== LENGTH) throw new Error('a short read');
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

/**
 * @param {string} name
 * @param {number} target
 * @param {number} thousands
 * @param {import('../lib/measure.mjs').Pair} pair
 * @returns {Result}
 */
function result(name, target, thousands, pair) {
  const { ratio, low, high } = pair;
  const [subject, reference] = [thousands / pair.subject.median, thousands / pair.reference.median];
  return { name, unit: 'k/s', subject, reference, ratio, low, high, target, sense: 'at least' };
}

const LENGTH = 64 * 1024;
const READS = 8000;
const IN_FLIGHT = 16;
