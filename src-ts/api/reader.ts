// Random access: a sealed stream that stays open, to read its plaintext at any offset.

import type { Readable } from 'node:stream';

import type { ByteRange, FileMetadata } from '../../native/binding';
import { abortError, isAborted, onAbort, throwIfAborted } from '../internal/abort';
import {
  type NodeBuffer,
  copyInto,
  isBytes,
  newMemory,
  type PlainUint8Array,
  sizeOf,
} from '../internal/bytes';
import { Canceller } from '../internal/canceller';
import { type Diagnostics, isDamage } from '../internal/diagnostics';
import { publicError, rangeError, typeError } from '../internal/errors';
import { isCancelled, Operation } from '../internal/operation';
import { openSettings, optionsBy, optionsOf } from '../internal/option-tables';
import { byteCount } from '../internal/options';
import { ReadAhead } from '../internal/read-ahead';
import type { Span } from '../internal/span';
import { Identities } from '../keys/identities';
import type { DecryptOptions } from '../keys/types';
import { originArgument, type RandomAccessInput } from '../sources/sources';
import { operationOn, UnlockedStream } from '../sources/unlocked-stream';
import { nodeReadable, type Pieces, webReadable } from '../streams/reader-streams';
import { segmentResults } from '../streams/segment-results';
import { SealError } from './errors';
import type { DetachedHeader, SegmentResult, SegmentsOptions } from './types';

/** Options to open a stream for random access. */
export interface OpenReaderOptions extends DecryptOptions, DetachedHeader {
  /** Cancels opening; the promise then rejects with the signal's reason. It has no effect on the reader. */
  signal?: AbortSignal | undefined;
  /** Bytes of opened frames, plaintext, to keep in memory for later reads: 4,194,304 by default. 0 keeps none. */
  cacheSize?: number | undefined;
}

/** Options to read. */
export interface ReadOptions {
  /** Cancels the read, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Options of `createReadStream`, as in `fs.createReadStream`. */
export interface ReadStreamOptions extends ReadOptions {
  /** The first byte, 0 by default. */
  start?: number | undefined;
  /** The **last** byte, inclusive, as in `fs.createReadStream`; by default the plaintext's last. */
  end?: number | undefined;
  /** Bytes that the stream buffers before it waits for its reader; Node's own size by default. */
  highWaterMark?: number | undefined;
}

/**
 * Opens a sealed stream to read its plaintext at any offset. Only the frames that a read covers are fetched and opened.
 *
 * The stream's end is verified first. A stream that is cut short or whose end was changed is refused before any byte is returned, and
 * so is one that neither states its length nor has an intact end. Each frame is authenticated before any of its bytes is returned, and
 * belongs to this sealing of the stream.
 *
 * Close the reader after use: it holds the file open, and keeps bytes given as `source`. Those may change or be transferred as those of
 * {@link decrypt} may: over larger ones that are no longer there, reads reject. A FileHandle must stay open until then, and is not closed. An object of the caller's own is
 * closed by its `close()`, also if opening fails.
 *
 * @param source A path, a `file:` URL, the bytes, a FileHandle, a Blob, {@link httpSource}, or an object of your own.
 * @param options The key or the identities, `context`, limits, and the size of the cache.
 * @returns A reader, to be closed after use.
 * @throws SealError, the reason of `signal`, an error of the source, or TypeError and RangeError for wrong options.
 *
 * @example
 * const reader = await openReader('video.seal', { key });
 * const bytes = await reader.read(1_000_000, 4096);
 * await reader.close();
 */
export async function openReader(
  source: RandomAccessInput,
  options: OpenReaderOptions,
): Promise<SealedReader> {
  const given = optionsOf('openReader', options);
  const { cacheSize = DEFAULT_CACHE_SIZE, header, signal } = given;
  const settings = openSettings(given);
  // First, since a source with a `close()` must be closed from now on.
  const offered = Identities.of(given);
  const origin = originArgument('source', source, header);
  const identities = offered.copy();
  const unlocking = { origin, identities, settings, cacheSize };
  const operation = await operationOn(unlocking, 'openReader', signal);
  try {
    const stream = await UnlockedStream.open(unlocking, operation);
    if (isAborted(signal)) await stream.close();
    throwIfAborted(signal);
    return SealedReader.over(stream, operation.diagnostics);
  } catch (error) {
    throw operation.failed(error);
  } finally {
    operation.dispose();
  }
}

/**
 * A sealed stream that {@link openReader} opened. Any number of reads may run at once.
 *
 * @example
 * await using reader = await openReader('video.seal', { key });
 * reader.createReadStream({ start: 0, end: 65_535 }).pipe(answer);
 */
export class SealedReader implements AsyncDisposable {
  /** Bytes of the plaintext. */
  readonly size: number;
  /** The stream's id, 64 hexadecimal digits. */
  readonly streamId: string;
  /** What the stream keeps of the file that was encrypted, if it was encrypted with `metadata`. */
  readonly metadata?: FileMetadata;
  /**
   * CRC-64/NVME of the whole sealed stream in base64, as an object store computes it for the object. It follows from the header and the
   * verified end, without reading the contents; compare the two to check an upload without a download. `undefined` unless the stream's
   * digest is `crc64-nvme`, the default, and its header is sound.
   */
  readonly sealedCrc64Nvme: string | undefined;
  readonly #stream: UnlockedStream;
  readonly #diagnostics: Diagnostics;
  /** Plaintext bytes that are read at once: whole segments, or whole frames of long segments. */
  readonly #pieceSize: number;
  /** Cancels all reads that have no canceller of their own. */
  readonly #canceller = new Canceller();
  /** What else {@link close} cancels. */
  readonly #cancels = new Set<() => void>();
  readonly #totals = { reads: 0, plaintextSize: 0, damageCount: 0 };
  #closing: Promise<void> | undefined;

  private constructor(stream: UnlockedStream, diagnostics: Diagnostics) {
    const { plaintextSize, streamId, metadata, frameSize, segmentSize, sealedCrc64Nvme } = stream.reader;
    this.size = plaintextSize ?? 0;
    this.streamId = streamId;
    if (metadata) this.metadata = metadata;
    this.sealedCrc64Nvme = sealedCrc64Nvme ?? undefined;
    this.#stream = stream;
    this.#diagnostics = diagnostics;
    const unit = segmentSize <= PIECE_SIZE ? segmentSize : frameSize;
    this.#pieceSize = Math.max(1, Math.floor(PIECE_SIZE / unit)) * unit;
  }

  /** @internal */
  static over(stream: UnlockedStream, diagnostics: Diagnostics): SealedReader {
    return new SealedReader(stream, diagnostics);
  }

  /**
   * Reads `length` bytes of the plaintext from `offset` on. Returns fewer at its end, and none after it.
   *
   * If a frame can't be opened, the read fails with its segment, frame and byte offset. A single frame does not show its segment's
   * digest, so this does not tell bit rot from tampering: {@link verify} does.
   *
   * @param offset The first byte of the plaintext, from 0.
   * @param length The number of bytes.
   * @param options `signal` cancels the read.
   * @returns The bytes, in memory of their own.
   * @throws SealError, the reason of `signal`, an error of the source, or TypeError and RangeError for wrong arguments.
   *
   * @example
   * const bytes = await reader.read(1_000_000, 4096);
   */
  async read(offset: number, length: number, options: ReadOptions = {}): Promise<NodeBuffer> {
    const { signal } = optionsOf('SealedReader.read', options);
    const { start, end } = this.#range(offset, length);
    return this.#read({ start, end }, signal);
  }

  /**
   * Reads the plaintext from `offset` on until `buffer` is full or the plaintext ends, and returns the number of bytes. `buffer` is
   * written after all of them were verified: if the read fails, it is unchanged.
   *
   * @param buffer The memory to fill.
   * @param offset The first byte of the plaintext, from 0.
   * @param options `signal` cancels the read.
   * @returns The number of bytes.
   * @throws As {@link read}.
   *
   * @example
   * const count = await reader.readInto(Buffer.alloc(4096), 0);
   */
  async readInto(buffer: Uint8Array, offset: number, options: ReadOptions = {}): Promise<number> {
    const { signal } = optionsOf('SealedReader.read', options);
    if (!isBytes(buffer)) throw typeError('buffer', 'a Uint8Array or a Buffer', buffer);
    const { start, end } = this.#range(offset, sizeOf(buffer));
    const own = await this.#read({ start, end }, signal);
    if (sizeOf(buffer) < own.length) {
      throw typeError('buffer', 'as large as it was', buffer, 'one that was detached or shrunk meanwhile');
    }
    copyInto(buffer, own);
    return own.length;
  }

  /**
   * Returns a Node stream of the plaintext, or of a part of it. As in `fs.createReadStream`, `end` is the **last** byte. It reads a few
   * pieces of at most 1 MiB ahead, unless frames are larger, and stops when it is destroyed.
   *
   * @param options `start` and `end` as in `fs.createReadStream`, the buffered bytes, and `signal`.
   * @returns A stream of Buffers.
   * @throws TypeError and RangeError for wrong options. Other errors destroy the stream; see {@link read}.
   *
   * @example
   * reader.createReadStream({ start: 0, end: 65_535 }).pipe(answer);
   */
  createReadStream(options: ReadStreamOptions = {}): Readable {
    const given = optionsOf('SealedReader.createReadStream', options);
    const { start = 0, end = Infinity, highWaterMark, signal } = given;
    if (end < start) throw rangeError('end', `must be at least start, ${start}, not ${end}`);
    const pieces = this.#pieces({ start, end: end + 1 });
    return nodeReadable(pieces, { highWaterMark, signal });
  }

  /**
   * Returns a web stream of the plaintext, or of `length` bytes from `offset` on: by default of all of it. The part of the range after the
   * end is ignored. Otherwise the same as {@link createReadStream}.
   *
   * @param range The first byte and the number of bytes; by default the whole plaintext.
   * @returns A byte stream.
   * @throws TypeError and RangeError for the range. Other errors fail the stream; see {@link read}.
   *
   * @example
   * const body = new Response(reader.stream({ offset: 0, length: 65_536 }));
   */
  stream(range: Partial<ByteRange> = {}): ReadableStream<PlainUint8Array> {
    return webReadable(this.#pieces(checkedSpan('stream', range, this.size)));
  }

  /**
   * Yields the segments one by one with a result for each, as {@link decryptSegments} does, on this reader.
   *
   * @param options Segments in memory, and `signal`.
   * @returns The results, in order.
   * @throws As {@link decryptSegments}.
   *
   * @example
   * for await (const segment of reader.segments()) console.log(segment.segment, segment.ok);
   */
  segments(options: SegmentsOptions = {}): AsyncGenerator<SegmentResult, void, void> {
    const { concurrency, signal } = optionsOf('SealedReader.segments', options);
    let cancel: () => void = () => undefined;
    return segmentResults(concurrency, {
      begin: () => new Operation('decryptSegments', signal),
      open: (operation) => {
        this.#checkOpen();
        cancel = () => {
          operation.callerThrew(closedError());
        };
        this.#cancels.add(cancel);
        return this.#stream;
      },
      close: () => this.#cancels.delete(cancel),
    });
  }

  /**
   * Returns the one range of the sealed stream that contains everything needed to read this range of the plaintext. The part of the range
   * after the end is ignored.
   *
   * @param range Offset and length in the plaintext.
   * @returns Offset and length in the sealed stream.
   * @throws TypeError and RangeError for the range.
   *
   * @example
   * const { offset, length } = reader.sealedRange({ offset: 0, length: 65_536 });
   */
  sealedRange(range: ByteRange): ByteRange {
    const { start, end } = checkedSpan('sealedRange', range, this.size);
    this.#checkOpen();
    return this.#stream.reader.sealedRange(start, end - start);
  }

  /**
   * Cancels running reads, waits until they have ended, and closes the source. Cancelled and later reads reject with an error whose
   * `code` is `ERR_INVALID_STATE`. A second call waits for the first.
   *
   * @throws An error of the `close()` of the caller's source.
   *
   * @example
   * await reader.close();
   */
  close(): Promise<void> {
    // The promise exists before reads are cancelled: their callers may call this again.
    return (this.#closing ??= Promise.resolve().then(() => this.#close()));
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#canceller.cancel();
    for (const cancel of this.#cancels) cancel();
    try {
      await this.#stream.close();
      this.#diagnostics.succeeded(this.#totals);
    } catch (error) {
      this.#diagnostics.failed(error);
      throw error;
    }
  }

  /** Reads a range, which must not be past the end, into new memory. */
  async #read(range: Span, signal: AbortSignal | undefined): Promise<NodeBuffer> {
    this.#checkOpen();
    throwIfAborted(signal);
    // A source that JavaScript reads listens to the canceller's signal, perhaps for as long as that lives.
    const isShared = signal === undefined && this.#stream.fetched === undefined;
    const canceller = isShared ? this.#canceller : new Canceller();
    if (!isShared) this.#cancels.add(canceller.cancel);
    const stopListening = onAbort(signal, canceller.cancel);
    try {
      const output = await this.#joined(range, canceller);
      this.#totals.reads += 1;
      this.#totals.plaintextSize += output.length;
      return output;
    } catch (error) {
      throw this.#readError(canceller.reasonFor(publicError(error)), signal);
    } finally {
      stopListening();
      if (!isShared) this.#cancels.delete(canceller.cancel);
    }
  }

  async #joined({ start, end }: Span, canceller: Canceller): Promise<NodeBuffer> {
    const size = end - start;
    if (size === 0) return newMemory(0);
    if (size <= this.#pieceSize) return this.#stream.read(start, size, canceller);
    const output = newMemory(size);
    const pieces = new ReadAhead(this.#split({ start, end }), AHEAD, async (piece) => {
      const bytes = await this.#stream.read(piece.start, piece.end - piece.start, canceller);
      copyInto(output, bytes, piece.start - start);
    });
    try {
      for (let piece = pieces.next(); piece !== undefined; piece = pieces.next()) await piece;
    } finally {
      await pieces.settled();
    }
    return output;
  }

  /** Splits a range so that no two pieces share a frame, or a segment unless segments are long. */
  *#split({ start, end }: Span): Generator<Span, void, void> {
    for (let from = start; from < end;) {
      const to = Math.min(end, from - (from % this.#pieceSize) + this.#pieceSize);
      yield { start: from, end: to };
      from = to;
    }
  }

  #pieces({ start, end }: Span): Pieces {
    const inside = { start: Math.min(start, this.size), end: Math.min(end, this.size) };
    const controller = new AbortController();
    const { signal } = controller;
    const pieces = new ReadAhead(this.#split(inside), AHEAD, (piece) =>
      this.read(piece.start, piece.end - piece.start, { signal }),
    );
    return { pieces, controller };
  }

  #range(offset: unknown, length: unknown): Span {
    const start = Math.min(byteCount('offset', offset), this.size);
    return { start, end: Math.min(start + byteCount('length', length), this.size) };
  }

  #checkOpen(): void {
    if (this.#closing) throw closedError();
  }

  #readError(error: unknown, signal: AbortSignal | undefined): unknown {
    if (isCancelled(error)) {
      return signal?.aborted ? abortError(signal) : this.#closing ? closedError() : error;
    }
    if (SealError.is(error) && isDamage(error.failure)) {
      const { failure, message } = error;
      this.#totals.damageCount += 1;
      this.#diagnostics.damage({ failure, message });
    }
    return error;
  }
}

function closedError(): Error {
  return Object.assign(new Error('the reader was closed'), { code: 'ERR_INVALID_STATE' });
}

/** The bytes from `offset` on, `length` of them or all. */
function checkedSpan(name: string, range: unknown, size: number): Span {
  const { offset: start = 0, length } = optionsBy(`SealedReader.${name}`, range, RANGE, 'range');
  return { start, end: length === undefined ? Math.max(start, size) : start + length };
}

const RANGE = { offset: byteCount, length: byteCount };
const DEFAULT_CACHE_SIZE = 4 * 1024 * 1024;
/** Bytes that are read at once, unless a frame has more. */
const PIECE_SIZE = 1024 * 1024;
/** Pieces that are read in parallel. */
const AHEAD = 4;
