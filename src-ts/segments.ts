// Segments one by one, each with a result of its own.

import { availableParallelism } from 'node:os';

import type { ByteRange, SegmentOutcome, SegmentReader, Source } from '../native/binding';
import { native } from './binding';
import { keyArguments } from './keys';
import { checkedThreads, Running } from './operation';
import { checkedOptions, openSettings } from './options';
import { type SourceInput, sourceArgument } from './sources';
import type { OpenOptions, SegmentResult, SegmentsOptions } from './types';

/**
 * Opens a sealed stream segment by segment, whatever is wrong with the others: a result for each, in order.
 *
 * Segments of which nothing is there are one result, with all of their ranges. At most `threads` segments are in memory
 * at a time, and nothing is read ahead of that: a loop that takes its time is waited for. Leaving the loop stops it.
 * Segments that can't be opened are no errors here; what is wrong with the stream as a whole is: a header that can't be
 * read or unlocked before the first result, an end that is missing or wrong after the last. Bytes given as `source` must
 * not change, and their ArrayBuffer not be transferred, until the loop has ended.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for options.
 */
export function decryptSegments(
  source: SourceInput,
  options: OpenOptions & SegmentsOptions,
): AsyncGenerator<SegmentResult, void, void> {
  const from = sourceArgument('source', source);
  const settings = openSettings(checkedOptions(options));
  const keys = keyArguments('key', options.key);
  const threads = checkedThreads(options.threads) || availableParallelism();
  return results(from, options.signal, threads, (running) =>
    native.openSegments(from, keys, settings, running.settings(ONE, true)),
  );
}

async function* results(
  source: Source,
  signal: AbortSignal | undefined,
  window: number,
  open: (running: Running) => Promise<SegmentReader>,
): AsyncGenerator<SegmentResult, void, void> {
  const running = new Running('decryptSegments', signal);
  const tally = { segments: 0, plaintextSize: 0, damageCount: 0 };
  try {
    const reader = await open(running);
    const segments = new Segments(reader, source, running);
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
      await segments.close();
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
  readonly #ahead: Promise<Opened>[] = [];
  readonly #present: number;
  readonly #count: number;
  #next = 0;

  constructor(
    readonly reader: SegmentReader,
    readonly source: Source,
    readonly running: Running,
  ) {
    this.#present = reader.segmentsPresent;
    // What is missing at the end is one result, however many segments it has.
    this.#count = Math.min(reader.segments, this.#present + 1);
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

  /** Stops what is under way, and lets go of the source. */
  async close(): Promise<void> {
    this.running.cancel();
    await Promise.allSettled(this.#ahead);
    this.reader.close();
  }

  async #open(index: number): Promise<Opened> {
    const plaintextRange = this.reader.plaintextRange(index);
    const size = index < this.#present ? plaintextRange.end - plaintextRange.start : 0;
    const output = Buffer.allocUnsafeSlow(size);
    const how = this.running.settings(ONE, true);
    const outcome = await this.reader.open(index, this.source.bytes, output, how);
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

// Segments are opened side by side, each on one thread.
const ONE = 1;
