// Bytes as arguments.

import { types } from 'node:util';

import { typeError } from '../api/errors';

/** Whether `value` is a Uint8Array, of whichever realm. @internal */
export const isBytes: (value: unknown) => value is Uint8Array = types.isUint8Array;

/**
 * Checks that `value` is a Uint8Array that still has its memory, and copies it if its memory can be resized or is shared with other threads: the
 * engine reads it while JavaScript goes on.
 *
 * @internal
 */
export function fixedBytes(name: string, value: unknown): Uint8Array {
  if (!isBytes(value)) throw typeError(name, 'a Uint8Array or a Buffer', value);
  // One without its memory reads as empty.
  if (value.length === 0 && isDetached(value)) {
    throw typeError(
      name,
      'a Uint8Array with its memory',
      value,
      'one whose ArrayBuffer was detached or shrunk',
    );
  }
  const memory = value.buffer as ArrayBufferLike & { readonly resizable?: boolean };
  const fixed =
    memory.resizable !== true && (memory instanceof ArrayBuffer || !types.isSharedArrayBuffer(memory));
  return fixed ? value : Buffer.from(value);
}

/** Whether the memory was transferred, or resized so that it ends before the bytes begin. */
function isDetached(bytes: Uint8Array): boolean {
  try {
    // What tells it from an empty array in Node 20 too: methods refuse it.
    Uint8Array.prototype.at.call(bytes, 0);
    return false;
  } catch {
    return true;
  }
}
