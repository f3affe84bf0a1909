// Bytes as arguments.

import { types } from 'node:util';

import { rangeError, typeError } from './errors';

/**
 * A Buffer over an ArrayBuffer, never over a SharedArrayBuffer: `new Response`, `new Blob` and WebCrypto take it. `Buffer<ArrayBuffer>` where
 * the types of Node have that, from TypeScript 5.7 on; `Buffer` before.
 */
export type Bytes = ReturnType<typeof Buffer.alloc>;

/** `Uint8Array<ArrayBuffer>`, or `Uint8Array` before TypeScript 5.7. */
export type PlainBytes = ReturnType<typeof Uint8Array.of>;

/** Whether `value` is a Uint8Array, of any realm. */
export const isBytes: (value: unknown) => value is Uint8Array = types.isUint8Array;

/**
 * Checks that `value` is a Uint8Array with its memory. Copies it if its memory can be resized or is shared with other threads,
 * since the engine reads it while JavaScript runs.
 */
export function fixedBytes(name: string, value: unknown): Uint8Array {
  if (!isBytes(value)) throw typeError(name, 'a Uint8Array or a Buffer', value);
  // An array without its memory reads as empty.
  if (value.length === 0 && isDetached(value)) {
    const found = 'one whose ArrayBuffer was detached or shrunk';
    throw typeError(name, 'a Uint8Array with its memory', value, found);
  }
  const memory = value.buffer as ArrayBufferLike & { readonly resizable?: boolean };
  const isFixed =
    memory.resizable !== true && (memory instanceof ArrayBuffer || !types.isSharedArrayBuffer(memory));
  return isFixed ? value : Buffer.from(value);
}

/** Checks that `value` is 32 bytes, as every secret is. */
export function secretBytes(name: string, value: unknown): Uint8Array {
  const bytes = fixedBytes(name, value);
  if (bytes.length === SECRET_SIZE) return bytes;
  throw rangeError(name, `must have ${SECRET_SIZE} bytes, not ${bytes.length}`);
}

/** A copy of up to `size` bytes in `size` bytes of memory of its own, behind which no other bytes of the process are visible. */
export function ownCopy(bytes: Uint8Array, size: number = bytes.length): Bytes {
  const copy = Buffer.allocUnsafeSlow(size);
  copy.set(size < bytes.length ? bytes.subarray(0, size) : bytes);
  return copy;
}

/** Whether the memory was transferred, or shrunk so that it ends before the bytes begin. */
function isDetached(bytes: Uint8Array): boolean {
  try {
    // Works in Node 20 too: methods refuse a detached array, and accept an empty one.
    Uint8Array.prototype.at.call(bytes, 0);
    return false;
  } catch {
    return true;
  }
}

/** Bytes that arrive in chunks and are needed together. */
export class GrowingBuffer {
  #memory: Bytes;
  #filled: number;

  /** @param size Bytes to collect, at least those that tell the final size. @param start The bytes that are known already. */
  constructor(
    public size: number,
    start: Uint8Array = EMPTY,
  ) {
    this.#memory = Buffer.from(start.buffer as ArrayBuffer, start.byteOffset, start.length);
    this.#filled = start.length;
  }

  get filled(): number {
    return this.#filled;
  }

  isFull(): boolean {
    return this.#filled >= this.size;
  }

  /** The bytes that have arrived. */
  get bytes(): Bytes {
    return this.#memory.length === this.#filled ? this.#memory : this.#memory.subarray(0, this.#filled);
  }

  /** Copies bytes of a chunk from position `from` on, as many as are missing, and returns how many. */
  take(chunk: Uint8Array, from = 0): number {
    const count = Math.min(this.size - this.#filled, chunk.length - from);
    this.#reserve(this.#filled + count);
    this.#memory.set(chunk.subarray(from, from + count), this.#filled);
    this.#filled += count;
    return count;
  }

  /** Allocates as bytes arrive; a size that is only claimed is not yet trusted. */
  #reserve(size: number): void {
    if (size <= this.#memory.length) return;
    const larger = Math.max(size, 2 * this.#memory.length, FIRST_ALLOCATION);
    this.#memory = ownCopy(this.bytes, Math.min(this.size, larger));
  }
}

export const SECRET_SIZE = 32;
const EMPTY = new Uint8Array();
/** Segments of the default size, and most pieces of a read, get their memory at once. */
const FIRST_ALLOCATION = 2 * 1024 * 1024;
