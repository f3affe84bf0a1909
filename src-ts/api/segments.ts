// Decrypts a stream segment by segment.

import { openSettings, optionsOf } from '../internal/option-tables';
import { Identities } from '../keys/identities';
import type { DecryptOptions } from '../keys/types';
import { originArgument, type RandomAccessInput } from '../sources/sources';
import { operationOn, UnlockedStream } from '../sources/unlocked-stream';
import { segmentResults } from '../streams/segment-results';
import type { DetachedHeader, SegmentResult, SegmentsOptions } from './types';

/** Options of {@link decryptSegments}. */
export interface DecryptSegmentsOptions extends DecryptOptions, SegmentsOptions, DetachedHeader {}

/**
 * Decrypts a sealed stream segment by segment, and yields a result for each in order, whether it can be decrypted or not.
 *
 * Segments that are missing at the end are one result with all of their ranges. At most `concurrency` segments are in memory, and nothing
 * is read ahead of them: a slow loop slows reading. Leaving the loop cancels the rest. A segment that can't be opened is a result, not
 * an error. Errors concern the whole stream: before the first result a header that can't be read or unlocked, after the last an end
 * that is missing or wrong, and at any time an error of the caller's own source. Bytes given as `source` are read until the
 * loop has ended: see {@link openReader}.
 *
 * @param source A path, a `file:` URL, the bytes, a FileHandle, a Blob, {@link httpSource}, or an object of your own.
 * @param options The key or the identities, `context`, limits, and segments in memory.
 * @returns The results, in order.
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
  options: DecryptSegmentsOptions,
): AsyncGenerator<SegmentResult, void, void> {
  const given = optionsOf('decryptSegments', options);
  const { concurrency, header, signal } = given;
  const settings = openSettings(given);
  const origin = originArgument('source', source, header);
  const identities = Identities.of(given).copy();
  const unlocking = { origin, identities, settings, cacheSize: undefined };
  return segmentResults(concurrency, {
    begin: () => operationOn(unlocking, 'decryptSegments', signal),
    open: (operation) => UnlockedStream.open(unlocking, operation),
    close: (stream) => stream.close(),
  });
}
