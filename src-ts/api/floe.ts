/**
 * Single FLOE messages (c2sp.org/FLOE) with AES-256-GCM and HKDF-Expand-SHA-384, for small records with a shared key: the construction
 * of a stream's segments by itself, with no header, no key slots and no digest.
 *
 * @example
 * import * as floe from 'sealstream/floe';
 *
 * const message = floe.encrypt(Buffer.from('text'), { key, aad: Buffer.from('row 7') });
 * const plaintext = floe.decrypt(message, { key, aad: Buffer.from('row 7') });
 *
 * @packageDocumentation
 */

import { limits, native } from '../internal/binding';
import { fromPool } from '../internal/buffer-pool';
import { type Bytes, checkedBytes, copiedBytes, newMemory, sizeOf } from '../internal/bytes';
import { callNative } from '../internal/errors';
import { checked, integer, knownOptions } from '../internal/options';
import { keyArgument } from '../keys/registry';
import type { FloeOptions } from '../keys/types';

export { FloeError } from './errors';
export type { FloeOptions } from '../keys/types';
export type { FloeError as FloeFailure, FloeErrorCode } from '../../native/binding';

/**
 * Encrypts `bytes` into one FLOE message. Each call draws a new random IV, so a key may encrypt any number of messages. Blocks the
 * event loop.
 *
 * @param bytes The plaintext.
 * @param options `key`, and the associated data that the reader must supply too.
 * @throws FloeError, or TypeError and RangeError for wrong options.
 *
 * @example
 * const message = floe.encrypt(Buffer.from('text'), { key, aad: Buffer.from('row 7') });
 */
export function encrypt(bytes: Uint8Array, options: FloeOptions): Bytes {
  checkedBytes('bytes', bytes);
  const { key, aad, segmentLength = DEFAULT_SEGMENT_LENGTH } = messageOptions(options);
  // Again, after the last function of the caller's, which may have detached the memory.
  const input = checkedBytes('bytes', bytes);
  return callNative(() => {
    const size = native.floeSize(sizeOf(input), segmentLength);
    const encryptInto = (output: Bytes) => {
      native.floeSeal(input, output, key, aad, segmentLength);
      return output;
    };
    if (size > POOLED_SIZE) return encryptInto(newMemory(size));
    return fromPool(size, (room) => encryptInto(room).length);
  });
}

/**
 * Decrypts a FLOE message. Returns plaintext only if all of it verified. Blocks the event loop.
 *
 * @param message What {@link encrypt}, or another implementation of FLOE, returned.
 * @param options The `key` and `aad` that it was encrypted with.
 * @throws FloeError, or TypeError and RangeError for wrong options.
 *
 * @example
 * const plaintext = floe.decrypt(message, { key, aad: Buffer.from('row 7') });
 */
export function decrypt(message: Uint8Array, options: FloeOptions): Bytes {
  checkedBytes('message', message);
  const { key, aad, segmentLength } = messageOptions(options);
  // Again, after the last function of the caller's, which may have detached the memory.
  const input = checkedBytes('message', message);
  return callNative(() => native.floeOpen(input, key, aad, segmentLength));
}

function messageOptions(options: FloeOptions) {
  // A stream's `context` is not an option of a message, which has `aad`.
  const { key } = knownOptions(options, { ...MESSAGE, key: true });
  return { key: keyArgument('key', key), ...checked(options, MESSAGE) };
}

const MESSAGE = {
  aad: copiedBytes,
  // 2^32 - 1 marks a segment that is not the last.
  segmentLength: integer(limits.floeOverhead + 1, 0xffff_fffe),
};
const DEFAULT_SEGMENT_LENGTH = limits.defaultFrameSize + limits.floeOverhead;
const POOLED_SIZE = 8 * 1024;
