// @ts-check
// Makes a large file that can't be compressed.

import { createCipheriv, randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';

import { duration, row, size } from './text.mjs';

/**
 * Writes `bytes` pseudo-random bytes, different each time: a key stream of AES-CTR, which is as fast as the disk.
 *
 * @param {string} path
 * @param {number} bytes
 */
export async function makeFile(path, bytes) {
  const began = performance.now();
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(CHUNK);
  const file = await open(path, 'wx');
  try {
    for (let left = bytes; left > 0; left -= CHUNK) {
      await file.writeFile(cipher.update(zeros.subarray(0, Math.min(left, CHUNK))));
    }
    // Otherwise writing back would disturb the measurements.
    await file.sync();
  } finally {
    await file.close();
  }
  row('made', `${size(bytes)} of random data in ${duration(performance.now() - began)}`);
}

const CHUNK = 4 * 2 ** 20;
