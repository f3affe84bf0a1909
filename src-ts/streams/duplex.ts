// A conversion as a Node stream.

import { addAbortSignal, Duplex, type DuplexOptions } from 'node:stream';

import { nullPrototype } from '../internal/null-prototype';
import { emitSafely } from '../internal/event-loop';
import { typeError } from '../internal/errors';
import type { Conversion, MakeConversion } from './conversion';

type Callback = (error?: Error | null) => void;

/** Options of {@link ConversionStream}. */
export type ConversionStreamOptions = Pick<
  DuplexOptions,
  'signal' | 'highWaterMark' | 'readableHighWaterMark' | 'writableHighWaterMark'
>;

export class ConversionStream<Report extends object> extends Duplex {
  readonly #conversion: Conversion<Report>;
  /** Whether the last read returned nothing, and nothing was pushed since. */
  #isEmpty = false;
  #whenDrained: (() => void) | undefined;
  /** Set until the conversion has begun. */
  #beginning: Promise<void> | undefined;

  constructor(
    make: MakeConversion<Report>,
    { signal, ...queues }: ConversionStreamOptions = nullPrototype({}),
  ) {
    super(nullPrototype({ ...queues, decodeStrings: false }));
    this.#conversion = make({
      push: (bytes) => {
        this.#isEmpty = false;
        return emitSafely(() => this.push(bytes), true);
      },
      drained: () =>
        new Promise((resolve) => {
          this.#whenDrained = resolve;
          this.#checkDrained();
        }),
      end: () => {
        emitSafely(() => this.push(null), false);
      },
      fail: (error) => this.destroy(error as Error),
    });
    if (signal) addAbortSignal(signal, this);
  }

  get report(): Promise<Report> {
    return this.#conversion.report;
  }

  override _construct(callback: Callback): void {
    // Node delays `destroy` until `callback` is called, and a passphrase or a provider takes long. So writing waits instead.
    this.#beginning = this.#conversion.begin().finally(() => (this.#beginning = undefined));
    this.#beginning.catch(() => undefined);
    callback();
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, callback: Callback): void {
    if (typeof chunk === 'string') callback(typeError('chunk', 'a Buffer or a Uint8Array', chunk));
    else this.#afterBegin(() => this.#conversion.write(chunk), callback);
  }

  override _final(callback: Callback): void {
    this.#afterBegin(() => this.#conversion.finish(), callback);
  }

  #afterBegin(step: () => Promise<void>, callback: Callback): void {
    (this.#beginning ? this.#beginning.then(step) : step()).then(
      () => {
        callback();
      },
      (error: unknown) => {
        callback(error as Error);
      },
    );
  }

  override _read(): void {
    this.#conversion.pull();
  }

  /** All readers call this. It is the only way to know that a reader has taken everything. */
  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    // Node itself sometimes reads 0 bytes.
    if (size !== 0) this.#isEmpty = chunk === null;
    this.#checkDrained();
    return chunk;
  }

  #checkDrained(): void {
    if (this.#isEmpty || this.readableLength === 0) this.#whenDrained?.();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#conversion.close(error);
    callback(error);
  }
}
