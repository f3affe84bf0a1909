// Converts a sealed stream to plaintext.

import { markAsUntransferable } from 'node:worker_threads';

import type {
  ByteRange,
  DecryptReport,
  OpenStream,
  PartBuffer,
  PlaintextSlots,
  ProviderSlot,
} from '../../native/binding';
import { native } from '../internal/binding';
import type { NodeBuffer } from '../internal/bytes';
import { decisionAbout } from '../internal/damage';
import type { OperationName } from '../internal/diagnostics';
import { callNative } from '../internal/errors';
import { openSettings, type OptionsOf } from '../internal/option-tables';
import { Identities } from '../keys/identities';
import type { SecretArgument } from '../keys/registry';
import { fileSource } from '../sources/sources';
import { Conversion, type MakeConversion } from './conversion';
import type { SealedFile } from './sealed-file';

/**
 * Copies the identities now, for a stream that begins later.
 *
 * @param file The source, if it is a file.
 */
export function opening(
  name: OperationName,
  options: OptionsOf<'decryptChunks'>,
  file?: SealedFile,
): MakeConversion<DecryptReport> {
  const plan = openPlan(options, file);
  return (outlet) => new Opening(name, outlet, plan);
}

function openPlan(options: OptionsOf<'decryptChunks'>, file: SealedFile | undefined) {
  const { concurrency, onDamage = 'abort', header, maxOutputSize } = options;
  const settings = openSettings(options);
  if (maxOutputSize !== undefined) settings.maxOutputSize = maxOutputSize;
  if (header)
    callNative(() => {
      native.checkHeader(header);
    });
  // The identities are copies, which are overwritten after use.
  return {
    settings,
    concurrency,
    onDamage,
    header,
    file,
    identities: Identities.of(options).copy(),
  };
}

class Opening extends Conversion<DecryptReport, ReturnType<typeof openPlan>> {
  #stream: OpenStream | undefined;
  /** The header, record or end that is arriving. */
  #part = new native.PartBuffer(native.streamHeaderSize(EMPTY));

  protected override async prepare(): Promise<void> {
    const { file, header } = this.plan;
    if (file) await this.#beginPart(await this.#unlockFile(file));
    else if (header) await this.#beginPart(await this.#unlock(Buffer.from(header)));
  }

  protected override take(chunk: Uint8Array, from: number): number | Promise<number> {
    const part = this.#part;
    const taken = part.take(chunk, from);
    if (!part.isFull) return taken;
    let isComplete;
    try {
      isComplete = part.expect(
        this.#stream ? this.#stream.partSize(part, this.plan.onDamage !== 'abort') : part.headerSize,
      );
    } catch (error) {
      // The records before this one are delivered first.
      return this.failInTurn(error);
    }
    return isComplete ? this.#complete(part).then(() => taken) : taken;
  }

  protected override async conclude(): Promise<void> {
    let part = this.#part;
    if (this.#stream === undefined) {
      // Unlocking an incomplete header fails with what is wrong with it.
      await this.#unlock(part.copy());
      part = new native.PartBuffer(0);
    }
    const stream = this.#stream;
    if (stream) this.deliverEnd(() => this.#end(stream, part));
  }

  protected override release(): void {
    this.plan.identities.dispose();
    this.#stream?.close();
    this.#part = new native.PartBuffer(0);
  }

  /** Uses a complete part, and begins the next one. */
  async #complete(part: PartBuffer): Promise<void> {
    if (this.#stream?.isAtEnd === true) {
      // More bytes follow the end: take none of them.
      await this.conclude();
      await this.ended();
      return;
    }
    if (this.#stream) this.#openRecord(this.#stream, part);
    await this.#beginPart(this.#stream ?? (await this.#unlock(part.copy())));
  }

  async #beginPart(stream: OpenStream): Promise<void> {
    this.#part = new native.PartBuffer(0);
    this.#part.expect(stream.partSize(this.#part, false));
    if (!stream.isAtEnd) await this.segmentAllowed();
  }

  #unlock(header: NodeBuffer): Promise<OpenStream> {
    const slots = () => native.headerProviderSlots(header);
    return this.#unlockBy(slots, (offered) =>
      native.openStream(header, offered, this.plan.settings, this.cancellation),
    );
  }

  /** Unlocks the stream in a file, whose end is verified first. */
  async #unlockFile(file: SealedFile): Promise<OpenStream> {
    const input = await file.open(this.cancellation);
    const { onDamage, header, settings } = this.plan;
    const slots = () => native.sourceProviderSlots(fileSource(file.path, header));
    const stream = await this.#unlockBy(slots, (offered) =>
      native.openFileStream(input, header, offered, settings, onDamage !== 'abort', this.cancellation),
    );
    if (header === undefined) file.skip(stream.headerSize);
    return stream;
  }

  async #unlockBy(
    slots: () => readonly ProviderSlot[] | Promise<readonly ProviderSlot[]>,
    open: (offered: SecretArgument[]) => Promise<OpenStream>,
  ): Promise<OpenStream> {
    const { identities, settings, concurrency } = this.plan;
    const stream = await identities.use(slots, settings.context, this.operation, open);
    identities.dispose();
    this.#stream = stream;
    this.allow(concurrency ?? stream.concurrency);
    return stream;
  }

  #openRecord(stream: OpenStream, part: PartBuffer): void {
    const { segment } = stream;
    const opened = stream.open(part, this.cancellation).then(({ record, done }) => {
      this.diagnostics.segment(done);
      return plaintextSlots(record, stream.plaintextSlots, done.plaintextSize);
    });
    this.deliver(opened, true, (error) => this.#replace(stream, segment, error));
  }

  async #end(
    stream: OpenStream,
    part: PartBuffer,
  ): Promise<{ bytes: Iterable<NodeBuffer>; report: DecryptReport }> {
    const { concurrency = stream.concurrency } = this.plan;
    try {
      const report = await stream.finish(part, concurrency, this.cancellation);
      return { bytes: [], report };
    } catch (error) {
      const replacement = await this.#replace(stream, stream.segment, error);
      return { bytes: replacement, report: stream.report(concurrency) };
    }
  }

  /**
   * Decides about a segment, or the end, that failed. Returns the bytes that replace it.
   *
   * @throws the failure, if the decision is to abort or the failure concerns more than this part; or what the caller's function throws.
   */
  async #replace(stream: OpenStream, segment: number, error: unknown): Promise<Iterable<NodeBuffer>> {
    const { onDamage } = this.plan;
    const damage = onDamage === 'abort' ? undefined : stream.damage(segment);
    if (!damage) throw error;
    const decision = await decisionAbout(damage, onDamage, this.diagnostics, false);
    return callNative(() => stream.decide(segment, decision)) ? zeros(damage.plaintextRange) : [];
  }
}

/** The plaintext in the memory of an opened record. */
function plaintextSlots(
  record: NodeBuffer,
  { start, stride, size: most }: PlaintextSlots,
  size: number,
): NodeBuffer[] {
  // All slots share one memory: transferring a slot would detach the others.
  markAsUntransferable(record.buffer);
  const slots: NodeBuffer[] = [];
  for (let at = start, left = size; left > 0; at += stride, left -= most) {
    slots.push(record.subarray(at, at + Math.min(most, left)));
  }
  return slots;
}

/** Zeros in the place of lost plaintext, made when they are taken. */
function* zeros({ length }: ByteRange): Generator<NodeBuffer, void, void> {
  for (let left = length; left > 0; left -= ZEROS_SIZE) yield Buffer.alloc(Math.min(ZEROS_SIZE, left));
}

const EMPTY = Buffer.alloc(0);
const ZEROS_SIZE = 64 * 1024;
