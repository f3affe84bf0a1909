// Converts plaintext to a sealed stream.

import type { EncryptReport, SealStream } from '../../native/binding';
import { native } from '../internal/binding';
import { type Bytes, ownCopy } from '../internal/bytes';
import type { OperationName } from '../internal/diagnostics';
import { type OptionsOf, sealSettings } from '../internal/option-tables';
import { Recipients } from '../keys/recipients';
import { Conversion, type MakeConversion } from './conversion';

/** Copies the recipients now, for a stream that begins later. */
export function sealing(
  name: OperationName,
  options: OptionsOf<'encryptChunks'>,
): MakeConversion<EncryptReport> {
  const plan = sealPlan(options);
  return (outlet) => new Sealing(name, outlet, plan);
}

function sealPlan(options: OptionsOf<'encryptChunks'>) {
  const { concurrency } = options;
  // The recipients are copies, which are overwritten after use.
  return { settings: sealSettings(options), concurrency, recipients: Recipients.of(options).copy() };
}

class Sealing extends Conversion<EncryptReport, ReturnType<typeof sealPlan>> {
  #stream: SealStream | undefined;
  /** The memory of the segment that is being filled. */
  #record: Bytes | undefined;
  #hasSealed = false;

  protected override async prepare(): Promise<void> {
    const { recipients, settings, concurrency } = this.plan;
    const stream = await recipients.use(settings.context, this.operation, (chosen) =>
      native.sealStream(chosen, settings, this.cancellation),
    );
    recipients.dispose();
    this.#stream = stream;
    this.allow(concurrency ?? stream.concurrency);
    this.deliver(Promise.resolve([stream.header()]), false);
  }

  protected override take(chunk: Uint8Array, from: number): number | Promise<number> {
    const stream = this.#session();
    if (this.#record === undefined) return this.#beginSegment(chunk.length - from);
    // Sealed only when more bytes arrive: the last segment is marked as the last.
    if (stream.isFull) {
      this.#seal(stream, this.#record, false);
      return 0;
    }
    const taken = stream.fill(this.#record, chunk, from);
    if (taken > 0) return taken;
    this.#record = ownCopy(this.#record, Math.min(4 * this.#record.length, stream.fullRecordSize));
    return 0;
  }

  protected override async conclude(): Promise<void> {
    const stream = this.#session();
    if (this.#record === undefined) await this.#beginSegment(0);
    this.#seal(stream, this.#record ?? EMPTY, true);
    this.deliverEnd(async () => {
      const end = Buffer.allocUnsafeSlow(stream.endSize);
      const { concurrency = stream.concurrency } = this.plan;
      const report = await stream.finish(end, concurrency, this.cancellation);
      return { bytes: [end], report };
    });
  }

  protected override release(): void {
    this.plan.recipients.dispose();
    this.#stream?.close();
    this.#record = undefined;
  }

  /** Begins a segment, of which `available` bytes have arrived. */
  async #beginSegment(available: number): Promise<number> {
    await this.segmentAllowed();
    const { fullRecordSize } = this.#session();
    // The stream may be short until it has filled a segment.
    const size = this.#hasSealed ? fullRecordSize : Math.min(fullRecordSize, available + SHORT_OVERHEAD);
    this.#record = Buffer.allocUnsafeSlow(size);
    return 0;
  }

  #seal(stream: SealStream, memory: Bytes, isFinal: boolean): void {
    const { recordSize } = stream;
    const record = memory.length === recordSize ? memory : ownCopy(memory, recordSize);
    this.#record = undefined;
    this.#hasSealed = true;
    const sealed = stream.seal(record, isFinal, this.cancellation).then((done) => {
      this.diagnostics.segment(done);
      return [record];
    });
    this.deliver(sealed, true);
  }

  #session(): SealStream {
    if (this.#stream === undefined) throw new Error('the stream has not begun (a bug in sealstream)');
    return this.#stream;
  }
}

const EMPTY = Buffer.alloc(0);
/** More than a segment adds to a short plaintext. */
const SHORT_OVERHEAD = 8 * 1024;
