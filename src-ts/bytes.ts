// Bytes as arguments.

import { typeError } from './errors';

/**
 * Checks that `value` is a Uint8Array, and copies it if its memory can be resized or is shared with other threads: the
 * engine reads it while JavaScript goes on.
 *
 * @internal
 */
export function fixedBytes(name: string, value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw typeError(name, 'a Uint8Array or a Buffer', value);
  const memory = value.buffer as ArrayBufferLike & { readonly resizable?: boolean };
  if (memory instanceof ArrayBuffer && memory.resizable !== true) return value;
  return Buffer.from(value);
}
