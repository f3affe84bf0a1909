// Random access: a sealed stream that stays open, and whose plaintext is read at any place.

import type { Readable } from 'node:stream';

import type { ByteRange } from '../../native/binding';
import { abortError, checkedSignal, forgetAbort, isAborted, onAbort } from '../internal/abort';
import { isBytes } from '../internal/bytes';
import { isDamage, type Watch } from '../internal/diagnostics';
import { SealError, rangeError, translated, typeError } from './errors';
import { type DetachedHeader, headerOption } from './header';
import { Identities } from '../keys/identities';
import { begun, UnlockedStream } from '../sources/unlocked-stream';
import { Running } from '../internal/operation';
import { checkedInteger, checkedOptions, openSettings } from '../internal/options';
import { nodeStream, Pieces, webStream } from '../streams/reader-streams';
import { segmentResults } from './segments';
import { originArgument, originWith, type RandomAccessInput } from '../sources/sources';
import { Stop } from '../internal/canceller';
import type { OpenOptions, SegmentResult, SegmentsOptions } from '../internal/types';

/** How to open a stream for random access. */
export type ReaderOptions = OpenOptions & ReaderSettings;

/** What is of random access alone. */
export interface ReaderSettings extends DetachedHeader {
  /** Stops the opening; the promise then rejects with the signal's reason. Later it does nothing. */
  signal?: AbortSignal | undefined;
  /**
   * Bytes of opened frames, plaintext, that are kept in memory to be read again: 4,194,304 by default. 0 keeps nothing.
   */
  cacheSize?: number | undefined;
}

/** How to read. */
export interface ReadOptions {
  /** Stops the read; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What `createReadStream` gives, as `fs.createReadStream` has it. */
export interface ReadStreamOptions extends ReadOptions {
  /** The first byte, 0 by default. */
  start?: number | undefined;
  /** The **last** byte, which is part of it, as in `fs.createReadStream`; by default the plaintext's last. */
  end?: number | undefined;
  /** Bytes that the stream buffers before it waits for whoever reads it; 65,536 by default. */
  highWaterMark?: number | undefined;
}

/**
 * Opens a sealed stream to read its plaintext at any place. Only the frames that a read covers are fetched and opened.
 *
 * The stream's end is verified first: one that is cut short, or whose end was changed, is refused before a byte comes out,
 * and so is a stream that neither states its length nor has a sound end. Every frame is authenticated before any of its
 * bytes is returned, and belongs to this very sealing of the stream.
 *
 * Close the reader when it is no longer needed: it holds the file open. Bytes given as `source` must not change, and their
 * ArrayBuffer not be transferred, until then; see {@link decrypt}. A FileHandle must stay open until then, and is not
 * closed; an object of the caller's own is, by its `close()`, also where opening fails.
 *
 * @throws SealError, the reason of `signal`, what the source throws, or TypeError and RangeError for options.
 */
export async function open(source: RandomAccessInput, options: ReaderOptions): Promise<SealedReader> {
  const settings = openSettings(checkedOptions(options));
  const origin = originWith(originArgument('source', source), headerOption(options));
  const identities = Identities.of(options);
  const { cacheSize: asked } = options;
  const cacheSize =
    asked === undefined ? DEFAULT_CACHE_SIZE : checkedInteger('cacheSize', asked, 0, Number.MAX_SAFE_INTEGER);
  const held = identities.held();
  const running = await begun('open', options.signal, origin).catch((error: unknown) => {
    held.dispose();
    throw error;
  });
  try {
    const stream = await UnlockedStream.open({ origin, identities: held, settings, cacheSize }, running);
    if (options.signal && isAborted(options.signal)) {
      await stream.close();
      throw abortError(options.signal);
    }
    return SealedReader.over(stream, running.watch);
  } catch (error) {
    throw running.explain(error);
  } finally {
    running.dispose();
  }
}

/** A sealed stream that was opened with {@link open}. Any number of reads may be under way at once. */
export class SealedReader {
  /** Bytes of the plaintext. */
  readonly size: number;
  /** The stream's id, 64 hexadecimal digits. */
  readonly streamId: string;
  readonly #stream: UnlockedStream;
  readonly #watch: Watch;
  /** Bytes of the plaintext that are read at once: whole segments, or whole frames of long segments. */
  readonly #pieceSize: number;
  /** Stops all reads that have nothing of their own that does. */
  readonly #end = new Stop();
  /** What else {@link close} stops. */
  readonly #stops = new Set<() => void>();
  readonly #tally = { reads: 0, plaintextSize: 0, damageCount: 0 };
  #closing: Promise<void> | undefined;

  private constructor(stream: UnlockedStream, watch: Watch) {
    const { plaintextSize, streamId, frameSize, segmentSize } = stream.reader;
    this.size = plaintextSize ?? 0;
    this.streamId = streamId;
    this.#stream = stream;
    this.#watch = watch;
    const unit = segmentSize <= PIECE ? segmentSize : frameSize;
    this.#pieceSize = Math.max(1, Math.floor(PIECE / unit)) * unit;
  }

  /** @internal */
  static over(stream: UnlockedStream, watch: Watch): SealedReader {
    return new SealedReader(stream, watch);
  }

  /**
   * Reads `length` bytes of the plaintext from `offset` on: fewer only at its end, and none past it.
   *
   * What can't be opened fails the read with its segment, frame and byte offset. As a single frame tells nothing of the
   * digest of its segment, rot is not told from tampering here: {@link verify} does that.
   *
   * @throws SealError, the reason of `signal`, what the source throws, or TypeError and RangeError for arguments.
   */
  async read(offset: number, length: number, options: ReadOptions = {}): Promise<Buffer> {
    const { start, end } = this.#extent(offset, length);
    const signal = readSignal(options);
    const output = Buffer.allocUnsafeSlow(end - start);
    await this.#fill(output, start, signal);
    return output;
  }

  /**
   * Reads the plaintext from `offset` on until `buffer` is full or the plaintext ends, and returns how many bytes that were.
   * Nothing is written to `buffer` before all of them were verified: if the read fails, it is as it was.
   *
   * @throws As {@link read}.
   */
  async readInto(buffer: Uint8Array, offset: number, options: ReadOptions = {}): Promise<number> {
    if (!isBytes(buffer)) throw typeError('buffer', 'a Uint8Array or a Buffer', buffer);
    const { start, end } = this.#extent(offset, buffer.length);
    const signal = readSignal(options);
    // The engine writes to memory that nobody else can free; see `fixedBytes`.
    const own = Buffer.allocUnsafeSlow(end - start);
    await this.#fill(own, start, signal);
    if (buffer.length < own.length) {
      throw typeError('buffer', 'as large as it was', buffer, 'one that was detached or shrunk meanwhile');
    }
    buffer.set(own);
    return own.length;
  }

  /**
   * A Node stream of the plaintext, or of a part of it. As in `fs.createReadStream`, `end` is the **last** byte. It reads a
   * few pieces of at most 1 MiB ahead, unless frames are larger, and stops when it is destroyed.
   *
   * @throws TypeError and RangeError for options. Whatever else fails, the stream fails with; see {@link read}.
   */
  createReadStream(options: ReadStreamOptions = {}): Readable {
    checkedNames(options, READ_STREAM_OPTIONS);
    const { start = 0, end, highWaterMark } = options;
    const from = checkedOffset('start', start);
    const isOpen = end === undefined || end === Infinity;
    const last = isOpen ? this.size - 1 : checkedOffset('end', end);
    if (!isOpen && last < from) throw rangeError('end', `must be at least start, ${from}, not ${last}`);
    if (highWaterMark !== undefined) checkedOffset('highWaterMark', highWaterMark);
    const signal = checkedSignal(options.signal);
    return nodeStream(this.#pieces({ start: from, end: last + 1 }), { highWaterMark, signal });
  }

  /**
   * A web stream of the plaintext, or of a part of it. As in `Blob.slice`, and as in every `ByteRange`, `end` is the byte
   * **behind** the last. Otherwise as {@link createReadStream}.
   *
   * @throws TypeError and RangeError for the range. Whatever else fails, the stream fails with; see {@link read}.
   */
  stream(range: Partial<ByteRange> = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    checkedNames(range, RANGE_OPTIONS);
    return webStream(this.#pieces(checkedRange(range, this.size)));
  }

  /**
   * The segments one by one, with a result for each; as {@link decryptSegments}, on this reader.
   *
   * @throws As {@link decryptSegments}.
   */
  segments(options: SegmentsOptions = {}): AsyncGenerator<SegmentResult, void, void> {
    let forget: () => void = () => undefined;
    return segmentResults(checkedOptions(options), {
      begin: (signal) => Promise.resolve(new Running('decryptSegments', signal)),
      open: (running) => {
        this.#checkOpen();
        const stop = () => {
          running.stop(closed());
        };
        this.#stops.add(stop);
        forget = () => this.#stops.delete(stop);
        return Promise.resolve(this.#stream);
      },
      close: () => {
        forget();
        return Promise.resolve();
      },
    });
  }

  /**
   * The one stretch of the sealed stream that holds all that reading this range of the plaintext takes. What of the range is
   * past the end is left out.
   *
   * @throws TypeError and RangeError for the range.
   */
  ciphertextRange(range: ByteRange): ByteRange {
    checkedNames(range, RANGE_OPTIONS);
    const { start, end } = checkedRange(range, this.size);
    this.#checkOpen();
    return this.#stream.reader.ciphertextRange(start, end);
  }

  /**
   * Stops what is under way, waits until it has stopped, and lets go of the source. What was stopped, and all that is asked
   * for later, rejects with an error whose `code` is `ERR_INVALID_STATE`. A second call waits for the first.
   *
   * @throws What `close()` of the caller's source throws.
   */
  close(): Promise<void> {
    // Closed before anything is stopped: who is told of that may call it again.
    return (this.#closing ??= Promise.resolve().then(() => this.#close()));
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#end.raise();
    for (const stop of this.#stops) stop();
    try {
      await this.#stream.close();
      this.#watch.done(this.#tally);
    } catch (error) {
      this.#watch.failed(error);
      throw error;
    }
  }

  /** Reads until `output` is full, which must not be past the end. */
  async #fill(output: Buffer, at: number, signal: AbortSignal | undefined): Promise<void> {
    this.#checkOpen();
    if (signal && isAborted(signal)) throw abortError(signal);
    // What JavaScript fetches listens to the signal, perhaps for as long as that lives.
    const isOwn = signal !== undefined || this.#stream.fetched !== undefined;
    const stop = isOwn ? new Stop() : this.#end;
    if (isOwn) this.#stops.add(stop.raise);
    if (signal) onAbort(signal, stop.raise);
    try {
      if (output.length <= this.#pieceSize) {
        if (output.length > 0) await this.#stream.read(output, at, stop);
      } else {
        await this.#fillInPieces(output, at, stop);
      }
      this.#tally.reads += 1;
      this.#tally.plaintextSize += output.length;
    } catch (error) {
      throw this.#explained(error, signal);
    } finally {
      if (signal) forgetAbort(signal, stop.raise);
      if (isOwn) this.#stops.delete(stop.raise);
    }
  }

  /** Several pieces side by side, each at its place. */
  async #fillInPieces(output: Buffer, at: number, stop: Stop): Promise<void> {
    const pieces = this.#split({ start: at, end: at + output.length });
    let failure: { readonly error: unknown } | undefined;
    const worker = async () => {
      for (const { start, end } of pieces) {
        if (failure) return;
        try {
          await this.#stream.read(output.subarray(start - at, end - at), start, stop);
        } catch (error) {
          failure ??= { error };
        }
      }
    };
    // All must have ended before the memory is anybody else's.
    await Promise.all(Array.from({ length: AHEAD }, worker));
    // The compiler does not see that a worker sets it.
    const failed = failure as { readonly error: unknown } | undefined;
    if (failed) throw failed.error;
  }

  /** The pieces of a range, so that none takes a frame or, but for long ones, a segment that another takes too. */
  *#split({ start, end }: ByteRange): Generator<ByteRange, void, void> {
    for (let from = start; from < end;) {
      const to = Math.min(end, from - (from % this.#pieceSize) + this.#pieceSize);
      yield { start: from, end: to };
      from = to;
    }
  }

  #pieces({ start, end }: ByteRange): Pieces {
    const inside = { start: Math.min(start, this.size), end: Math.min(end, this.size) };
    const stop = new AbortController();
    return new Pieces(this.#split(inside), AHEAD, stop, (piece) =>
      this.read(piece.start, piece.end - piece.start, { signal: stop.signal }),
    );
  }

  #extent(offset: unknown, length: unknown): ByteRange {
    const start = Math.min(checkedOffset('offset', offset), this.size);
    return { start, end: Math.min(start + checkedOffset('length', length), this.size) };
  }

  #checkOpen(): void {
    if (this.#closing) throw closed();
  }

  #explained(error: unknown, signal: AbortSignal | undefined): unknown {
    const reason = translated(error);
    if (!(reason instanceof SealError)) return reason;
    const { failure, message } = reason;
    if (failure.kind === 'Cancelled') {
      return signal && isAborted(signal) ? abortError(signal) : this.#closing ? closed() : reason;
    }
    if (isDamage(failure)) {
      this.#tally.damageCount += 1;
      this.#watch.damage({ failure, message });
    }
    return reason;
  }
}

function closed(): Error {
  return Object.assign(new Error('the reader was closed'), { code: 'ERR_INVALID_STATE' });
}

function readSignal(options: ReadOptions): AbortSignal | undefined {
  checkedNames(options, READ_OPTIONS);
  return checkedSignal(options.signal);
}

function checkedNames(options: object, known: ReadonlySet<string>): void {
  checkedOptions(options, known);
}

function checkedOffset(name: string, value: unknown): number {
  return checkedInteger(name, value, 0, Number.MAX_SAFE_INTEGER);
}

function checkedRange(range: Partial<ByteRange>, size: number): ByteRange {
  const start = checkedOffset('start', range.start ?? 0);
  if (range.end === undefined || range.end === Infinity) return { start, end: Math.max(start, size) };
  const end = checkedOffset('end', range.end);
  if (end < start) throw rangeError('end', `must be at least start, ${start}, not ${end}`);
  return { start, end };
}

const READ_OPTIONS = new Set(['signal']);
const RANGE_OPTIONS = new Set(['end', 'start']);
const READ_STREAM_OPTIONS = new Set(['end', 'highWaterMark', 'signal', 'start']);
const DEFAULT_CACHE_SIZE = 4 * 1024 * 1024;
/** Bytes that are read at once, unless a frame has more. */
const PIECE = 1024 * 1024;
/** Pieces that are read side by side. */
const AHEAD = 4;
