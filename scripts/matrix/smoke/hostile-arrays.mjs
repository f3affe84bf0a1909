// @ts-check
// Arrays that lie about their memory, and callers that take it away.

import assert from 'node:assert/strict';
import { runInNewContext } from 'node:vm';

import { SealError } from 'sealstream';

/** Copied at the call, and read while the operation runs. */
export const SIZES = [100_000, 5_000_000];
const STRANGE = 0xee;

/** @param {number} size */
export function plaintext(size) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) bytes[at] = (at * 7) % 199;
  return bytes;
}

/** @param {Uint8Array} bytes */
export function detach(bytes) {
  structuredClone(bytes.buffer, { transfer: [/** @type {ArrayBuffer} */ (bytes.buffer)] });
  useFreedMemory(bytes.length);
}

/** @type {(() => void) | undefined} */
const collectGarbage = await import('node:v8').then(
  ({ setFlagsFromString }) => {
    setFlagsFromString('--expose-gc');
    return /** @type {(() => void) | undefined} */ (
      runInNewContext("typeof gc === 'function' ? gc : undefined")
    );
  },
  () => undefined,
);

/** Other buffers of the process take the memory that was freed. */
export let others = /** @type {Uint8Array[]} */ ([]);
export function useFreedMemory(/** @type {number} */ size) {
  collectGarbage?.();
  others = Array.from({ length: 4 }, () => new Uint8Array(size).fill(STRANGE));
}

/**
 * @typedef {object} Attack
 * @property {(bytes: Uint8Array) => Uint8Array} make  The argument with these contents.
 * @property {(argument: Uint8Array) => void} [atOnce]  Done when the call has returned.
 * @property {(argument: Uint8Array) => void} [later]  Done while the operation runs.
 * @property {boolean} [mayFail]  Whether rejecting is right too.
 */

/** @param {Uint8Array} bytes */
const own = (bytes) => new Uint8Array(bytes);
/** @param {Uint8Array} bytes */
function resizable(bytes) {
  /** @type {new (size: number, options: { maxByteLength: number }) => ArrayBuffer} */
  const Resizable = ArrayBuffer;
  const memory = new Resizable(bytes.length, { maxByteLength: 2 * bytes.length });
  const made = new Uint8Array(memory);
  made.set(bytes);
  return made;
}
/**
 * @param {Uint8Array} bytes
 * @param {number} size
 */
function resize(bytes, size) {
  // The property may lie.
  const { get } = /** @type {PropertyDescriptor} */ (
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'buffer')
  );
  get?.call(bytes).resize?.(size);
  useFreedMemory(size);
}
/** @param {Uint8Array} bytes */
export function lying(bytes) {
  const made = own(bytes);
  const stranger = new Uint8Array(2 * bytes.length).fill(STRANGE);
  const lies = {
    buffer: stranger.buffer,
    byteOffset: 64,
    length: 2 * bytes.length,
    byteLength: 2 * bytes.length,
  };
  for (const [name, value] of Object.entries(lies)) Object.defineProperty(made, name, { get: () => value });
  for (const name of /** @type {const} */ (['subarray', 'slice', 'at', 'set']))
    Object.defineProperty(made, name, { value: () => stranger });
  return made;
}
export class Liar extends Uint8Array {
  /**
   * @override
   * @returns {number}
   */
  get length() {
    return 3 * super.length;
  }
  /**
   * @override
   * @returns {number}
   */
  get byteLength() {
    return 3 * super.length;
  }
  /**
   * @override
   * @returns {number}
   */
  get byteOffset() {
    return 1024;
  }
  /**
   * @override
   * @returns {ArrayBuffer}
   */
  get buffer() {
    return new ArrayBuffer(16);
  }
  static get [Symbol.species]() {
    return Array;
  }
}

/** @type {Record<string, Attack>} */
export const attacks = {
  'transferred at once': { make: own, atOnce: detach, mayFail: true },
  'transferred later': { make: own, later: detach, mayFail: true },
  'shrunk to nothing': {
    make: resizable,
    atOnce: (bytes) => {
      resize(bytes, 0);
    },
    mayFail: true,
  },
  'shrunk later': {
    make: resizable,
    later: (bytes) => {
      resize(bytes, 10);
    },
    mayFail: true,
  },
  grown: {
    make: resizable,
    atOnce: (bytes) => {
      resize(bytes, 2 * bytes.length);
    },
    mayFail: true,
  },
  'a lying resizable array, shrunk': {
    make(bytes) {
      const made = resizable(bytes);
      Object.defineProperty(made, 'buffer', { value: new ArrayBuffer(bytes.length) });
      return made;
    },
    atOnce: (bytes) => {
      resize(bytes, 0);
    },
    mayFail: true,
  },
  'own properties that lie': { make: lying },
  'a subclass with getters that lie': { make: (bytes) => new Liar(bytes) },
  'an array of another realm': {
    make(bytes) {
      /** @type {Uint8Array} */
      const made = runInNewContext(`new Uint8Array(${bytes.length})`);
      made.set(bytes);
      return made;
    },
  },
  'shared memory': {
    make(bytes) {
      const made = new Uint8Array(new SharedArrayBuffer(bytes.length));
      made.set(bytes);
      return made;
    },
  },
};

/** @param {unknown} error */
export function assertSaysWhy(error) {
  const isRight =
    (SealError.is(error) && error.code === 'ERR_SEAL_SOURCE_CHANGED') ||
    (error instanceof TypeError && /detached|resized|shrunk|memory/.test(error.message));
  if (!isRight) throw error;
}

/**
 * Tries every attack on an operation with one input.
 *
 * @param {(size: number) => Uint8Array} input
 * @param {(argument: Uint8Array, size: number) => unknown} start
 * @param {(result: any, size: number) => unknown} check
 * @param {(error: unknown) => boolean} [isRight]  Whether an error says what happened, besides those that name the memory.
 */
export async function underAttack(input, start, check, isRight = () => false) {
  for (const size of SIZES) {
    for (const [name, { make, atOnce, later, mayFail }] of Object.entries(attacks)) {
      const argument = make(input(size));
      try {
        const result = (async () => start(argument, size))();
        atOnce?.(argument);
        // Two turns of the event loop: the operation has read some of a large input.
        if (later)
          setImmediate(() =>
            setImmediate(() => {
              later(argument);
            }),
          );
        let value;
        try {
          value = await result;
        } catch (error) {
          if (mayFail !== true) throw error;
          if (!isRight(error)) assertSaysWhy(error);
          continue;
        }
        await check(value, size);
      } catch (cause) {
        throw new Error(`${name}, ${size} bytes`, { cause });
      }
    }
    const proxy = new Proxy(input(size), {});
    await assert.rejects(async () => start(proxy, size), TypeError, 'a proxy');
  }
}

/**
 * Has every function that looks at lengths lie while `work` begins.
 *
 * @template T
 * @param {() => T} work
 */
export async function withPatchedPrototypes(work) {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype);
  const names = ['length', 'byteOffset', 'byteLength', 'set', 'subarray', 'at', 'fill'];
  const saved = names.map((name) => [name, Object.getOwnPropertyDescriptor(prototype, name)]);
  const { allocUnsafeSlow } = Buffer;
  const stranger = Buffer.alloc(64, STRANGE);
  const restore = () => {
    for (const [name, descriptor] of saved) {
      Object.defineProperty(prototype, String(name), /** @type {PropertyDescriptor} */ (descriptor));
    }
    Buffer.allocUnsafeSlow = allocUnsafeSlow;
  };
  let result;
  try {
    Buffer.allocUnsafeSlow = () => stranger;
    for (const name of names.slice(0, 3)) {
      const { get } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(prototype, name));
      Object.defineProperty(prototype, name, {
        configurable: true,
        get() {
          return 2 * get?.call(this) + 16;
        },
      });
    }
    for (const name of names.slice(3)) {
      Object.defineProperty(prototype, name, { configurable: true, writable: true, value: () => stranger });
    }
    result = work();
  } finally {
    restore();
  }
  return result;
}

/** The bytes of an array whose properties may lie. @param {Uint8Array} bytes */
export function plainView(bytes) {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype);
  const real = (/** @type {string} */ name) =>
    Object.getOwnPropertyDescriptor(prototype, name)?.get?.call(bytes);
  return new Uint8Array(real('buffer'), real('byteOffset'), real('length'));
}
