// Memory for small ciphertexts: a slice of 64 KiB costs a fifth of a buffer of its own. Ciphertext alone comes here, never
// plaintext, because what shares memory can be read through the slice's `buffer`. Where sealing fails, the addon
// overwrites the room.

import { markAsUntransferable } from 'node:worker_threads';

/** `size` free bytes, which are free until they are taken. @internal */
export function poolRoom(size: number): Buffer {
  if (current.memory.length - current.at < size) {
    current.memory = newPool();
    current.at = 0;
  }
  return current.memory.subarray(current.at, current.at + size);
}

/** The first `size` bytes of `room`, the last that was given out, which are the caller's from now on. @internal */
export function poolTake(room: Buffer, size: number): Buffer {
  // The next slice starts at a multiple of 8, as an ArrayBuffer's views may need it.
  current.at = (current.at + size + 7) & ~7;
  return room.length === size ? room : room.subarray(0, size);
}

function newPool(): Buffer {
  const memory = Buffer.allocUnsafeSlow(POOL_SIZE);
  // Transferring one slice's memory to a worker would take all the others away.
  markAsUntransferable(memory.buffer);
  return memory;
}

const POOL_SIZE = 64 * 1024;
const current: { memory: Buffer; at: number } = { memory: Buffer.alloc(0), at: 0 };
