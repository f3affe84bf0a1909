// Single FLOE messages, for small records: no header, no key slots, no digest.

import { native } from '../internal/binding';
import { fixedBytes } from '../internal/bytes';
import { translated } from './errors';
import { keyArgument } from '../keys/secret-key';
import { checkedInteger, checkedOptions } from '../internal/options';
import { poolRoom, poolTake } from '../internal/buffer-pool';
import type { FloeOptions } from '../internal/types';

/**
 * FLOE (c2sp.org/FLOE) with AES-256-GCM and HKDF-Expand-SHA-384: what a stream's segments are made of, by itself. Whoever
 * opens a message must know the key and the associated data. Both functions block the event loop.
 */
export const floe: Floe = { seal, open };

/** The two operations on FLOE messages. */
export interface Floe {
  /**
   * Seals `bytes` into one message. Every call draws a new random IV, so a key may seal any number of messages.
   *
   * @throws FloeError, or TypeError and RangeError for options.
   */
  readonly seal: (bytes: Uint8Array, options: FloeOptions) => Buffer;
  /**
   * Opens a message. Nothing of the plaintext is returned unless all of it verified.
   *
   * @throws FloeError, or TypeError and RangeError for options.
   */
  readonly open: (message: Uint8Array, options: FloeOptions) => Buffer;
}

function seal(bytes: Uint8Array, options: FloeOptions): Buffer {
  const input = fixedBytes('bytes', bytes);
  const key = keyArgument('key', checkedOptions(options, KNOWN).key);
  const aad = checkedAad(options.aad);
  const segmentLength = checkedSegmentLength(options.segmentLength) ?? DEFAULT_SEGMENT_LENGTH;
  try {
    const size = native.floeSize(input.length, segmentLength);
    if (size <= POOLED_SIZE) {
      const room = poolRoom(size);
      native.floeSeal(input, room, key, aad, segmentLength);
      return poolTake(room, size);
    }
    const output = Buffer.allocUnsafeSlow(size);
    native.floeSeal(input, output, key, aad, segmentLength);
    return output;
  } catch (error) {
    throw translated(error);
  }
}

function open(message: Uint8Array, options: FloeOptions): Buffer {
  const input = fixedBytes('message', message);
  const key = keyArgument('key', checkedOptions(options, KNOWN).key);
  const aad = checkedAad(options.aad);
  const segmentLength = checkedSegmentLength(options.segmentLength);
  try {
    return native.floeOpen(input, key, aad, segmentLength);
  } catch (error) {
    throw translated(error);
  }
}

function checkedAad(aad: unknown): Uint8Array | undefined {
  return aad === undefined ? undefined : fixedBytes('aad', aad);
}

function checkedSegmentLength(length: unknown): number | undefined {
  if (length === undefined) return undefined;
  return checkedInteger('segmentLength', length, limits.floeOverhead + 1, MAX_SEGMENT_LENGTH);
}

const limits = native.limits();
const DEFAULT_SEGMENT_LENGTH = limits.defaultFrameSize + limits.floeOverhead;
/** 2^32 - 1 marks a segment that isn't the last. */
const MAX_SEGMENT_LENGTH = 0xffff_fffe;
const POOLED_SIZE = 8 * 1024;

/** A stream's `context` is not among them: a message has `aad`. */
const KNOWN: ReadonlySet<string> = new Set(['aad', 'key', 'segmentLength']);
