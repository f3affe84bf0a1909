// A conversion as a Node stream.

import { addAbortSignal, Duplex, type DuplexOptions, Readable } from 'node:stream';

import { nullPrototype } from '../internal/null-prototype';
import { type NodeBuffer, truthful } from '../internal/bytes';
import { emitSafely } from '../internal/event-loop';
import { typeError } from '../internal/errors';
import { type ByteSource, feed } from './byte-source';
import type { Conversion, MakeConversion, Outlet } from './conversion';

type Callback = (error?: Error | null) => void;

/** Options of {@link ConversionStream}. */
export type ConversionStreamOptions = Pick<
  DuplexOptions,
  'signal' | 'highWaterMark' | 'readableHighWaterMark' | 'writableHighWaterMark'
>;

/** The readable side of a stream as the outlet of a conversion. */
class ReadableOutlet implements Outlet {
  /** Whether the last read returned nothing, and nothing was pushed since. */
  #isEmpty = false;
  #whenDrained: (() => void) | undefined;

  constructor(readonly stream: Readable) {}

  push(bytes: NodeBuffer): boolean {
    this.#isEmpty = false;
    return emitSafely(() => this.stream.push(bytes), true);
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenDrained = resolve;
      this.#checkDrained();
    });
  }

  end(): void {
    emitSafely(() => this.stream.push(null), false);
  }

  fail(error: unknown): void {
    this.stream.destroy(error as Error);
  }

  /** Called after each read. All readers call `read`, and it is the only way to know that a reader has taken everything. */
  wasRead(size: number | undefined, chunk: unknown): void {
    // Node itself sometimes reads 0 bytes.
    if (size !== 0) this.#isEmpty = chunk === null;
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (this.#isEmpty || this.stream.readableLength === 0) this.#whenDrained?.();
  }
}

/** A conversion that reads its source itself, as a readable stream. */
export class ConversionReadable<Report extends object> extends Readable {
  readonly report: Promise<Report>;
  readonly #outlet = new ReadableOutlet(this);
  readonly #conversion: Conversion<Report>;

  constructor(
    make: MakeConversion<Report>,
    source: ByteSource,
    { signal, highWaterMark }: Pick<ConversionStreamOptions, 'signal' | 'highWaterMark'>,
  ) {
    super(nullPrototype(highWaterMark === undefined ? {} : { highWaterMark }));
    this.#conversion = make(this.#outlet);
    this.report = this.#conversion.report;
    // The stream itself shows the failure.
    feed(this.#conversion, source).catch((error: unknown) => this.destroy(error as Error));
    if (signal) addAbortSignal(signal, this);
  }

  override _read(): void {
    this.#conversion.pull();
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    this.#outlet.wasRead(size, chunk);
    return chunk;
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#conversion.close(error);
    callback(error);
  }
}

export class ConversionStream<Report extends object> extends Duplex {
  readonly #conversion: Conversion<Report>;
  readonly #outlet = new ReadableOutlet(this);
  /** Set until the conversion has begun. */
  #beginning: Promise<void> | undefined;

  constructor(
    make: MakeConversion<Report>,
    { signal, ...queues }: ConversionStreamOptions = nullPrototype({}),
  ) {
    super(nullPrototype({ ...queues, decodeStrings: false }));
    this.#conversion = make(this.#outlet);
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

  /** Node reads the length of a chunk before it passes it on. */
  override write(chunk: unknown, ...more: unknown[]): boolean {
    return (super.write as (this: this, ...given: unknown[]) => boolean).call(this, truthful(chunk), ...more);
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

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    this.#outlet.wasRead(size, chunk);
    return chunk;
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#conversion.close(error);
    callback(error);
  }
}
