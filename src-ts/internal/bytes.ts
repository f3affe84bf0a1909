// Bytes as arguments.
//
// A caller's array may lie: its class may have a `length` of its own, and its memory may be transferred by any function of the caller's.
// So only the language's own getters and methods look at it, as they were when this module was loaded, and never its properties.

import { types } from 'node:util';

import type { CallerBytes } from '../../native/binding';
import { native } from './binding';
import { rangeError, typeError } from './errors';

/**
 * A Buffer over an ArrayBuffer, never over a SharedArrayBuffer: `new Response`, `new Blob` and WebCrypto take it. `Buffer<ArrayBuffer>` where
 * the types of Node have that, from TypeScript 5.7 on; `Buffer` before.
 */
export type NodeBuffer = ReturnType<typeof Buffer.alloc>;

/** `Uint8Array<ArrayBuffer>`, or `Uint8Array` before TypeScript 5.7. */
export type PlainUint8Array = ReturnType<typeof Uint8Array.of>;

/* eslint-disable @typescript-eslint/unbound-method -- they are called with their object as the first argument */
const { bind, call } = Function.prototype;

/** A method as a function whose first argument is the object. */
const uncurryThis = bind.bind(call) as <This, Given extends unknown[], Result>(
  method: (this: This, ...given: Given) => Result,
) => (object: This, ...given: Given) => Result;

const ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;

function getter<Name extends 'buffer' | 'byteOffset' | 'byteLength' | 'length'>(
  name: Name,
  of: object = ARRAY,
) {
  const { get } = Object.getOwnPropertyDescriptor(of, name) as { get: (this: object) => unknown };
  return uncurryThis(get) as (bytes: object) => Uint8Array[Name];
}

/** The number of bytes; 0 if their memory was detached. */
export const sizeOf: (bytes: object) => number = getter('length');
/** The memory that the bytes are in. */
export const memoryOf: (bytes: object) => ArrayBufferLike = getter('buffer');
const offsetOf = getter('byteOffset');
const byteLengthOf = getter('byteLength');
const view = DataView.prototype;
const ofView = {
  memory: getter('buffer', view),
  offset: getter('byteOffset', view),
  size: getter('byteLength', view),
};
const set = uncurryThis(ARRAY.set);
const fill = uncurryThis(ARRAY.fill);
const at = uncurryThis(ARRAY.at);
const { allocUnsafeSlow } = Buffer;
/* eslint-enable @typescript-eslint/unbound-method */

/** Whether `value` is a Uint8Array, of any realm. */
export const isBytes: (value: unknown) => value is Uint8Array = types.isUint8Array;

/** Checks that `value` is a Uint8Array with its memory. It stays the caller's: read it before any function of the caller's can run. */
export function checkedBytes(name: string, value: unknown): Uint8Array {
  if (!isBytes(value)) throw typeError(name, 'a Uint8Array or a Buffer', value);
  // An array without its memory reads as empty.
  if (sizeOf(value) > 0 || !isDetached(value)) return value;
  throw typeError(
    name,
    'a Uint8Array with its memory',
    value,
    'one whose ArrayBuffer was detached or shrunk',
  );
}

/** Checks and copies bytes that are needed later. */
export function copiedBytes(name: string, value: unknown): NodeBuffer {
  return ownCopy(checkedBytes(name, value));
}

/**
 * The bytes of an ArrayBuffer or of any view of one, in the same memory. Returns other values as they are.
 *
 * @throws TypeError if the view lies outside of its memory, which was shrunk.
 */
export function bytesOf(value: unknown): unknown {
  if (isBytes(value)) return value;
  if (types.isTypedArray(value)) return new Uint8Array(memoryOf(value), offsetOf(value), byteLengthOf(value));
  if (types.isDataView(value)) {
    return new Uint8Array(ofView.memory(value), ofView.offset(value), ofView.size(value));
  }
  return types.isAnyArrayBuffer(value) ? new Uint8Array(value) : value;
}

/** The same bytes as a Buffer whose properties tell the truth, for code that reads them. Returns other values as they are. */
export function truthful(value: unknown): unknown {
  // Memory that was taken away can't be viewed; checks refuse such an array later.
  if (!isBytes(value) || sizeOf(value) === 0) return value;
  return Buffer.from(memoryOf(value) as ArrayBuffer, offsetOf(value), sizeOf(value));
}

/** Checks bytes, and takes them for an operation as they are now. Release them when the operation has ended. */
export function takenBytes(name: string, value: unknown): CallerBytes {
  return new native.CallerBytes(checkedBytes(name, value));
}

/** Checks that `value` is 32 bytes, as every secret is. */
export function secretBytes(name: string, value: unknown): Uint8Array {
  const bytes = checkedBytes(name, value);
  const size = sizeOf(bytes);
  if (size === SECRET_SIZE) return bytes;
  throw rangeError(name, `must have ${SECRET_SIZE} bytes, not ${size}`);
}

/** New memory with any contents, behind which no other bytes are visible. */
export const newMemory: (size: number) => NodeBuffer = allocUnsafeSlow;

/** The bytes from `start` to `end`, in the same memory. */
export function part(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(memoryOf(bytes), offsetOf(bytes) + start, end - start);
}

/** Copies `bytes` to `target`, from `at` on. Throws if they do not fit. */
export function copyInto(target: Uint8Array, bytes: Uint8Array, at = 0): void {
  set(target, bytes, at);
}

/** A copy of up to `size` bytes in `size` bytes of memory of its own, behind which no other bytes of the process are visible. */
export function ownCopy(bytes: Uint8Array, size: number = sizeOf(bytes)): NodeBuffer {
  const copy = newMemory(size);
  set(copy, size < sizeOf(bytes) ? part(bytes, 0, size) : bytes);
  return copy;
}

/** Overwrites bytes. An array without its memory has none. */
export function overwriteBytes(bytes: Uint8Array): void {
  if (sizeOf(bytes) > 0) fill(bytes, 0);
}

/** Whether the memory was transferred, or shrunk so that it ends before the bytes begin. */
function isDetached(bytes: Uint8Array): boolean {
  try {
    // Works in Node 20 too: methods refuse a detached array, and accept an empty one.
    at(bytes, 0);
    return false;
  } catch {
    return true;
  }
}

/** Bytes that arrive in chunks and are needed together. */
export class GrowingBuffer {
  #memory: NodeBuffer;
  #filled: number;

  /** @param size Bytes to collect, at least those that tell the final size. @param start The bytes that are known already. */
  constructor(
    public size: number,
    start: Uint8Array = EMPTY,
  ) {
    this.#memory = Buffer.from(memoryOf(start) as ArrayBuffer, offsetOf(start), sizeOf(start));
    this.#filled = sizeOf(start);
  }

  get filled(): number {
    return this.#filled;
  }

  isFull(): boolean {
    return this.#filled >= this.size;
  }

  /** The bytes that have arrived. */
  get bytes(): NodeBuffer {
    return this.#memory.length === this.#filled ? this.#memory : this.#memory.subarray(0, this.#filled);
  }

  /** Copies bytes of a chunk from position `from` on, as many as are missing, and returns how many. */
  take(chunk: Uint8Array, from = 0): number {
    const count = Math.min(this.size - this.#filled, sizeOf(chunk) - from);
    this.#reserve(this.#filled + count);
    set(this.#memory, part(chunk, from, from + count), this.#filled);
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
