// A stream being sealed or opened, whatever kind of stream it is to its user: bytes in, bytes out, each side at its own
// pace, and no more segments in memory than it was given room for.

import type { Cancellation } from '../../native/binding';
import { fixedBytes } from '../internal/bytes';
import type { OperationName } from '../internal/diagnostics';
import { Running } from '../internal/operation';
import { turnIfLong } from '../internal/yield-to-loop';

/** Where bytes come out. @internal */
export interface Outlet {
  /** Takes bytes; `false` if it wants no more until it calls {@link Conversion.pull}. */
  push(bytes: Buffer): boolean;
  /** Settles when the reader has had what was taken. */
  drained(): Promise<void>;
  /** No more bytes come: all went well. */
  end(): void;
  /** No more bytes come. */
  fail(error: unknown): void;
}

/** @internal */
export abstract class Conversion<Report extends object> {
  /** What was done, once all is. */
  report: Report | undefined;
  /** Whatever it is worked on by. */
  protected readonly running: Running;
  readonly #outlet: Outlet;
  /** Segments that there is room for in memory. */
  #room = 0;
  #roomWanted: (() => void) | undefined;
  /** When all that is under way has come out. */
  #delivered = Promise.resolve();
  /** How often the outlet asked for more. */
  #pulls = 0;
  #wanted: (() => void) | undefined;
  #isClosed = false;
  /** Why it was closed, if that was no success and no whim. */
  #reason: unknown;

  constructor(name: OperationName, outlet: Outlet) {
    this.running = new Running(name, undefined);
    this.#outlet = outlet;
  }

  /** Gets ready for bytes. Called once, and before anything else. */
  async begin(): Promise<void> {
    await this.#trying(() => this.prepare());
  }

  /** Takes bytes; when that settles they are of no more use here. Calls follow each other. */
  async write(chunk: unknown): Promise<void> {
    await this.#trying(async () => {
      const bytes = fixedBytes('chunk', chunk);
      const size = bytes.length;
      for (let at = 0; at < size && !this.#isClosed;) {
        // Its memory may be taken away while it waits here, which must not look like less.
        if (bytes.length !== size) fixedBytes('chunk', bytes);
        const taken = this.take(bytes, at);
        at += typeof taken === 'number' ? taken : await taken;
        const turn = turnIfLong();
        if (turn) await turn;
      }
    });
  }

  /** No more bytes come in. Settles when all that came is under way. */
  async finish(): Promise<void> {
    await this.#trying(() => this.conclude());
  }

  /** The same, and settles when it has ended: it fails if that does. */
  async finishAndEnd(): Promise<void> {
    await this.finish();
    await this.#trying(() => this.ended());
  }

  /** The outlet wants more. */
  pull(): void {
    this.#pulls += 1;
    this.#wanted?.();
  }

  /** Ends it before its time, or confirms its end. Nothing comes out any more, and what it holds is let go of. */
  close(reason: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reason = reason ?? undefined;
    this.running.cancel();
    if (this.report === undefined) this.running.watch.failed(reason ?? abandoned());
    this.running.dispose();
    this.release();
    // Nothing comes that could be waited for.
    this.#roomWanted?.();
    this.#wanted?.();
  }

  /** Starts what the first byte needs. */
  protected abstract prepare(): Promise<void>;
  /** Takes bytes of a chunk from some position on, and returns how many: 0 if it must be asked again. */
  protected abstract take(chunk: Uint8Array, from: number): number | Promise<number>;
  /** Has what is left worked on. */
  protected abstract conclude(): Promise<void>;
  /** Lets go of native state. */
  protected abstract release(): void;

  protected get watch(): Running['watch'] {
    return this.running.watch;
  }

  /** What stops the addon's part. */
  protected get cancellation(): Cancellation {
    return this.running.end.cancellation;
  }

  /** Makes room for so many segments. */
  protected allow(segments: number): void {
    this.#room += segments;
    this.#roomWanted?.();
  }

  /** Waits until there is room for one more segment, and takes it. */
  protected async room(): Promise<void> {
    while (this.#room === 0 && !this.#isClosed) await this.#roomOrClose();
    if (this.#hasEnded()) throw closed();
    this.#room -= 1;
  }

  /** Has bytes come out, in the order of these calls; the room of a segment is free when they were taken. */
  protected deliver(work: () => Promise<Iterable<Buffer>>, isSegment: boolean): void {
    this.#inTurn(async () => {
      await this.#push(await work());
      if (isSegment) this.allow(1);
    });
  }

  /** Fails behind all that is under way; nothing more is taken until then. */
  protected async failInTurn(error: unknown): Promise<never> {
    this.#inTurn(() => {
      throw error;
    });
    await this.ended();
    throw closed();
  }

  /** Settles when it has ended, well or not, where that is under way. */
  protected async ended(): Promise<void> {
    while (!this.#hasEnded()) await this.#roomOrClose();
  }

  /** The same with the last bytes, once all others have come out, and with the report. */
  protected deliverEnd(work: () => Promise<{ bytes: Iterable<Buffer>; report: Report }>): void {
    this.#inTurn(async () => {
      const { bytes, report } = await work();
      await this.#push(bytes);
      if (this.#hasEnded()) return;
      this.report = report;
      this.running.watch.done(report);
      this.#outlet.end();
      this.close(undefined);
    });
  }

  #inTurn(step: () => Promise<void> | never): void {
    this.#delivered = this.#delivered.then(async () => {
      try {
        if (!this.#isClosed) await step();
      } catch (error) {
        // What was sound before is for the reader to have: failing takes away what it has not.
        await this.#outlet.drained();
        this.#fail(error);
      }
    });
  }

  #roomOrClose(): Promise<void> {
    return new Promise((resolve) => (this.#roomWanted = resolve));
  }

  /** A call, since the compiler takes a property for unchanged across other calls. */
  #hasEnded(): boolean {
    return this.#isClosed;
  }

  async #push(pieces: Iterable<Buffer>): Promise<void> {
    for (const piece of pieces) {
      if (this.#hasEnded()) return;
      // The outlet may ask for more while it takes a piece.
      const pulls = this.#pulls;
      if (this.#outlet.push(piece) || this.#pulls !== pulls || this.#hasEnded()) continue;
      await new Promise<void>((resolve) => (this.#wanted = resolve));
    }
  }

  /** Takes a step for whoever writes, who hears of it if anything has failed meanwhile. */
  async #trying(step: () => Promise<void>): Promise<void> {
    try {
      if (!this.#isClosed) await step();
    } catch (error) {
      this.#fail(error);
    }
    if (!this.#hasEnded()) return;
    // There may be more to let go of than when it was closed.
    this.release();
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- whatever the caller ended it with
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** Tells the outlet of the error as the package's own, unless all is over. */
  #fail(error: unknown): void {
    if (this.#isClosed) return;
    // Whatever the caller's own functions throw, it has to be seen.
    const reason = this.running.explain(error) ?? new Error('the stream failed without a reason');
    this.close(reason);
    this.#outlet.fail(reason);
  }
}

/** What is under way, which fails when its turn comes. @internal */
export function early<T>(work: Promise<T>): () => Promise<T> {
  work.catch(() => undefined);
  return () => work;
}

/** What an end before its time is called where nobody gave a reason. */
function abandoned(): Error {
  const error = new Error('The stream was abandoned');
  error.name = 'AbortError';
  return error;
}

/** Nobody hears of it: what ended the stream comes in its place. */
function closed(): Error {
  return new Error('the stream was closed');
}
