// Opens a stream segment by segment.

import { checked, openSettings, SEGMENTS } from '../internal/options';
import { Identities } from '../keys/identities';
import type { DecryptOptions } from '../keys/types';
import { originArgument, type RandomAccessInput } from '../sources/sources';
import { operationOn, UnlockedStream } from '../sources/unlocked-stream';
import { segmentResults } from '../streams/segment-results';
import type { SegmentResult, SegmentsOptions } from './types';

/**
 * Opens a sealed stream segment by segment, and yields a result for each in order, whether it can be opened or not.
 *
 * Segments that are missing at the end are one result with all of their ranges. At most `threads` segments are in memory, and nothing
 * is read ahead of them: a slow loop slows reading. Leaving the loop cancels the rest. A segment that can't be opened is a result, not
 * an error. Errors concern the whole stream: before the first result a header that can't be read or unlocked, after the last an end
 * that is missing or wrong, and at any time an error of the caller's own source. Bytes given as `source` are read until the
 * loop has ended: see {@link openReader}.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options.
 *
 * @example
 * for await (const segment of decryptSegments('photo.seal', { key })) {
 *   if (segment.ok) await file.write(segment.data, 0, segment.data.length, segment.offset);
 *   else console.error(segment.segment, segment.message);
 * }
 */
export function decryptSegments(
  source: RandomAccessInput,
  options: DecryptOptions & SegmentsOptions,
): AsyncGenerator<SegmentResult, void, void> {
  const origin = originArgument('source', source);
  const settings = openSettings(options);
  const { threads = 0, signal } = checked(options, SEGMENTS);
  const identities = Identities.of(options).copy();
  const unlocking = { origin, identities, settings };
  return segmentResults(threads, {
    begin: () => operationOn(unlocking, 'decryptSegments', signal),
    open: (operation) => UnlockedStream.open(unlocking, operation),
    close: (stream) => stream.close(),
  });
}
