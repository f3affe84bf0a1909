// Segments one by one, each with a result of its own.

import { availableParallelism } from 'node:os';

import type { ByteRange, SegmentOutcome, StreamReader } from '../../native/binding';
import { Identities } from '../keys/identities';
import { begun, UnlockedStream } from '../sources/unlocked-stream';
import { checkedThreads, type Running } from '../internal/operation';
import { checkedOptions, openSettings } from '../internal/options';
import { originArgument, type RandomAccessInput } from '../sources/sources';
import type { OpenOptions, SegmentResult, SegmentsOptions } from '../internal/types';

/**
 * Opens a sealed stream segment by segment, whatever is wrong with the others: a result for each, in order.
 *
 * Segments of which nothing is there are one result, with all of their ranges. At most `threads` segments are in memory
 * at a time, and nothing is read ahead of that: a loop that takes its time is waited for. Leaving the loop stops it.
 * Segments that can't be opened are no errors here; what is wrong with the stream as a whole is: a header that can't be
 * read or unlocked before the first result, an end that is missing or wrong after the last. So is what a source of the
 * caller's own throws. Bytes given as `source` must not change, and their ArrayBuffer not be transferred, until the loop has
 * ended.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for options.
 */
export function decryptSegments(
  source: RandomAccessInput,
  options: OpenOptions & SegmentsOptions,
): AsyncGenerator<SegmentResult, void, void> {
  const origin = originArgument('source', source);
  const settings = openSettings(checkedOptions(options));
  const identities = Identities.of(options).held();
  return segmentResults(options, {
    begin: (signal) => begun('decryptSegments', signal, origin),
    open: (running) => UnlockedStream.open({ origin, identities, settings }, running),
    close: (stream) => stream.close(),
  });
}

/** Where segments come from. @internal */
export interface SegmentsFrom {
  readonly begin: (signal: AbortSignal | undefined) => Promise<Running>;
  readonly open: (running: Running) => Promise<UnlockedStream>;
  /** Called when nothing is under way any more. */
  readonly close: (stream: UnlockedStream) => Promise<void>;
}

/** Options are checked at the call. @internal */
export function segmentResults(
  options: SegmentsOptions,
  from: SegmentsFrom,
): AsyncGenerator<SegmentResult, void, void> {
  const threads = checkedThreads(options.threads) || availableParallelism();
  return results(options.signal, threads, from);
}

async function* results(
  signal: AbortSignal | undefined,
  window: number,
  from: SegmentsFrom,
): AsyncGenerator<SegmentResult, void, void> {
  const running = await from.begin(signal);
  const tally = { segments: 0, plaintextSize: 0, damageCount: 0 };
  try {
    const stream = await from.open(running);
    const { reader } = stream;
    const segments = new Segments(stream, running);
    try {
      for (let next = segments.ahead(window); next !== undefined; next = segments.ahead(window)) {
        const { result, isFinal } = await next;
        tally.segments += 1;
        if (result.ok) tally.plaintextSize += result.data.length;
        else tally.damageCount += 1;
        yield result;
        // Where the length is unknown, the last segment is the one that says so.
        if (isFinal) break;
      }
      reader.checkEnd(tally.plaintextSize);
    } finally {
      // First, so that what is under way is told before the end is.
      await segments.stop();
      await from.close(stream);
    }
  } catch (error) {
    throw running.explain(error);
  } finally {
    running.watch.done(tally);
    running.dispose();
  }
}

/** A segment's result, and whether it says that it is the last. */
interface Opened {
  readonly result: SegmentResult;
  readonly isFinal: boolean;
}

/** The segments of a stream in order, some of them opened ahead. */
class Segments {
  readonly reader: StreamReader;
  readonly #ahead: Promise<Opened>[] = [];
  readonly #present: number;
  readonly #count: number;
  #next = 0;

  constructor(
    readonly stream: UnlockedStream,
    readonly running: Running,
  ) {
    this.reader = stream.reader;
    this.#present = this.reader.segmentsPresent;
    // What is missing at the end is one result, however many segments it has.
    this.#count = Math.min(this.reader.segments, this.#present + 1);
  }

  /** Has up to `window` segments opened side by side, and takes the first of them; nothing behind the last. */
  ahead(window: number): Promise<Opened> | undefined {
    while (this.#ahead.length < window && this.#next < this.#count) {
      const opening = this.#open(this.#next);
      // Nobody may be there to hear of it: the loop may be left before its turn comes.
      opening.catch(() => undefined);
      this.#ahead.push(opening);
      this.#next += 1;
    }
    return this.#ahead.shift();
  }

  /** Stops what is under way. */
  async stop(): Promise<void> {
    this.running.cancel();
    await Promise.allSettled(this.#ahead);
  }

  async #open(index: number): Promise<Opened> {
    const plaintextRange = this.reader.plaintextRange(index);
    const size = index < this.#present ? plaintextRange.end - plaintextRange.start : 0;
    const output = Buffer.allocUnsafeSlow(size);
    const outcome = await this.stream.openSegment(index, output, this.running);
    return { result: this.#result(index, plaintextRange, outcome, output), isFinal: outcome.isFinal };
  }

  #result(index: number, range: ByteRange, outcome: SegmentOutcome, output: Buffer): SegmentResult {
    const { failure, message, plaintextSize, wireSize, frames, stages } = outcome;
    if (failure === undefined || message === undefined) {
      this.running.watch.segment({ index, plaintextSize, wireSize, frames, stages });
      return { ok: true, index, offset: range.start, data: cut(output, plaintextSize) };
    }
    const damage = {
      index,
      plaintextRange: range,
      wireRange: this.reader.wireRange(index),
      failure,
      message,
    };
    this.running.watch.damage(damage);
    return { ok: false, ...damage };
  }
}

/** Memory of its own, behind which nothing of the process's is to be seen. */
function cut(output: Buffer, size: number): Buffer {
  if (output.length === size) return output;
  const data = Buffer.allocUnsafeSlow(size);
  output.copy(data);
  return data;
}
