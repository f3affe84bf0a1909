// @ts-check
/** The cheapest useful transformation, to measure what a stream costs by itself. */
import { Transform } from 'node:stream';

/**
 * Passes on a copy of each chunk. A transformation that changes bytes has to copy them too.
 *
 * @param {number} highWaterMark
 */
export function copyingTransform(highWaterMark) {
  return new Transform({
    readableHighWaterMark: highWaterMark,
    writableHighWaterMark: highWaterMark,
    transform(/** @type {Buffer} */ chunk, _encoding, done) {
      const copy = Buffer.allocUnsafeSlow(chunk.length);
      chunk.copy(copy);
      done(null, copy);
    },
  });
}
