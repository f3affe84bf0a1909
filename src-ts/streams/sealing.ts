// Plaintext to a sealed stream.

import type { SealStream } from '../../native/binding';
import { native } from '../internal/binding';
import type { OperationName } from '../internal/diagnostics';
import { sealReport } from '../api/reports';
import type { SealReport } from '../internal/types';
import { Conversion, early, type Outlet } from './conversion';
import type { SealPlan } from './plans';

/** @internal */
export class Sealing extends Conversion<SealReport> {
  #stream: SealStream | undefined;
  #concurrency = 0;
  /** Memory of the segment that is being filled. */
  #record: Buffer | undefined;
  #isLong = false;

  constructor(
    name: OperationName,
    outlet: Outlet,
    readonly plan: SealPlan,
  ) {
    super(name, outlet);
  }

  protected override async prepare(): Promise<void> {
    const { recipients, settings, concurrency } = this.plan;
    const stream = await recipients.use(settings.context, this.running, (chosen) =>
      native.sealStream(chosen, settings, this.cancellation),
    );
    recipients.dispose();
    this.#stream = stream;
    this.#concurrency = concurrency ?? stream.concurrency;
    this.allow(this.#concurrency);
    this.deliver(() => Promise.resolve([stream.header()]), false);
  }

  protected override take(chunk: Uint8Array, from: number): number | Promise<number> {
    const stream = this.#open();
    if (this.#record === undefined) return this.#begin(chunk.length - from);
    // Only now, since there is more: the last segment says that it is.
    if (stream.isFull) {
      this.#seal(stream, this.#record, false);
      return 0;
    }
    const taken = stream.fill(this.#record, chunk, from);
    if (taken === 0)
      this.#record = grown(this.#record, Math.min(4 * this.#record.length, stream.fullRecordSize));
    return taken;
  }

  protected override async conclude(): Promise<void> {
    const stream = this.#open();
    if (this.#record === undefined) await this.#begin(0);
    this.#seal(stream, this.#record ?? EMPTY, true);
    this.deliverEnd(async () => {
      const end = Buffer.allocUnsafeSlow(stream.endSize);
      const report = await stream.finish(end, this.#concurrency, this.cancellation);
      return { bytes: [end], report: sealReport(report) };
    });
  }

  protected override release(): void {
    this.plan.recipients.dispose();
    this.#stream?.close();
    this.#record = undefined;
  }

  /** Begins a segment, of which the caller has this much. */
  async #begin(available: number): Promise<number> {
    await this.room();
    const { fullRecordSize } = this.#open();
    // A stream may be short, until it has filled a segment.
    const size = this.#isLong ? fullRecordSize : Math.min(fullRecordSize, available + SHORT);
    this.#record = Buffer.allocUnsafeSlow(size);
    return 0;
  }

  #seal(stream: SealStream, memory: Buffer, isFinal: boolean): void {
    const { recordSize } = stream;
    const record = memory.length === recordSize ? memory : grown(memory.subarray(0, recordSize), recordSize);
    this.#record = undefined;
    this.#isLong = true;
    const sealed = stream.seal(record, isFinal, this.cancellation).then((done) => {
      this.watch.segment(done);
      return [record];
    });
    this.deliver(early(sealed), true);
  }

  #open(): SealStream {
    if (this.#stream === undefined) throw new Error('the stream was not begun (a bug in sealstream)');
    return this.#stream;
  }
}

/** The bytes in memory of another size, behind which nothing else of the process's is to be seen. */
function grown(bytes: Buffer, size: number): Buffer {
  const memory = Buffer.allocUnsafeSlow(size);
  bytes.copy(memory);
  return memory;
}

const EMPTY = Buffer.alloc(0);
/** More than a segment adds to a short plaintext. */
const SHORT = 8 * 1024;
