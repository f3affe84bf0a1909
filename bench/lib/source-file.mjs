// @ts-check
/** The plaintext file of the benchmarks. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';

/**
 * Writes a file that can't be compressed, and leaves it in the page cache.
 *
 * @param {string} path
 * @param {number} size  Bytes.
 */
export async function makeSourceFile(path, size) {
  const file = await open(path, 'w');
  const chunk = randomBytes(16 * 2 ** 20);
  for (let written = 0; written < size; written += chunk.length) {
    chunk.writeBigUInt64LE(BigInt(written));
    await file.write(chunk, 0, Math.min(chunk.length, size - written));
  }
  await file.sync();
  await file.close();
}
