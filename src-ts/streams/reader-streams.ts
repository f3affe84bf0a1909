// Streams over what can be read at any place: pieces read ahead, given out in order.

import { Readable } from 'node:stream';

import type { ByteRange } from '../../native/binding';
import { abortError, forgetAbort, isAborted, onAbort } from '../internal/abort';
import { emitting } from '../internal/safe-emit';

/** Pieces in order, some of them read ahead. @internal */
export class Pieces {
  readonly #extents: Iterator<ByteRange>;
  readonly #window: number;
  readonly #stop: AbortController;
  readonly #read: (extent: ByteRange) => Promise<Buffer>;
  readonly #ahead: Promise<Buffer>[] = [];
  #awaited: Promise<Buffer> | undefined;

  constructor(
    extents: Iterator<ByteRange>,
    window: number,
    stop: AbortController,
    read: (extent: ByteRange) => Promise<Buffer>,
  ) {
    this.#extents = extents;
    this.#window = window;
    this.#stop = stop;
    this.#read = read;
  }

  /** The next piece; nothing behind the last. */
  async next(): Promise<Buffer | undefined> {
    while (this.#ahead.length < this.#window) {
      const extent = this.#extents.next();
      if (extent.done === true) break;
      const reading = this.#read(extent.value);
      // Nobody may be there to hear of it: an earlier one may fail.
      reading.catch(() => undefined);
      this.#ahead.push(reading);
    }
    this.#awaited = this.#ahead.shift();
    return this.#awaited;
  }

  /** Stops what is under way, and waits until it has stopped. */
  async stop(reason: unknown): Promise<void> {
    this.#stop.abort(reason);
    await Promise.allSettled([this.#awaited, ...this.#ahead]);
  }
}

/** @internal */
export function nodeStream(
  pieces: Pieces,
  how: { readonly highWaterMark: number | undefined; readonly signal: AbortSignal | undefined },
): Readable {
  const { highWaterMark, signal } = how;
  const stream = new Readable({
    ...(highWaterMark === undefined ? {} : { highWaterMark }),
    read() {
      pieces.next().then(
        (piece) => emitting(() => this.push(piece ?? null), false),
        (error: unknown) => this.destroy(error as Error),
      );
    },
    destroy(error, done) {
      if (signal) forgetAbort(signal, abort);
      void pieces.stop(error ?? undefined).then(() => {
        done(error);
      });
    },
  });
  const abort = () => {
    if (signal) stream.destroy(abortError(signal));
  };
  if (signal && isAborted(signal)) abort();
  else if (signal) onAbort(signal, abort);
  return stream;
}

/** A stream of bytes: it fills the buffers of whoever brings some. @internal */
export function webStream(pieces: Pieces): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      try {
        const piece = await pieces.next();
        if (piece !== undefined) {
          controller.enqueue(new Uint8Array(piece.buffer, piece.byteOffset, piece.length));
          return;
        }
        controller.close();
        // Whoever brought a buffer gets it back.
        controller.byobRequest?.respond(0);
      } catch (error) {
        await pieces.stop(error);
        throw error;
      }
    },
    cancel: (reason) => pieces.stop(reason),
  }) as ReadableStream<Uint8Array<ArrayBuffer>>;
}
