// @ts-check
/** The least that a transformation can do: what a stream costs by being one. */
import { Transform } from 'node:stream';

/**
 * Passes on a copy of each chunk, as anything does that makes other bytes out of them.
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
