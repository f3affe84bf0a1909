// A sealed stream that the addon holds open, with access to its bytes.

import type {
  ByteRange,
  FetchedPart,
  OpenSettings,
  SealFailure,
  SegmentOutcome,
  Source,
  StreamReader,
} from '../../native/binding';
import { native } from '../internal/binding';
import { nullPrototype } from '../internal/null-prototype';
import type { Canceller } from '../internal/canceller';
import type { OperationName } from '../internal/diagnostics';
import { rangeError } from '../internal/errors';
import { Operation } from '../internal/operation';
import type { NodeBuffer } from '../internal/bytes';
import { byteCount } from '../internal/options';
import { type Span, spanOf } from '../internal/span';
import type { Identities } from '../keys/identities';
import { type Fetcher, HEAD_SIZE, type Origin, releaseSource } from './sources';

/** What opens a stream. */
export interface Unlocking {
  readonly origin: Origin;
  /** Copies, which are overwritten after use. */
  readonly identities: Identities;
  readonly settings: OpenSettings;
  /** Bytes of opened frames to cache; without it ranges can't be read. */
  readonly cacheSize: number | undefined;
}

export class UnlockedStream {
  #running = 0;
  #whenIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    readonly reader: StreamReader,
    /** The source, if JavaScript reads it. */
    readonly fetched: FetchedSource | undefined,
  ) {}

  /** Unlocks a stream. On failure it closes the source. */
  static async open(unlocking: Unlocking, operation: Operation): Promise<UnlockedStream> {
    const { origin, identities, settings, cacheSize } = unlocking;
    const { canceller } = operation;
    const { cancellation } = canceller;
    const openReader = (source: Source) => {
      const slots = () => native.sourceProviderSlots(source);
      return identities.use(slots, settings.context, operation, (offered) =>
        native.openReader(source, offered, settings, cacheSize, cancellation),
      );
    };
    const authenticate = (header: Uint8Array) => {
      const slots = () => native.headerProviderSlots(header);
      return identities.use(slots, settings.context, operation, async (offered) => {
        (await native.openStream(header, offered, settings, cancellation)).close();
      });
    };
    try {
      if (origin.direct) {
        return new UnlockedStream(await openReader(origin.direct), undefined);
      }
      const size = await canceller.race(() => origin.fetched.size(canceller));
      const bodySize = byteCount("the source's size()", size);
      const fetched = new FetchedSource(origin.fetched, origin.header ?? EMPTY, bodySize);
      const source = await fetched.headerAndEnd(canceller, authenticate);
      try {
        return new UnlockedStream(await openReader(source), fetched);
      } finally {
        releaseSource(source);
      }
    } catch (error) {
      await closeUnopened(origin);
      throw error;
    } finally {
      // The reader holds them itself.
      if (origin.direct) releaseSource(origin.direct);
      identities.dispose();
    }
  }

  /** Reads `length` bytes of the plaintext from `at` on, which must not be past the end. */
  read(at: number, length: number, canceller: Canceller): Promise<NodeBuffer> {
    return this.#whileOpen(async () => {
      const { cancellation } = canceller;
      if (!this.fetched) return this.reader.read(at, length, cancellation);
      const plan = this.reader.planRead(at, length);
      const source = await this.fetched.ranges(plan.missing, canceller);
      try {
        return await using(source, () => plan.open(source, cancellation));
      } catch (error) {
        await this.#checkDigest(this.fetched, error, canceller);
        throw error;
      }
    });
  }

  /** If a frame failed, fetches its whole record, whose digest tells damage from tampering. Throws if it is damaged. */
  async #checkDigest(fetched: FetchedSource, error: unknown, canceller: Canceller): Promise<void> {
    const segment = segmentOfFrame(error);
    if (segment === undefined) return;
    const record = await fetched.ranges([this.reader.place(segment).sealedRange], canceller);
    await using(record, () => this.reader.checkDigest(segment, record, canceller.cancellation));
  }

  openSegment(segment: number, { canceller }: Operation): Promise<SegmentOutcome> {
    return this.#whileOpen(async () => {
      const source: Source = this.fetched
        ? await this.fetched.ranges([this.reader.place(segment).sealedRange], canceller)
        : nullPrototype({});
      return using(source, () => this.reader.openSegment(segment, source, canceller.cancellation));
    });
  }

  /** Closes the source when no read is running. A second call waits for the first. */
  close(): Promise<void> {
    // The promise exists before anything is closed: the source's own `close` may call this again.
    return (this.#closing ??= Promise.resolve().then(async () => {
      if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
      this.reader.close();
      await this.fetched?.from.close();
    }));
  }

  async #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#whenIdle?.();
    }
  }
}

/** Begins an operation on a source. If the signal is aborted already, it closes the source and overwrites the identities. */
export async function operationOn(
  { origin, identities }: Unlocking,
  name: OperationName,
  signal: AbortSignal | undefined,
): Promise<Operation> {
  try {
    return new Operation(name, signal);
  } catch (error) {
    identities.dispose();
    await closeUnopened(origin);
    throw error;
  }
}

/** Starts an operation on a source, which holds the source's bytes itself from then on. */
function using<T>(source: Source, start: () => T): T {
  try {
    return start();
  } finally {
    releaseSource(source);
  }
}

/** The segment of a frame that failed. */
function segmentOfFrame(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !Object.hasOwn(error, 'failure')) return undefined;
  const { failure } = error as { readonly failure: SealFailure };
  if (failure.kind !== 'Segment') return undefined;
  const { kind, segment } = failure.error;
  return kind === 'FrameDecryptionFailed' || kind === 'FramingError' ? segment : undefined;
}

/** Closes a source on which no stream could be opened. That failure matters more than one of `close`. */
async function closeUnopened({ direct, fetched }: Origin): Promise<void> {
  if (direct) releaseSource(direct);
  await Promise.resolve()
    .then(() => fetched?.close())
    .catch(() => undefined);
}

/** A source that JavaScript reads: a stream, or the body of one whose header is detached. Ranges are those of the stream. */
class FetchedSource {
  /** Bytes of the stream. */
  readonly size: number;

  constructor(
    readonly from: Fetcher,
    /** The detached header; empty if there is none. */
    readonly header: Uint8Array,
    bodySize: number,
  ) {
    this.size = header.length + bodySize;
  }

  /**
   * Fetches what opening the stream needs, in one or two rounds of requests. If the second round is for many bytes, `authenticate` first
   * checks the header that says so: a server could claim any size. In that case a copy of the header can't replace a damaged one.
   */
  async headerAndEnd(
    canceller: Canceller,
    authenticate: (header: Uint8Array) => Promise<void>,
  ): Promise<Source> {
    const head = { start: 0, end: Math.min(HEAD_SIZE, this.size) };
    const tail = { start: Math.max(head.end, this.size - TAIL_SIZE), end: this.size };
    const parts = await this.#fetch([head, tail], canceller);
    const start = this.#bytes(head, parts);
    const missing = native.openRanges(this.size, start, this.#bytes(tail, parts));
    const missingSize = missing.reduce((sum, range) => sum + range.length, 0);
    if (missingSize > LARGE) {
      const rest = { start: start.length, end: native.streamHeaderSize(start) };
      const more = this.#bytes(rest, await this.#fetch([rest], canceller));
      await authenticate(Buffer.concat([start, more]));
    }
    if (missingSize > LARGEST) {
      throw rangeError('source', `claims an end of ${missingSize} bytes; at most ${LARGEST} are fetched`);
    }
    const more = await this.#fetch(missing.map(spanOf), canceller);
    const source = this.#asSource([...parts, ...more]);
    return this.header.length === 0 ? source : nullPrototype({ ...source, header: this.header });
  }

  /** The bytes of a range that was fetched. */
  #bytes(range: Span, parts: readonly FetchedPart[]): Uint8Array {
    const { start, end } = this.#inBody(range);
    const body = start < end ? parts.find(({ offset }) => offset === start)?.bytes : undefined;
    return Buffer.concat([this.header.subarray(range.start, range.end), body?.copy() ?? EMPTY]);
  }

  #inBody({ start, end }: Span): Span {
    const { length } = this.header;
    return { start: Math.max(0, start - length), end: Math.min(end, this.size) - length };
  }

  /** Fetches ranges of the source, as far as they lie inside it. */
  async ranges(ranges: readonly ByteRange[], canceller: Canceller): Promise<Source> {
    return this.#asSource(await this.#fetch(ranges.map(spanOf), canceller));
  }

  #asSource(parts: FetchedPart[]): Source {
    return nullPrototype({ fetched: nullPrototype({ size: this.size - this.header.length, parts }) });
  }

  async #fetch(ranges: readonly Span[], canceller: Canceller): Promise<FetchedPart[]> {
    const parts = ranges
      .map((range) => this.#inBody(range))
      .filter(({ start, end }) => start < end)
      .map(async ({ start, end }): Promise<FetchedPart> => {
        const read = () => this.from.read(start, end - start, canceller);
        return { offset: start, bytes: await canceller.race(read) };
      });
    try {
      return await Promise.all(parts);
    } catch (error) {
      // Without one range the others are useless, and must not continue in the background.
      canceller.cancel();
      for (const part of await Promise.allSettled(parts)) {
        if (part.status === 'fulfilled') part.value.bytes.release();
      }
      throw error;
    }
  }
}

const EMPTY = new Uint8Array();
/** Holds the end of most streams: the manifest of a thousand segments, and a copy of the header. */
const TAIL_SIZE = 40_960;
/** Bytes of the end of a stream of about 100,000 segments. */
const LARGE = 4 * 1024 * 1024;
/** Bytes of the end of a stream of about 30 million segments. */
const LARGEST = 1024 * 1024 * 1024;
