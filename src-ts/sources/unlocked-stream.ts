// A sealed stream that the addon holds open, with the way to its bytes.

import type {
  ByteRange,
  FetchedPart,
  OpenSettings,
  SegmentOutcome,
  Source,
  StreamReader,
} from '../../native/binding';
import { bare } from '../internal/null-prototype';
import { native } from '../internal/binding';
import type { OperationName } from '../internal/diagnostics';
import type { Identities } from '../keys/identities';
import { Running } from '../internal/operation';
import { rangeError } from '../api/errors';
import { checkedSize, type Fetcher, HEAD, type Origin, sourceWith } from './sources';
import type { Stop } from '../internal/canceller';

/** What opens a stream, as the addon takes it. @internal */
export interface Unlocking {
  readonly origin: Origin;
  /** Copies, which are overwritten when they have served. */
  readonly identities: Identities;
  readonly settings: OpenSettings;
  /** Bytes of opened frames to keep; without it ranges can't be read. */
  readonly cacheSize?: number;
}

/** @internal */
export class UnlockedStream {
  #underWay = 0;
  #whenIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    readonly reader: StreamReader,
    readonly fetched: FetchedOrigin | undefined,
    readonly bytes: Uint8Array | undefined,
  ) {}

  /** Unlocks a stream. If that fails, the source is closed. */
  static async open(unlocking: Unlocking, running: Running): Promise<UnlockedStream> {
    const { origin, identities, settings, cacheSize } = unlocking;
    const { cancellation } = running.end;
    const openReader = (source: Source) =>
      identities.use(
        () => native.sourceServiceSlots(source),
        settings.context,
        running,
        (offered) => native.openReader(source, offered, settings, cacheSize, cancellation),
      );
    try {
      if (origin.direct) {
        return new UnlockedStream(await openReader(origin.direct), undefined, origin.direct.bytes);
      }
      const { header = NOTHING } = origin;
      const fetched = new FetchedOrigin(origin.fetched, header, await sizeOf(origin.fetched, running.end));
      const outer = await fetched.outer(running.end, (header) =>
        identities.use(
          () => native.headerServiceSlots(header),
          settings.context,
          running,
          async (offered) => {
            const stream = await native.openStream(header, offered, settings, cancellation);
            stream.close();
          },
        ),
      );
      return new UnlockedStream(await openReader(outer), fetched, undefined);
    } catch (error) {
      await abandon(origin);
      throw error;
    } finally {
      identities.dispose();
    }
  }

  /** Reads the plaintext from `at` on until `output` is full, which must not be past the end. */
  async read(output: Uint8Array, at: number, stop: Stop): Promise<void> {
    this.#underWay += 1;
    try {
      if (this.fetched) {
        const plan = this.reader.planRead(at, output.length);
        const source = await this.fetched.source(plan.missing, stop);
        await plan.open(source, output, stop.cancellation);
      } else {
        await this.reader.read(at, output, this.bytes, stop.cancellation);
      }
    } finally {
      this.#ended();
    }
  }

  /** Opens a segment into `output`, which has room for it. */
  async openSegment(index: number, output: Uint8Array, running: Running): Promise<SegmentOutcome> {
    this.#underWay += 1;
    try {
      const source = await this.#recordOf(index, running.end);
      return await this.reader.openSegment(index, source, output, running.end.cancellation);
    } finally {
      this.#ended();
    }
  }

  /** Lets go of the source, when nothing is under way any more. A second call waits for the first. */
  close(): Promise<void> {
    // Closing before anything is closed: the source's own `close` may call this again.
    return (this.#closing ??= Promise.resolve().then(() => this.#close()));
  }

  async #close(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    this.reader.close();
    await this.fetched?.close();
  }

  #ended(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#whenIdle?.();
  }

  async #recordOf(index: number, stop: Stop): Promise<Source> {
    if (!this.fetched) return bare(this.bytes === undefined ? {} : { bytes: this.bytes });
    // Of what is not in the source nothing is fetched.
    return this.fetched.source([this.reader.wireRange(index)], stop);
  }
}

/** An operation on a source, which is let go of if the signal is aborted already. @internal */
export async function begun(name: OperationName, signal: unknown, origin: Origin): Promise<Running> {
  try {
    return new Running(name, signal);
  } catch (error) {
    await abandon(origin);
    throw error;
  }
}

/** Lets go of a source on which nothing could be opened. Why that is so matters more than what its `close` throws. @internal */
export async function abandon({ fetched }: Origin): Promise<void> {
  await Promise.resolve()
    .then(() => fetched?.close())
    .catch(() => undefined);
}

/** A source that JavaScript reads: a stream, or the body of one whose header is detached. Ranges are those of the stream. */
class FetchedOrigin {
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
   * What it takes to open the stream: in one round of requests, or two. Where the second is for much, `authenticate` makes
   * sure first that the header, which says so, is authentic: whoever serves the stream could claim anything. Only then is a
   * copy of the header of no use.
   */
  async outer(stop: Stop, authenticate: (header: Uint8Array) => Promise<void>): Promise<Source> {
    const headEnd = Math.min(HEAD, this.size);
    const tailStart = Math.max(headEnd, this.size - TAIL);
    const [headRange, tailRange] = [
      { start: 0, end: headEnd },
      // Empty if the head is the whole stream.
      { start: tailStart, end: this.size },
    ];
    const ends = await this.#fetch([headRange, tailRange], stop);
    const head = this.#bytes(headRange, ends);
    const between = native.openRanges(this.size, head, this.#bytes(tailRange, ends));
    const extent = between.reduce((sum, { start, end }) => sum + end - start, 0);
    if (extent > LARGE) await authenticate(await this.#completeHeader(head, stop));
    if (extent > LARGEST) {
      throw rangeError('source', `claims an end of ${extent} bytes; at most ${LARGEST} are fetched`);
    }
    const source = this.#asSource([...ends, ...(await this.#fetch(between, stop))]);
    return sourceWith(source, this.header.length === 0 ? undefined : this.header);
  }

  /** The whole header that starts with these bytes. */
  async #completeHeader(start: Uint8Array, stop: Stop): Promise<Uint8Array> {
    const rest = { start: start.length, end: native.streamHeaderSize(start) };
    return Buffer.concat([start, this.#bytes(rest, await this.#fetch([rest], stop))]);
  }

  /** The bytes of a range of the stream that was fetched. */
  #bytes(range: ByteRange, parts: readonly FetchedPart[]): Uint8Array {
    const header = this.header.subarray(range.start, range.end);
    const { start, end } = this.#inBody(range);
    const body = start < end ? parts.find(({ offset }) => offset === start)?.bytes : undefined;
    return body === undefined ? header : Buffer.concat([header, body]);
  }

  #inBody({ start, end }: ByteRange): ByteRange {
    const { length } = this.header;
    return { start: Math.max(0, start - length), end: Math.min(end, this.size) - length };
  }

  async source(ranges: readonly ByteRange[], stop: Stop): Promise<Source> {
    return this.#asSource(await this.#fetch(ranges, stop));
  }

  async close(): Promise<void> {
    await this.from.close();
  }

  #asSource(parts: FetchedPart[]): Source {
    return bare({ fetched: bare({ size: this.size - this.header.length, parts }) });
  }

  async #fetch(ranges: readonly ByteRange[], stop: Stop): Promise<FetchedPart[]> {
    const parts = ranges
      .map((range) => this.#inBody(range))
      .filter(({ start, end }) => start < end)
      .map(async ({ start, end }) => ({
        offset: start,
        bytes: await stop.race(() => this.from.read(start, end - start, stop)),
      }));
    try {
      return await Promise.all(parts);
    } catch (error) {
      // The others are of no use without it, and must not go on behind its back.
      stop.raise();
      await Promise.allSettled(parts);
      throw error;
    }
  }
}

async function sizeOf(source: Fetcher, stop: Stop): Promise<number> {
  return checkedSize("the source's size()", await stop.race(() => source.size(stop)));
}

const NOTHING = new Uint8Array();
/** Room for the ends of most streams: this much has the manifest of a thousand segments, and a copy of the header. */
const TAIL = 40_960;
/** Bytes of the end of a stream of some 100,000 segments. */
const LARGE = 4 * 1024 * 1024;
/** The same of some 30 million. */
const LARGEST = 1024 * 1024 * 1024;
