// Converts a stream of bytes, by encrypting or decrypting it, for any kind of stream. Writer and reader each have their own pace, and the
// number of segments in memory is limited.

import type { Cancellation } from '../../native/binding';
import { type NodeBuffer, checkedBytes, sizeOf } from '../internal/bytes';
import type { Diagnostics, OperationName } from '../internal/diagnostics';
import { yieldIfLong } from '../internal/event-loop';
import { typeError } from '../internal/errors';
import { Operation } from '../internal/operation';

/** Where converted bytes go. */
export interface Outlet {
  /** Called before the conversion begins. */
  open?(): Promise<void>;
  /** Takes bytes. Returns `false` if it wants no more until it calls {@link Conversion.pull}, or a promise to wait for. */
  push(bytes: NodeBuffer): boolean | Promise<void>;
  /** Settles when the reader has taken all pushed bytes. */
  drained(): Promise<void>;
  /** Called after the last bytes, before the conversion has succeeded. */
  complete?(): Promise<void>;
  /** Called on success. */
  end(): void;
  /** Called on failure. */
  fail(error: unknown): void;
}

/** Makes the conversion for an outlet. */
export type MakeConversion<Report extends object> = (outlet: Outlet) => Conversion<Report>;

/** @typeParam Plan What its kind of conversion needs to know, checked and copied from the caller's options. */
export abstract class Conversion<Report extends object, Plan = unknown> {
  /** Resolves to the report after success, and rejects with why the conversion ended otherwise. Callers may ignore it. */
  readonly report: Promise<Report>;
  protected readonly operation: Operation;
  protected readonly diagnostics: Diagnostics;
  readonly #outlet: Outlet;
  #resolveReport!: (report: Report) => void;
  #rejectReport!: (reason: unknown) => void;
  #hasSucceeded = false;
  /** Segments that may still be taken into memory. */
  #freeSegments = 0;
  #whenFree: (() => void) | undefined;
  /** Settles when all deliveries so far are done. */
  #delivered = Promise.resolve();
  /** How often the outlet asked for more. */
  #pulls = 0;
  #whenPulled: (() => void) | undefined;
  #isClosed = false;
  /** Why it was closed; `undefined` after success and if no reason was given. */
  #reason: unknown;

  constructor(
    name: OperationName,
    outlet: Outlet,
    protected readonly plan: Plan,
  ) {
    this.operation = new Operation(name, undefined);
    this.diagnostics = this.operation.diagnostics;
    this.#outlet = outlet;
    this.report = new Promise((resolve, reject) => {
      this.#resolveReport = resolve;
      this.#rejectReport = reject;
    });
    // Most callers see the failure in the stream itself.
    this.report.catch(() => undefined);
  }

  /** Prepares for the first byte. Called once, before all other methods. */
  async begin(): Promise<void> {
    await this.#attempt(async () => {
      await this.#outlet.open?.();
      if (!this.#isClosed) await this.prepare();
    });
  }

  /** Takes bytes, which the caller may reuse when the promise settles. Call it again only then. */
  async write(chunk: unknown): Promise<void> {
    await this.#attempt(async () => {
      const bytes = checkedBytes('chunk', chunk);
      const size = sizeOf(bytes);
      for (let at = 0; at < size && !this.#isClosed;) {
        // The memory may be detached while this waits, which must not look like a shorter chunk.
        if (sizeOf(bytes) !== size) throw typeError('chunk', 'as large as it was', bytes, RESIZED);
        const taken = this.take(bytes, at);
        at += typeof taken === 'number' ? taken : await taken;
        const turn = yieldIfLong();
        if (turn) await turn;
      }
    });
  }

  /** Ends the input. Settles when all bytes are being processed. */
  async finish(): Promise<void> {
    await this.#attempt(() => this.conclude());
  }

  /** Ends the input. Settles when the conversion has ended, and rejects if it failed. */
  async finishAndEnd(): Promise<void> {
    await this.finish();
    await this.#attempt(() => this.ended());
  }

  /** Called when the outlet wants more. */
  pull(): void {
    this.#pulls += 1;
    this.#whenPulled?.();
  }

  /** Ends the conversion early, or confirms its end. Frees what it holds; nothing more is pushed. */
  close(reason: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reason = reason ?? undefined;
    this.operation.cancel();
    if (!this.#hasSucceeded) {
      const failure = reason ?? abandonedError();
      this.#rejectReport(failure);
      this.diagnostics.failed(failure);
    }
    this.operation.dispose();
    this.release();
    // Wakes what waits for something that no longer comes.
    this.#whenFree?.();
    this.#whenPulled?.();
  }

  /** Prepares for the first byte. */
  protected abstract prepare(): Promise<void>;
  /** Takes bytes of a chunk from position `from` on, and returns how many: 0 to be called again. */
  protected abstract take(chunk: Uint8Array, from: number): number | Promise<number>;
  /** Processes the rest of the input. */
  protected abstract conclude(): Promise<void>;
  /** Frees native state. */
  protected abstract release(): void;

  protected get cancellation(): Cancellation {
    return this.operation.canceller.cancellation;
  }

  /** Allows `segments` more segments in memory. */
  protected allow(segments: number): void {
    this.#freeSegments += segments;
    this.#whenFree?.();
  }

  /** Waits until one more segment may be in memory. */
  protected async segmentAllowed(): Promise<void> {
    while (this.#freeSegments === 0 && !this.#isClosed) await this.#freeOrClosed();
    if (this.#hasEnded()) throw closedError();
    this.#freeSegments -= 1;
  }

  /**
   * Pushes the result of `work`, in the order of these calls. If `work` fails, `replace` gives other bytes or throws. A segment's
   * memory is free after its bytes were taken.
   */
  protected deliver(
    work: Promise<Iterable<NodeBuffer>>,
    isSegment: boolean,
    replace?: (error: unknown) => Promise<Iterable<NodeBuffer>>,
  ): void {
    // Its failure is handled in its turn.
    work.catch(() => undefined);
    this.#inTurn(async () => {
      await this.#push(await work.catch(replace));
      if (isSegment) this.allow(1);
    });
  }

  /** Pushes the last bytes after all others, and ends with the report. */
  protected deliverEnd(work: () => Promise<{ bytes: Iterable<NodeBuffer>; report: Report }>): void {
    this.#inTurn(async () => {
      const { bytes, report } = await work();
      await this.#push(bytes);
      if (this.#hasEnded()) return;
      await this.#outlet.complete?.();
      if (this.#hasEnded()) return;
      this.#hasSucceeded = true;
      this.#resolveReport(report);
      this.diagnostics.succeeded(report);
      this.#outlet.end();
      this.close(undefined);
    });
  }

  /** Fails after all deliveries so far, and takes no more input. */
  protected async failInTurn(error: unknown): Promise<never> {
    this.#inTurn(() => {
      throw error;
    });
    await this.ended();
    throw closedError();
  }

  /** Settles when the conversion has ended, after success or failure. */
  protected async ended(): Promise<void> {
    while (!this.#hasEnded()) await this.#freeOrClosed();
  }

  #inTurn(step: () => Promise<void> | never): void {
    this.#delivered = this.#delivered.then(async () => {
      try {
        if (!this.#isClosed) await step();
      } catch (error) {
        // The reader must get the verified bytes first: failing a stream discards its queue.
        await this.#outlet.drained();
        this.#fail(error);
      }
    });
  }

  #freeOrClosed(): Promise<void> {
    return new Promise((resolve) => (this.#whenFree = resolve));
  }

  /** `#isClosed`, read again: the compiler takes a property that was checked before a call as unchanged after it. */
  #hasEnded(): boolean {
    return this.#isClosed;
  }

  async #push(pieces: Iterable<NodeBuffer>): Promise<void> {
    for (const piece of pieces) {
      if (this.#hasEnded()) return;
      // The outlet may ask for more while it takes a piece.
      const pulls = this.#pulls;
      const pushed = this.#outlet.push(piece);
      if (typeof pushed === 'object') {
        await pushed;
        continue;
      }
      if (pushed || this.#pulls !== pulls || this.#hasEnded()) continue;
      await new Promise<void>((resolve) => (this.#whenPulled = resolve));
    }
  }

  /** Takes a step for the writer. Rejects if the conversion has failed by then. */
  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      if (!this.#isClosed) await this.diagnostics.within(step);
    } catch (error) {
      this.#fail(error);
    }
    if (!this.#hasEnded()) return;
    // The step may have made state after it was closed.
    this.release();
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the caller chose the reason
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** Fails the outlet with the package's own error, unless the conversion has ended. */
  #fail(error: unknown): void {
    if (this.#isClosed) return;
    // A function of the caller may throw undefined.
    const reason = this.operation.failed(error) ?? new Error('the stream failed without a reason');
    this.close(reason);
    this.#outlet.fail(reason);
  }
}

/** The reason if the stream is ended early without one. */
function abandonedError(): Error {
  const error = new Error('The stream was abandoned');
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}

/** Never seen by a caller: the reason of the end replaces it. */
function closedError(): Error {
  return new Error('the stream was closed');
}

const RESIZED = 'one whose ArrayBuffer was detached or resized meanwhile';
