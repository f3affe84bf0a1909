// Node's streams.

import { addAbortSignal, Duplex } from 'node:stream';

import { checkedSignal } from '../internal/abort';
import { emitting } from '../internal/safe-emit';
import type { OperationName } from '../internal/diagnostics';
import { typeError } from '../api/errors';
import { checkedInteger } from '../internal/options';
import type {
  DamageOptions,
  NodeStreamOptions,
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

/** A stream into which plaintext goes and out of which its sealed stream comes. */
export interface EncryptStream extends Duplex {
  /** What was done, once the last byte has come out. */
  readonly report: SealReport | undefined;
}

/** A stream into which a sealed stream goes and out of which its plaintext comes. */
export interface DecryptStream extends Duplex {
  /** What was done, once the end was verified. */
  readonly report: OpenReport | undefined;
}

/**
 * A Duplex that seals what is written to it. At most `concurrency` segments are in memory; they are sealed beside each other
 * on other threads, and a reader or a writer that is slower than the other is waited for.
 *
 * What is written must be bytes: a string fails. Bytes are copied before their `write` calls back and are not changed. The
 * header has no room for later changes of who may open the stream: use {@link encryptFile} where that matters.
 *
 * @throws TypeError and RangeError for options. All else destroys the stream with a SealError; `signal` destroys it with an
 *   AbortError, as in all of Node's streams.
 */
export function createEncryptStream(options: SealOptions & StreamOptions & NodeStreamOptions): EncryptStream {
  return encryptStreamLater('createEncryptStream', options)();
}

/**
 * A Duplex that opens the sealed stream that is written to it. At most `concurrency` segments are in memory; they are opened
 * beside each other on other threads, and a reader or a writer that is slower than the other is waited for.
 *
 * A segment comes out when all of it has verified. **Only `'end'` says that the whole stream was there**: a stream that is cut
 * or has another end fails behind its last sound segment, so discard what came out if the stream fails. Chunks share memory
 * that can't be transferred to another thread.
 *
 * @throws TypeError and RangeError for options. All else destroys the stream with a SealError; `signal` destroys it with an
 *   AbortError, as in all of Node's streams.
 */
export function createDecryptStream(
  options: OpenOptions & StreamOptions & DamageOptions & NodeStreamOptions,
): DecryptStream {
  return decryptStreamLater('createDecryptStream', options)();
}

/** Checks options now, for a stream that begins when the result is called. @internal */
export function encryptStreamLater(
  name: OperationName,
  options: SealOptions & StreamOptions & NodeStreamOptions,
): () => EncryptStream {
  const plan = sealPlan(options);
  const settings = streamSettings(options);
  return () => new ConversionStream(settings, (outlet) => new Sealing(name, outlet, plan));
}

/** Checks options now, for a stream that begins when the result is called. @internal */
export function decryptStreamLater(
  name: OperationName,
  options: OpenOptions & StreamOptions & DamageOptions & NodeStreamOptions,
): () => DecryptStream {
  const plan = openPlan(options);
  const settings = streamSettings(options);
  return () => new ConversionStream(settings, (outlet) => new Opening(name, outlet, plan));
}

type Callback = (error?: Error | null) => void;

class ConversionStream<Report extends object> extends Duplex {
  readonly #conversion: Conversion<Report>;
  /** Whether the reader found less than it wanted, with nothing more since. */
  #isShort = false;
  #tellDrained: (() => void) | undefined;
  /** Until it has begun. */
  #beginning: Promise<void> | undefined;

  constructor({ signal, marks }: StreamSettings, make: (outlet: Outlet) => Conversion<Report>) {
    super({ ...marks, decodeStrings: false });
    this.#conversion = make({
      push: (bytes) => {
        this.#isShort = false;
        return emitting(() => this.push(bytes), true);
      },
      drained: () =>
        new Promise((resolve) => {
          this.#tellDrained = resolve;
          this.#checkDrained();
        }),
      end: () => {
        emitting(() => this.push(null), false);
      },
      fail: (error) => this.destroy(error as Error),
    });
    if (signal) addAbortSignal(signal, this);
  }

  get report(): Report | undefined {
    return this.#conversion.report;
  }

  override _construct(callback: Callback): void {
    // Not waited for here, since Node would let nothing end the stream until then: it takes long where a passphrase has to be
    // stretched, or a key service asked.
    this.#beginning = this.#conversion.begin().finally(() => (this.#beginning = undefined));
    this.#beginning.catch(() => undefined);
    callback();
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, callback: Callback): void {
    if (typeof chunk === 'string') callback(typeError('chunk', 'a Buffer or a Uint8Array', chunk));
    else
      settled(
        this.#onceBegun(() => this.#conversion.write(chunk)),
        callback,
      );
  }

  override _final(callback: Callback): void {
    settled(
      this.#onceBegun(() => this.#conversion.finish()),
      callback,
    );
  }

  #onceBegun(step: () => Promise<void>): Promise<void> {
    return this.#beginning ? this.#beginning.then(step) : step();
  }

  override _read(): void {
    this.#conversion.pull();
  }

  /** All readers come by here, which is the only way to know that one has had everything. */
  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    // Node itself asks for nothing now and then.
    if (size !== 0) this.#isShort = chunk === null;
    this.#checkDrained();
    return chunk;
  }

  #checkDrained(): void {
    if (this.#isShort || this.readableLength === 0) this.#tellDrained?.();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#conversion.close(error);
    callback(error);
  }
}

function settled(promise: Promise<void>, callback: Callback): void {
  promise.then(
    () => {
      callback();
    },
    (error: unknown) => {
      callback(error as Error);
    },
  );
}

interface StreamSettings {
  readonly signal: AbortSignal | undefined;
  readonly marks: NodeStreamOptions;
}

function streamSettings(options: StreamOptions & NodeStreamOptions): StreamSettings {
  const marks: NodeStreamOptions = {};
  for (const name of MARKS) {
    const value: unknown = options[name];
    if (value !== undefined) marks[name] = checkedInteger(name, value, 0, Number.MAX_SAFE_INTEGER);
  }
  return { signal: checkedSignal(options.signal), marks };
}

const MARKS = ['highWaterMark', 'readableHighWaterMark', 'writableHighWaterMark'] as const;
