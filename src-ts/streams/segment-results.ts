// Decrypts the segments of a stream one by one, each with its own result.

import { availableParallelism } from 'node:os';

import type { SegmentResult } from '../api/types';
import type { Operation } from '../internal/operation';
import { nullPrototype } from '../internal/null-prototype';
import { ReadAhead } from '../internal/read-ahead';
import type { UnlockedStream } from '../sources/unlocked-stream';

/** The stream that segments come from. */
export interface SegmentsSource {
  readonly begin: () => Operation | Promise<Operation>;
  readonly open: (operation: Operation) => UnlockedStream | Promise<UnlockedStream>;
  /** Called when no segment is being opened. */
  readonly close: (stream: UnlockedStream) => unknown;
}

export async function* segmentResults(
  concurrency: number | undefined,
  from: SegmentsSource,
): AsyncGenerator<SegmentResult, void, void> {
  const operation = await from.begin();
  const totals = { segments: 0, plaintextSize: 0, damageCount: 0 };
  try {
    const stream = await from.open(operation);
    const segments = new ReadAhead(segmentNumbers(stream), concurrency ?? availableParallelism(), (segment) =>
      openSegment(stream, operation, segment),
    );
    try {
      for (let next = segments.next(); next !== undefined; next = segments.next()) {
        const { result, isFinal } = await next;
        totals.segments += 1;
        if (result.ok) totals.plaintextSize += result.data.length;
        else totals.damageCount += 1;
        yield result;
        // If the length is unknown, only this shows which segment is the last.
        if (isFinal) break;
      }
      stream.reader.checkEnd(totals.plaintextSize);
    } finally {
      // First, so that the events of running segments come before the operation's end.
      operation.cancel();
      await segments.settled();
      await from.close(stream);
    }
  } catch (error) {
    throw operation.failed(error);
  } finally {
    operation.diagnostics.succeeded(totals);
    operation.dispose();
  }
}

/** The segments that are there. All that are missing at the end are one more, with a single result. */
function* segmentNumbers({ reader }: UnlockedStream): Generator<number, void, void> {
  const count = Math.min(reader.segments, reader.segmentsPresent + 1);
  for (let segment = 0; segment < count; segment += 1) yield segment;
}

/** Opens a segment. `isFinal` tells whether the segment says that it is the last. */
async function openSegment(
  stream: UnlockedStream,
  operation: Operation,
  segment: number,
): Promise<{ result: SegmentResult; isFinal: boolean }> {
  const { reader } = stream;
  const place = reader.place(segment);
  const { offset } = place.plaintextRange;
  const outcome = await stream.openSegment(segment, operation);
  const { failure, message, data, isFinal, plaintextSize, sealedSize, frames, stages } =
    nullPrototype(outcome);
  if (data) {
    operation.diagnostics.segment({ segment, plaintextSize, sealedSize, frames, stages });
    return { result: { ok: true, segment, offset, data }, isFinal };
  }
  if (failure === undefined || message === undefined)
    throw new Error('a segment without a result (a bug in sealstream)');
  const damage = { ...place, failure, message };
  operation.diagnostics.damage(damage);
  return { result: { ok: false, ...damage }, isFinal };
}
