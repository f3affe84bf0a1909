// Ranges as two offsets: for arithmetic inside the package. Callers see ByteRange.

import type { ByteRange } from '../../native/binding';

/** The bytes from `start` up to, but not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Converts a range to its two offsets. */
export function spanOf({ offset, length }: ByteRange): Span {
  return { start: offset, end: offset + length };
}

/** Converts two offsets to a range. */
export function rangeOf({ start, end }: Span): ByteRange {
  return { offset: start, length: end - start };
}
