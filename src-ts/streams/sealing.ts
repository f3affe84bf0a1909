// Converts plaintext to a sealed stream.

import type { EncryptReport, SealStream } from '../../native/binding';
import { native } from '../internal/binding';
import { sizeOf } from '../internal/bytes';
import type { OperationName } from '../internal/diagnostics';
import { type OptionsOf, sealSettings } from '../internal/option-tables';
import { Recipients } from '../keys/recipients';
import { Conversion, type MakeConversion } from './conversion';

/**
 * Copies the recipients now, for a stream that begins later.
 *
 * @param rewrappable Whether the header has room for changes, as in a file.
 */
export function sealing(
  name: OperationName,
  options: OptionsOf<'encryptChunks'>,
  rewrappable = false,
): MakeConversion<EncryptReport> {
  const plan = sealPlan(options, rewrappable);
  return (outlet) => new Sealing(name, outlet, plan);
}

function sealPlan(options: OptionsOf<'encryptChunks'>, rewrappable: boolean) {
  const { concurrency, detachHeader = false } = options;
  const settings = sealSettings(options, rewrappable);
  if (detachHeader) settings.detached = true;
  // The recipients are copies, which are overwritten after use.
  return { settings, concurrency, detachHeader, recipients: Recipients.of(options).copy() };
}

class Sealing extends Conversion<EncryptReport, ReturnType<typeof sealPlan>> {
  #stream: SealStream | undefined;

  protected override async prepare(): Promise<void> {
    const { recipients, settings, concurrency, detachHeader } = this.plan;
    const stream = await recipients.use(settings.context, this.operation, (chosen) =>
      native.sealStream(chosen, settings, this.cancellation),
    );
    recipients.dispose();
    this.#stream = stream;
    this.allow(concurrency ?? stream.concurrency);
    if (!detachHeader) this.deliver(Promise.resolve([stream.header()]), false);
  }

  protected override take(chunk: Uint8Array, from: number): number | Promise<number> {
    const stream = this.#session();
    if (!stream.hasSegment) return this.#beginSegment(sizeOf(chunk) - from);
    // Sealed only when more bytes arrive: the last segment is marked as the last.
    if (!stream.isFull) return stream.fill(chunk, from);
    this.#seal(stream, false);
    return 0;
  }

  protected override async conclude(): Promise<void> {
    const stream = this.#session();
    if (!stream.hasSegment) await this.#beginSegment(0);
    this.#seal(stream, true);
    this.deliverEnd(async () => {
      const { concurrency = stream.concurrency } = this.plan;
      const { bytes, report } = await stream.finish(concurrency, this.cancellation);
      return { bytes: [bytes], report };
    });
  }

  protected override release(): void {
    this.plan.recipients.dispose();
    this.#stream?.close();
  }

  /** Begins a segment, of which `available` bytes have arrived. */
  async #beginSegment(available: number): Promise<number> {
    await this.segmentAllowed();
    this.#session().begin(available);
    return 0;
  }

  #seal(stream: SealStream, isFinal: boolean): void {
    const sealed = stream.seal(isFinal, this.cancellation).then(({ record, done }) => {
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
