// Streams over a reader's pieces, which are read ahead and returned in order.

import { Readable, type ReadableOptions } from 'node:stream';
import type { UnderlyingByteSource } from 'node:stream/web';

import { abortError, onAbort } from '../internal/abort';
import { nullPrototype } from '../internal/null-prototype';
import type { NodeBuffer, PlainUint8Array } from '../internal/bytes';
import { emitSafely } from '../internal/event-loop';
import type { ReadAhead } from '../internal/read-ahead';
import type { Span } from '../internal/span';

/** Pieces of plaintext, and what cancels reading them. */
export interface Pieces {
  readonly pieces: ReadAhead<Span, NodeBuffer>;
  readonly controller: AbortController;
}

/** Cancels the running reads, and waits until they have ended. */
async function cancelReads({ pieces, controller }: Pieces, reason: unknown): Promise<void> {
  controller.abort(reason);
  await pieces.settled();
}

export function nodeReadable(
  from: Pieces,
  options: { readonly highWaterMark: number | undefined; readonly signal: AbortSignal | undefined },
): Readable {
  const { highWaterMark, signal } = options;
  let stopListening: () => void = () => undefined;
  const stream = new Readable(
    nullPrototype<ReadableOptions>({
      ...(highWaterMark === undefined ? {} : { highWaterMark }),
      read() {
        Promise.resolve(from.pieces.next()).then(
          (piece) => emitSafely(() => this.push(piece ?? null), false),
          (error: unknown) => this.destroy(error as Error),
        );
      },
      destroy(error, done) {
        stopListening();
        void cancelReads(from, error ?? undefined).then(() => {
          done(error);
        });
      },
    }),
  );
  stopListening = onAbort(signal, (aborted) => {
    stream.destroy(abortError(aborted));
  });
  return stream;
}

/** A byte stream, which fills the buffers of readers that bring their own. */
export function webReadable(from: Pieces): ReadableStream<PlainUint8Array> {
  return new ReadableStream(
    nullPrototype<UnderlyingByteSource>({
      type: 'bytes',
      async pull(controller) {
        try {
          const piece = await from.pieces.next();
          if (piece !== undefined) {
            controller.enqueue(new Uint8Array(piece.buffer, piece.byteOffset, piece.length));
            return;
          }
          controller.close();
          // Returns the buffer that the reader brought.
          controller.byobRequest?.respond(0);
        } catch (error) {
          await cancelReads(from, error);
          throw error;
        }
      },
      cancel: (reason) => cancelReads(from, reason),
    }),
  ) as ReadableStream<PlainUint8Array>;
}
