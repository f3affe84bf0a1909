// @ts-check
/** Damages a file. */
import { open } from 'node:fs/promises';

/**
 * Flips one bit of the byte at `at`.
 *
 * @param {string} path
 * @param {number} at
 */
export async function flipByte(path, at) {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8() ^ 1);
  await file.write(byte, 0, 1, at);
  await file.close();
}
