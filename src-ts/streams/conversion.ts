// A stream being sealed or opened, whatever kind of stream it is to its user: bytes in, bytes out, each side at its own
// pace, and no more segments in memory than it was given room for.

import type { RunSettings } from '../../native/binding';
import { fixedBytes } from '../bytes';
import type { OperationName } from '../diagnostics';
import { Running } from '../operation';

/** Where bytes come out. @internal */
export interface Outlet {
  /** Takes bytes; `false` if it wants no more until it calls {@link Conversion.pull}. */
  push(bytes: Buffer): boolean;
  /** No more bytes come: all went well. */
  end(): void;
  /** No more bytes come. */
  fail(error: unknown): void;
}

/** @internal */
export abstract class Conversion<Report extends object> {
  /** What was done, once all is. */
  report: Report | undefined;
  readonly #running: Running;
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

  constructor(name: OperationName, outlet: Outlet) {
    this.#running = new Running(name, undefined);
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
      for (let at = 0; at < bytes.length && !this.#isClosed;) {
        const taken = this.take(bytes, at);
        at += typeof taken === 'number' ? taken : await taken;
      }
    });
  }

  /** No more bytes come in. Settles when all that came is under way. */
  async finish(): Promise<void> {
    await this.#trying(() => this.conclude());
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
    this.#running.cancel();
    if (this.report === undefined) this.#running.watch.failed(reason);
    this.#running.dispose();
    this.release();
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
    return this.#running.watch;
  }

  /** How the addon is to run its part. */
  protected how(): RunSettings {
    return this.#running.settings(ONE, true);
  }

  /** Makes room for so many segments. */
  protected allow(segments: number): void {
    this.#room += segments;
    this.#roomWanted?.();
  }

  /** Waits until there is room for one more segment, and takes it. */
  protected async room(): Promise<void> {
    while (this.#room === 0) await new Promise<void>((resolve) => (this.#roomWanted = resolve));
    this.#room -= 1;
  }

  /** Has bytes come out, in the order of these calls; the room of a segment is free when they were taken. */
  protected deliver(work: () => Promise<Iterable<Buffer>>, isSegment: boolean): void {
    this.#inTurn(async () => {
      await this.#push(await work());
      if (isSegment) this.allow(1);
    });
  }

  /** The same with the last bytes, once all others have come out, and with the report. */
  protected deliverEnd(work: () => Promise<{ bytes: Iterable<Buffer>; report: Report }>): void {
    this.#inTurn(async () => {
      const { bytes, report } = await work();
      await this.#push(bytes);
      if (this.#hasEnded()) return;
      this.report = report;
      this.#running.watch.done(report);
      this.#outlet.end();
    });
  }

  #inTurn(step: () => Promise<void>): void {
    this.#delivered = this.#delivered.then(() => (this.#isClosed ? undefined : step()));
    this.#delivered.catch((error: unknown) => {
      this.#fail(error);
    });
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
      if (this.#outlet.push(piece) || this.#pulls !== pulls) continue;
      await new Promise<void>((resolve) => (this.#wanted = resolve));
    }
  }

  async #trying(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Tells the outlet, unless it knows; returns the error as the package's own. */
  #fail(error: unknown): unknown {
    const reason = this.#running.explain(error);
    if (!this.#isClosed) {
      this.close(reason);
      this.#outlet.fail(reason);
    }
    return reason;
  }
}

/** What is under way, which fails when its turn comes. @internal */
export function early<T>(work: Promise<T>): () => Promise<T> {
  work.catch(() => undefined);
  return () => work;
}

// Segments are worked on side by side, each on one thread.
const ONE = 1;
