// Single FLOE messages, for small records: no header, no key slots, no digest.

import { limits, native } from '../internal/binding';
import { fromPool } from '../internal/buffer-pool';
import { fixedBytes } from '../internal/bytes';
import { callNative } from '../internal/errors';
import { checked, integer, knownOptions } from '../internal/options';
import { keyArgument } from '../keys/registry';
import type { FloeOptions } from '../keys/types';

/**
 * Seals and opens single FLOE messages (c2sp.org/FLOE) with AES-256-GCM and HKDF-Expand-SHA-384: the construction of a stream's
 * segments, by itself. To open a message, a reader needs the key and the associated data. Both functions block the event loop.
 *
 * @example
 * const message = floe.seal(Buffer.from('text'), { key, aad: Buffer.from('row 7') });
 * const plaintext = floe.open(message, { key, aad: Buffer.from('row 7') });
 */
export const floe: Floe = { seal, open };

/** The two operations on FLOE messages. */
export interface Floe {
  /**
   * Seals `bytes` into one message. Each call draws a new random IV, so a key may seal any number of messages.
   *
   * @throws FloeError, or TypeError and RangeError for wrong options.
   */
  readonly seal: (bytes: Uint8Array, options: FloeOptions) => Buffer;
  /**
   * Opens a message. Returns plaintext only if all of it verified.
   *
   * @throws FloeError, or TypeError and RangeError for wrong options.
   */
  readonly open: (message: Uint8Array, options: FloeOptions) => Buffer;
}

function seal(bytes: Uint8Array, options: FloeOptions): Buffer {
  const input = fixedBytes('bytes', bytes);
  const { key, aad, segmentLength = DEFAULT_SEGMENT_LENGTH } = messageOptions(options);
  return callNative(() => {
    const size = native.floeSize(input.length, segmentLength);
    const sealInto = (output: Buffer) => {
      native.floeSeal(input, output, key, aad, segmentLength);
      return output;
    };
    if (size > POOLED_SIZE) return sealInto(Buffer.allocUnsafeSlow(size));
    return fromPool(size, (room) => sealInto(room).length);
  });
}

function open(message: Uint8Array, options: FloeOptions): Buffer {
  const input = fixedBytes('message', message);
  const { key, aad, segmentLength } = messageOptions(options);
  return callNative(() => native.floeOpen(input, key, aad, segmentLength));
}

function messageOptions(options: FloeOptions) {
  // A stream's `context` is not an option of a message, which has `aad`.
  const { key } = knownOptions(options, { ...MESSAGE, key: true });
  return { key: keyArgument('key', key), ...checked(options, MESSAGE) };
}

const MESSAGE = {
  aad: fixedBytes,
  // 2^32 - 1 marks a segment that is not the last.
  segmentLength: integer(limits.floeOverhead + 1, 0xffff_fffe),
};
const DEFAULT_SEGMENT_LENGTH = limits.defaultFrameSize + limits.floeOverhead;
const POOLED_SIZE = 8 * 1024;
