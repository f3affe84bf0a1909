// Web streams.

import { types } from 'node:util';

import type { DamageOptions, OpenReport, SealReport, StreamOptions } from '../api/types';
import { abortError, onAbort } from '../internal/abort';
import { isBytes } from '../internal/bytes';
import { checked, STREAM } from '../internal/options';
import type { OpenOptions, SealOptions } from '../keys/types';
import type { Conversion, MakeConversion, Outlet } from './conversion';
import { opening } from './opening';
import { sealing } from './sealing';

/** A pair of web streams over a conversion, for `pipeThrough`. */
class ConversionPair<Report extends object> {
  /** The converted bytes, as Uint8Array. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Takes bytes: an ArrayBuffer or a view of one. */
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  readonly #conversion: Conversion<Report>;

  /** @internal */
  constructor(make: MakeConversion<Report>, signal: AbortSignal | undefined) {
    const ends = new Ends();
    const conversion = (this.#conversion = make(ends));
    this.readable = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start(controller) {
          ends.readable = controller;
        },
        pull() {
          conversion.pull();
        },
        cancel(reason) {
          conversion.close(reason);
          ends.failWritable(reason);
        },
      },
      // Converts only for a reader, as a TransformStream does.
      { highWaterMark: 0 },
    );
    this.writable = new WritableStream<ArrayBuffer | ArrayBufferView>({
      start(controller) {
        ends.writable = controller;
        // `abort` is called only after a write that waits for the reader; the signal is aborted at once.
        const { signal: aborting } = controller as { signal?: AbortSignal };
        aborting?.addEventListener('abort', () => {
          conversion.close(aborting.reason);
        });
        ends.stopListening = onAbort(signal, (aborted) => {
          const reason = abortError(aborted);
          conversion.close(reason);
          ends.fail(reason);
        });
        return conversion.begin();
      },
      write: (chunk) => conversion.write(bytesOf(chunk)),
      // As in a TransformStream, closed means that everything was read.
      close: () => conversion.finishAndEnd(),
      abort(reason) {
        conversion.close(reason);
        ends.failReadable(reason);
      },
    });
  }

  /** The report, after the last byte was read. */
  get report(): Report | undefined {
    return this.#conversion.report;
  }
}

/**
 * Seals what is written to `writable` into the sealed stream in `readable`. For `pipeThrough`, like CompressionStream: chunks are bytes
 * (an ArrayBuffer or a view of one), and the output is Uint8Array.
 *
 * Otherwise the same as {@link createEncryptStream}; an aborted `signal` fails both sides with its reason.
 *
 * @example
 * const sealed = response.body.pipeThrough(new EncryptionStream({ key }));
 */
export class EncryptionStream extends ConversionPair<SealReport> {
  /** @throws TypeError and RangeError for wrong options. */
  constructor(options: SealOptions & StreamOptions) {
    super(sealing('EncryptionStream', options), checked(options, STREAM).signal);
  }
}

/**
 * Opens the sealed stream that is written to `writable` into the plaintext in `readable`. For `pipeThrough`, like DecompressionStream:
 * chunks are bytes (an ArrayBuffer or a view of one), and the output is Uint8Array.
 *
 * Otherwise the same as {@link createDecryptStream}: **only a `readable` that closes means that the whole stream was there**. An aborted
 * `signal` fails both sides with its reason.
 *
 * @example
 * const plaintext = response.body.pipeThrough(new DecryptionStream({ key }));
 */
export class DecryptionStream extends ConversionPair<OpenReport> {
  /** @throws TypeError and RangeError for wrong options. */
  constructor(options: OpenOptions & StreamOptions & DamageOptions) {
    super(opening('DecryptionStream', options), checked(options, STREAM).signal);
  }
}

/** Both ends of a pair, which fail together. */
class Ends implements Outlet {
  readable: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  writable: WritableStreamDefaultController | undefined;
  stopListening: () => void = () => undefined;

  push(bytes: Buffer): boolean {
    this.readable?.enqueue(new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length));
    // Its queue has no room, so it asks for each piece.
    return false;
  }

  drained(): Promise<void> {
    // Without a queue it asks for more only when the reader has everything.
    return Promise.resolve();
  }

  end(): void {
    this.stopListening();
    this.readable?.close();
  }

  fail(error: unknown): void {
    this.failReadable(error);
    this.failWritable(error);
  }

  failReadable(error: unknown): void {
    this.stopListening();
    this.readable?.error(error);
  }

  failWritable(error: unknown): void {
    this.stopListening();
    this.writable?.error(error);
  }
}

/** The bytes of a chunk. The conversion refuses other values, and chunks without their memory. */
function bytesOf(chunk: unknown): unknown {
  if (isBytes(chunk)) return chunk;
  try {
    if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    return types.isAnyArrayBuffer(chunk) ? new Uint8Array(chunk) : chunk;
  } catch {
    return chunk;
  }
}
