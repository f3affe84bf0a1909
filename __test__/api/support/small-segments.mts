// Sealed streams of several small segments, and how to hurt one of them.

import { encryptSync, SecretKey } from 'sealstream';

import { pattern } from './bytes.mjs';

/** A frame's and a segment's plaintext bytes. */
export const SIZES = { frameSize: 1024, segmentSize: 2048 } as const;
/** Bytes of a full segment's record: header 32, FLOE header 74, two frames with 32 more each, CRC-64. */
export const RECORD = 32 + 74 + 2 * (1024 + 32) + 8;

export const key = SecretKey.generate();
/** Seven segments, the last one shorter. */
export const SEGMENTS = 7;
export const plaintext = pattern(6 * 2048 + 1000);
export const sealed = encryptSync(plaintext, { key, ...SIZES });
/** Where the first record starts. */
export const headerSize = sealed.readUInt32BE(64);

/** The stream with a byte of each of these segments changed. */
export function withDamage(...segments: readonly number[]): Buffer {
  const stream = Buffer.from(sealed);
  for (const segment of segments) stream[headerSize + segment * RECORD + 300]! ^= 1;
  return stream;
}

/** The plaintext with zeros for these segments. */
export function withZeros(...segments: readonly number[]): Buffer {
  const bytes = Buffer.from(plaintext);
  for (const segment of segments) bytes.subarray(segment * 2048, (segment + 1) * 2048).fill(0);
  return bytes;
}
