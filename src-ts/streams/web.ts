// Web streams.

import type { UnderlyingSink, UnderlyingSource } from 'node:stream/web';

import type { DecryptReport, EncryptReport } from '../../native/binding';
import type { DecryptStreamOptions, EncryptStreamOptions } from '../api/types';
import { abortError, onAbort } from '../internal/abort';
import { bytesOf, type PlainUint8Array } from '../internal/bytes';
import { nullPrototype } from '../internal/null-prototype';
import { optionsOf } from '../internal/option-tables';
import type { Conversion, MakeConversion } from './conversion';
import { opening } from './opening';
import { sealing } from './sealing';

/** A pair of web streams over a conversion, for `pipeThrough`. */
class ConversionPair<Report extends object> {
  /** The converted bytes, as Uint8Array. */
  readonly readable: ReadableStream<PlainUint8Array>;
  /** Takes bytes: an ArrayBuffer or a view of one. */
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  readonly #conversion: Conversion<Report>;

  /** @internal */
  constructor(make: MakeConversion<Report>, signal: AbortSignal | undefined) {
    let readable: ReadableStreamDefaultController<PlainUint8Array> | undefined;
    let writable: WritableStreamDefaultController | undefined;
    let stopListening: () => void = () => undefined;
    /** Both sides fail together; one that has ended stays as it is. */
    const fail = (reason: unknown) => {
      stopListening();
      readable?.error(reason);
      writable?.error(reason);
    };
    const conversion = (this.#conversion = make({
      push: (bytes) => {
        readable?.enqueue(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
        // Its queue has no room, so it asks for each piece.
        return false;
      },
      // Without a queue it asks for more only when the reader has everything.
      drained: () => Promise.resolve(),
      end: () => {
        stopListening();
        readable?.close();
      },
      fail,
    }));
    const abandon = (reason: unknown) => {
      conversion.close(reason);
      fail(reason);
    };
    this.readable = new ReadableStream<PlainUint8Array>(
      nullPrototype<UnderlyingSource<PlainUint8Array>>({
        start(controller) {
          readable = controller;
        },
        pull() {
          conversion.pull();
        },
        cancel: abandon,
      }),
      // Converts only for a reader, as a TransformStream does.
      nullPrototype({ highWaterMark: 0 }),
    );
    this.writable = new WritableStream<ArrayBuffer | ArrayBufferView>(
      nullPrototype<UnderlyingSink<ArrayBuffer | ArrayBufferView>>({
        start(controller) {
          writable = controller;
          // `abort` is called only after a write that waits for the reader; the signal is aborted at once.
          const { signal: aborting } = controller as { signal?: AbortSignal };
          aborting?.addEventListener('abort', () => {
            conversion.close(aborting.reason);
          });
          stopListening = onAbort(signal, (aborted) => {
            abandon(abortError(aborted));
          });
          return conversion.begin();
        },
        write: (chunk) => conversion.write(chunkBytes(chunk)),
        // As in a TransformStream, closed means that everything was read.
        close: () => conversion.finishAndEnd(),
        abort: abandon,
      }),
    );
  }

  /**
   * Resolves to the report after the last byte was read. Rejects with the reason why either side failed, was cancelled or aborted; with
   * an AbortError if none was given. It may be ignored: it never causes an unhandled rejection.
   */
  get report(): Promise<Report> {
    return this.#conversion.report;
  }
}

/**
 * Encrypts what is written to `writable` into the sealed stream in `readable`. For `pipeThrough`, like CompressionStream: chunks are bytes
 * (an ArrayBuffer or a view of one), and the output is Uint8Array.
 *
 * Otherwise the same as {@link createEncryptStream}; an aborted `signal` fails both sides with its reason.
 *
 * @example
 * const sealed = response.body.pipeThrough(new EncryptionStream({ key }));
 */
export class EncryptionStream extends ConversionPair<EncryptReport> {
  /**
   * @param options The recipients, `context`, sizes and digest, and segments in memory.
   * @throws TypeError and RangeError for wrong options.
   */
  constructor(options: EncryptStreamOptions) {
    const given = optionsOf('EncryptionStream', options);
    super(sealing('EncryptionStream', given), given.signal);
  }
}

/**
 * Decrypts the sealed stream that is written to `writable` into the plaintext in `readable`. For `pipeThrough`, like DecompressionStream:
 * chunks are bytes (an ArrayBuffer or a view of one), and the output is Uint8Array.
 *
 * Otherwise the same as {@link createDecryptStream}: **only a `readable` that closes means that the whole stream was there**. An aborted
 * `signal` fails both sides with its reason.
 *
 * @example
 * const plaintext = response.body.pipeThrough(new DecryptionStream({ key }));
 */
export class DecryptionStream extends ConversionPair<DecryptReport> {
  /**
   * @param options The key or the identities, `context`, limits, how to treat damage, and segments in memory.
   * @throws TypeError and RangeError for wrong options.
   */
  constructor(options: DecryptStreamOptions) {
    const given = optionsOf('DecryptionStream', options);
    super(opening('DecryptionStream', given), given.signal);
  }
}

/** The bytes of a chunk. The conversion refuses other values, and chunks without their memory. */
function chunkBytes(chunk: unknown): unknown {
  try {
    return bytesOf(chunk);
  } catch {
    return chunk;
  }
}
