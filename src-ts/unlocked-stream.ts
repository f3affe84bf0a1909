// A sealed stream that the addon holds open, with the way to its bytes.

import type {
  ByteRange,
  FetchedPart,
  NativeKey,
  OpenSettings,
  SegmentOutcome,
  Source,
  StreamReader,
} from '../native/binding';
import { native } from './binding';
import type { Running } from './operation';
import { checkedSize, type FetchedSource, type Origin } from './sources';
import type { Stop } from './stop';

/** What opens a stream, as the addon takes it. @internal */
export interface Unlocking {
  readonly origin: Origin;
  readonly keys: NativeKey[];
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
    const { origin, keys, settings, cacheSize } = unlocking;
    const how = running.settings(ONE, true);
    if (origin.direct) {
      const reader = await native.openReader(origin.direct, keys, settings, cacheSize, how);
      return new UnlockedStream(reader, undefined, origin.direct.bytes);
    }
    try {
      const fetched = new FetchedOrigin(origin.fetched, await sizeOf(origin.fetched, running.end));
      const outer = await fetched.outer(running.end);
      const reader = await native.openReader(outer, keys, settings, cacheSize, how);
      return new UnlockedStream(reader, fetched, undefined);
    } catch (error) {
      await origin.fetched.close();
      throw error;
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
      return await this.reader.openSegment(index, source, output, running.settings(ONE, true));
    } finally {
      this.#ended();
    }
  }

  /** Lets go of the source, when nothing is under way any more. A second call waits for the first. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
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

/** A source that JavaScript reads. */
class FetchedOrigin {
  constructor(
    readonly from: FetchedSource,
    readonly size: number,
  ) {}

  /** What it takes to open the stream: in one round of requests, or two. */
  async outer(stop: Stop): Promise<Source> {
    const headEnd = Math.min(HEAD, this.size);
    const tailStart = Math.max(headEnd, this.size - TAIL);
    const ends = await this.#fetch(
      [
        { start: 0, end: headEnd },
        { start: tailStart, end: this.size },
      ],
      stop,
    );
    const at = (offset: number) => ends.find((part) => part.offset === offset)?.bytes ?? NOTHING;
    // The tail starts where the head ends, if there is nothing else.
    const tail = tailStart < this.size ? at(tailStart) : NOTHING;
    const between = native.outerRanges(this.size, at(0), tail);
    return this.#asSource([...ends, ...(await this.#fetch(between, stop))]);
  }

  async source(ranges: readonly ByteRange[], stop: Stop): Promise<Source> {
    return this.#asSource(await this.#fetch(ranges, stop));
  }

  async close(): Promise<void> {
    await this.from.close();
  }

  #asSource(parts: FetchedPart[]): Source {
    return bare({ fetched: bare({ size: this.size, parts }) });
  }

  #fetch(ranges: readonly ByteRange[], stop: Stop): Promise<FetchedPart[]> {
    return Promise.all(
      ranges
        .map(({ start, end }) => ({ start, end: Math.min(end, this.size) }))
        .filter(({ start, end }) => start < end)
        .map(async ({ start, end }) => ({
          offset: start,
          bytes: await stop.race(() => this.from.read(start, end - start, stop)),
        })),
    );
  }
}

async function sizeOf(source: FetchedSource, stop: Stop): Promise<number> {
  return checkedSize("the source's size()", await stop.race(() => source.size(stop)));
}

/** The addon looks names up, and must not find what somebody put on Object.prototype. */
function bare<T extends object>(value: T): T {
  return Object.assign(Object.create(null) as T, value);
}

// One thread; there is nothing to split.
const ONE = 1;
const NOTHING = new Uint8Array();
/** Bytes of the header of a file. */
const HEAD = 4096;
/** Room for the ends of most streams: this much has the manifest of a thousand segments, and a copy of the header. */
const TAIL = 40_960;
