// Converts a sealed stream to plaintext.

import { markAsUntransferable } from 'node:worker_threads';

import type { OpenSettings, OpenStream, Pieces, Place } from '../../native/binding';
import type { DamageOptions, DamagePolicy, OpenReport, StreamOptions } from '../api/types';
import { native } from '../internal/binding';
import { GrowingBuffer } from '../internal/bytes';
import type { OperationName } from '../internal/diagnostics';
import { publicReport } from '../internal/operation';
import { checked, DAMAGE, openSettings, STREAM } from '../internal/options';
import { Identities } from '../keys/identities';
import type { OpenOptions } from '../keys/types';
import { Conversion, type MakeConversion, type Outlet } from './conversion';
import { StreamDamage } from './stream-damage';

/** Checks and copies the options now, for a stream that begins later. */
export function opening(
  name: OperationName,
  options: OpenOptions & StreamOptions & DamageOptions,
): MakeConversion<OpenReport> {
  const settings = openSettings(options);
  const { onDamage = 'abort' } = checked(options, DAMAGE);
  const { concurrency } = checked(options, STREAM);
  const identities = Identities.of(options).copy();
  return (outlet) => new Opening(name, outlet, identities, settings, onDamage, concurrency);
}

class Opening extends Conversion<OpenReport> {
  #stream: OpenStream | undefined;
  /** The header, record or end that is arriving. */
  #part = new GrowingBuffer(native.streamHeaderSize(EMPTY));
  readonly #damage: StreamDamage;

  constructor(
    name: OperationName,
    outlet: Outlet,
    /** Copies, which are overwritten after use. */
    readonly identities: Identities,
    readonly settings: OpenSettings,
    onDamage: DamagePolicy,
    /** Segments in memory; by default the engine's choice. */
    readonly concurrency: number | undefined,
  ) {
    super(name, outlet);
    this.#damage = new StreamDamage(onDamage, this.diagnostics);
  }

  protected override prepare(): Promise<void> {
    return Promise.resolve();
  }

  protected override take(chunk: Uint8Array, from: number): number | Promise<number> {
    const part = this.#part;
    const taken = part.take(chunk, from);
    if (!part.isFull()) return taken;
    try {
      part.size = this.#stream
        ? this.#stream.partSize(part.bytes, this.#damage.isTolerated)
        : native.streamHeaderSize(part.bytes);
    } catch (error) {
      // The records before this one are delivered first.
      return this.failInTurn(error);
    }
    return part.isFull() ? this.#complete(part.bytes).then(() => taken) : taken;
  }

  protected override async conclude(): Promise<void> {
    const { bytes } = this.#part;
    // Unlocking an incomplete header fails with what is wrong with it.
    const stream = this.#stream ?? (await this.#unlock(bytes));
    this.deliverEnd(() => this.#end(stream, bytes));
  }

  protected override release(): void {
    this.identities.dispose();
    this.#stream?.close();
    this.#part = new GrowingBuffer(0);
  }

  /** Uses a complete part, and begins the next one. */
  async #complete(bytes: Buffer): Promise<void> {
    if (this.#stream?.isAtEnd === true) {
      // More bytes follow the end: take none of them.
      await this.conclude();
      await this.ended();
      return;
    }
    if (this.#stream) this.#openRecord(this.#stream, bytes);
    const stream = this.#stream ?? (await this.#unlock(bytes));
    this.#part = new GrowingBuffer(stream.partSize(EMPTY, false));
    if (!stream.isAtEnd) await this.segmentAllowed();
  }

  async #unlock(header: Buffer): Promise<OpenStream> {
    const { identities, settings } = this;
    const slots = () => native.headerServiceSlots(header);
    const stream = await identities.use(slots, settings.context, this.operation, (offered) =>
      native.openStream(header, offered, settings, this.cancellation),
    );
    identities.dispose();
    this.#stream = stream;
    this.allow(this.concurrency ?? stream.concurrency);
    return stream;
  }

  #openRecord(stream: OpenStream, record: Buffer): void {
    const place = this.#damage.isTolerated ? stream.place(record) : undefined;
    const opened = stream.open(record, this.cancellation).then((done) => {
      this.diagnostics.segment(done);
      return plaintextPieces(record, stream.pieces, done.plaintextSize);
    });
    const replace = async (place: Place, error: unknown) => {
      const isZeroed = await this.#damage.settle(place, error);
      stream.lose(place, isZeroed);
      return isZeroed ? zerosFor(place) : [];
    };
    this.deliver(opened, true, place && ((error) => replace(place, error)));
  }

  async #end(stream: OpenStream, bytes: Buffer): Promise<{ bytes: Iterable<Buffer>; report: OpenReport }> {
    const concurrency = this.concurrency ?? stream.concurrency;
    const { isTolerated } = this.#damage;
    try {
      const report = publicReport(await stream.finish(bytes, concurrency, this.cancellation));
      return { bytes: [], report: isTolerated ? { ...report, ...this.#damage.report } : report };
    } catch (error) {
      if (!isTolerated) throw error;
      const missing = stream.missing();
      const isZeroed = await this.#damage.settle(missing, error);
      if (!stream.isAtEnd) stream.lose(missing, isZeroed);
      const report = publicReport(stream.report(concurrency));
      return { bytes: isZeroed ? zerosFor(missing) : [], report: { ...report, ...this.#damage.report } };
    }
  }
}

/** The plaintext in the memory of an opened record. */
function plaintextPieces(record: Buffer, { start, stride, size: most }: Pieces, size: number): Buffer[] {
  // Transferring the memory of one piece would detach the others.
  markAsUntransferable(record.buffer);
  const pieces: Buffer[] = [];
  for (let at = start, left = size; left > 0; at += stride, left -= most) {
    pieces.push(record.subarray(at, at + Math.min(most, left)));
  }
  return pieces;
}

/** Zeros in the place of lost plaintext, made when they are taken. */
function* zerosFor({ plaintextRange }: Place): Generator<Buffer, void, void> {
  const { start, end } = plaintextRange;
  for (let at = start; at < end; at += ZEROS_SIZE) yield Buffer.alloc(Math.min(ZEROS_SIZE, end - at));
}

const EMPTY = Buffer.alloc(0);
const ZEROS_SIZE = 64 * 1024;
