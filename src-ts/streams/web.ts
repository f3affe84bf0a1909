// The web's streams.

import { types } from 'node:util';

import { abortError, checkedSignal, forgetAbort, isAborted, onAbort } from '../internal/abort';
import { isBytes } from '../internal/bytes';
import type {
  DamageOptions,
  OpenOptions,
  OpenReport,
  SealOptions,
  SealReport,
  StreamOptions,
} from '../internal/types';
import type { Conversion, Outlet } from './conversion';
import { Opening } from './opening';
import { openPlan, sealPlan } from './plans';
import { Sealing } from './sealing';

/**
 * Seals what is written to `writable`; what comes out of `readable` is the sealed stream. For `pipeThrough`, as
 * CompressionStream: chunks are bytes (an ArrayBuffer or a view of one) and come out as Uint8Array.
 *
 * Otherwise as {@link createEncryptStream}; an aborted `signal` fails both sides with its reason.
 */
export class EncryptionStream {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  readonly #conversion: Conversion<SealReport>;

  /** @throws TypeError and RangeError for options. */
  constructor(options: SealOptions & StreamOptions) {
    const plan = sealPlan(options);
    const make = (outlet: Outlet) => new Sealing('EncryptionStream', outlet, plan);
    ({
      readable: this.readable,
      writable: this.writable,
      conversion: this.#conversion,
    } = pair(make, options.signal));
  }

  /** What was done, once the last byte has come out. */
  get report(): SealReport | undefined {
    return this.#conversion.report;
  }
}

/**
 * Opens the sealed stream that is written to `writable`; what comes out of `readable` is its plaintext. For `pipeThrough`, as
 * DecompressionStream: chunks are bytes (an ArrayBuffer or a view of one) and come out as Uint8Array.
 *
 * Otherwise as {@link createDecryptStream}: **only a `readable` that closes says that the whole stream was there**. An aborted
 * `signal` fails both sides with its reason.
 */
export class DecryptionStream {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  readonly #conversion: Conversion<OpenReport>;

  /** @throws TypeError and RangeError for options. */
  constructor(options: OpenOptions & StreamOptions & DamageOptions) {
    const plan = openPlan(options);
    const make = (outlet: Outlet) => new Opening('DecryptionStream', outlet, plan);
    ({
      readable: this.readable,
      writable: this.writable,
      conversion: this.#conversion,
    } = pair(make, options.signal));
  }

  /** What was done, once the end was verified. */
  get report(): OpenReport | undefined {
    return this.#conversion.report;
  }
}

interface Pair<Report extends object> {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  readonly conversion: Conversion<Report>;
}

function pair<Report extends object>(
  make: (outlet: Outlet) => Conversion<Report>,
  signal: unknown,
): Pair<Report> {
  const ends = new Ends(checkedSignal(signal));
  const conversion = make(ends);
  ends.onAbort((reason) => {
    conversion.close(reason);
  });
  const readable = new ReadableStream<Uint8Array<ArrayBuffer>>(
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
    // Nothing is made for a reader that is not there, as in a TransformStream.
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<ArrayBuffer | ArrayBufferView>({
    start(controller) {
      ends.writable = controller;
      // At once: `abort` is called only when a write that waits for the reader has ended.
      const { signal } = controller as { signal?: AbortSignal };
      signal?.addEventListener('abort', () => {
        conversion.close(signal.reason);
      });
      ends.start();
      return conversion.begin();
    },
    write: (chunk) => conversion.write(bytesOf(chunk)),
    // As in a TransformStream: closed is what came through.
    close: () => conversion.finishAndEnd(),
    abort(reason) {
      conversion.close(reason);
      ends.failReadable(reason);
    },
  });
  return { readable, writable, conversion };
}

/** Both ends, which fail together. */
class Ends implements Outlet {
  readable: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  writable: WritableStreamDefaultController | undefined;
  #close: ((reason: unknown) => void) | undefined;

  constructor(readonly signal: AbortSignal | undefined) {}

  onAbort(close: (reason: unknown) => void): void {
    this.#close = close;
  }

  /** Listens to the signal, when both ends are there. */
  start(): void {
    if (this.signal === undefined) return;
    if (isAborted(this.signal)) this.#abort();
    else onAbort(this.signal, this.#abort);
  }

  readonly #abort = (): void => {
    if (this.signal === undefined) return;
    const reason = abortError(this.signal);
    this.#close?.(reason);
    this.fail(reason);
  };

  push(bytes: Buffer): boolean {
    this.readable?.enqueue(new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length));
    // With no room in its queue it asks for each piece.
    return false;
  }

  drained(): Promise<void> {
    // With no queue it asks for more only when it has nothing left.
    return Promise.resolve();
  }

  end(): void {
    this.#forget();
    this.readable?.close();
  }

  fail(error: unknown): void {
    this.failReadable(error);
    this.failWritable(error);
  }

  failReadable(error: unknown): void {
    this.#forget();
    this.readable?.error(error);
  }

  failWritable(error: unknown): void {
    this.#forget();
    this.writable?.error(error);
  }

  #forget(): void {
    if (this.signal) forgetAbort(this.signal, this.#abort);
  }
}

/** A chunk's bytes; what is none, or has lost its memory, is refused where the chunk is used. */
function bytesOf(chunk: unknown): unknown {
  if (isBytes(chunk)) return chunk;
  try {
    if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    return types.isAnyArrayBuffer(chunk) ? new Uint8Array(chunk) : chunk;
  } catch {
    return chunk;
  }
}
