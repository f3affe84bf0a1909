// A pool for small ciphertexts: a slice of 64 KiB costs a fifth of a buffer of its own. Only ciphertext comes here, never
// plaintext, because a slice's `buffer` shows the whole pool. If sealing fails, the addon overwrites the slice.

import { markAsUntransferable } from 'node:worker_threads';

/** `size` free bytes. They stay free until {@link poolTake}. */
export function poolRoom(size: number): Buffer {
  if (current.memory.length - current.at < size) {
    current.memory = newPool();
    current.at = 0;
  }
  return current.memory.subarray(current.at, current.at + size);
}

/** Gives the first `size` bytes of `room`, which {@link poolRoom} returned last, to the caller. */
export function poolTake(room: Buffer, size: number): Buffer {
  // The next slice starts at a multiple of 8, because typed views of an ArrayBuffer may need that.
  current.at = (current.at + size + 7) & ~7;
  return room.length === size ? room : room.subarray(0, size);
}

function newPool(): Buffer {
  const memory = Buffer.allocUnsafeSlow(POOL_SIZE);
  // Transferring the memory of one slice to a worker would detach all others.
  markAsUntransferable(memory.buffer);
  return memory;
}

const POOL_SIZE = 64 * 1024;
const current: { memory: Buffer; at: number } = { memory: Buffer.alloc(0), at: 0 };
