// A pool for small ciphertexts: a slice of 64 KiB costs a fifth of a buffer of its own. Only ciphertext comes here, never
// plaintext, because a slice's `buffer` shows the whole pool. If sealing fails, the addon overwrites the slice.

import { markAsUntransferable } from 'node:worker_threads';
import type { NodeBuffer } from './bytes';

import { newMemory } from './bytes';

/** Calls `fill` with `size` bytes of the pool, and returns those that it filled: as many of the first as it says. */
export function fromPool(size: number, fill: (room: NodeBuffer) => number): NodeBuffer {
  if (current.memory.length - current.at < size) {
    current.memory = newPool();
    current.at = 0;
  }
  const filled = fill(current.memory.subarray(current.at, current.at + size));
  const slice = current.memory.subarray(current.at, current.at + filled);
  // The next slice starts at a multiple of 8, because typed views of an ArrayBuffer may need that.
  current.at = (current.at + filled + 7) & ~7;
  return slice;
}

function newPool(): NodeBuffer {
  const memory = newMemory(POOL_SIZE);
  // Transferring the memory of one slice to a worker would detach all others.
  markAsUntransferable(memory.buffer);
  return memory;
}

const POOL_SIZE = 64 * 1024;
const current: { memory: NodeBuffer; at: number } = { memory: Buffer.alloc(0), at: 0 };
