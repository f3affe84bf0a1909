/// <reference types="node" preserve="true" />

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
import { nullPrototype } from '../internal/null-prototype';
import { fromPool } from '../internal/buffer-pool';
import { type NodeBuffer, checkedBytes, newMemory, sizeOf } from '../internal/bytes';
import { callNative } from '../internal/errors';
import { optionsOf } from '../internal/option-tables';
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
export function encrypt(bytes: Uint8Array, options: FloeOptions): NodeBuffer {
  const { key, aad, segmentLength = DEFAULT_SEGMENT_LENGTH } = messageOptions('floe.encrypt', options);
  const input = checkedBytes('bytes', bytes);
  return callNative(() => {
    const size = native.floeSize(sizeOf(input), segmentLength);
    const encryptInto = (output: NodeBuffer) => {
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
export function decrypt(message: Uint8Array, options: FloeOptions): NodeBuffer {
  const { key, aad, segmentLength } = messageOptions('floe.decrypt', options);
  const input = checkedBytes('message', message);
  return callNative(() => native.floeOpen(input, key, aad, segmentLength));
}

function messageOptions(name: 'floe.encrypt' | 'floe.decrypt', options: FloeOptions) {
  const given = optionsOf(name, options);
  return nullPrototype({ ...given, key: keyArgument('key', given.key) });
}

const DEFAULT_SEGMENT_LENGTH = limits.defaultFrameSize + limits.floeOverhead;
const POOLED_SIZE = 8 * 1024;

// As in `index.ts`.
Object.freeze(module.exports);
