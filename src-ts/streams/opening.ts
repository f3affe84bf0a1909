// A sealed stream to plaintext.

import { markAsUntransferable } from 'node:worker_threads';

import type { OpenStream, Pieces } from '../../native/binding';
import { native } from '../internal/binding';
import type { OperationName } from '../internal/diagnostics';
import { openReport } from '../api/reports';
import type { OpenReport } from '../internal/types';
import { Conversion, early, type Outlet } from './conversion';
import { Losses, zerosFor } from './losses';
import { Part } from './part';
import type { OpenPlan } from './plans';

/** @internal */
export class Opening extends Conversion<OpenReport> {
  #stream: OpenStream | undefined;
  #concurrency = 0;
  #part = new Part(native.streamHeaderSize(EMPTY));
  readonly #losses: Losses;

  constructor(
    name: OperationName,
    outlet: Outlet,
    readonly plan: OpenPlan,
  ) {
    super(name, outlet);
    this.#losses = new Losses(plan.policy, this.watch);
  }

  protected override prepare(): Promise<void> {
    return Promise.resolve();
  }

  protected override take(chunk: Uint8Array, from: number): number | Promise<number> {
    const taken = this.#part.take(chunk, from);
    if (!this.#part.isFull()) return taken;
    const { bytes } = this.#part;
    try {
      this.#part.due = this.#stream
        ? this.#stream.partSize(bytes, this.#losses.isTolerant)
        : native.streamHeaderSize(bytes);
    } catch (error) {
      // The records before this one are still to come out.
      return this.failInTurn(error);
    }
    return this.#part.isFull() ? this.#complete(bytes).then(() => taken) : taken;
  }

  protected override async conclude(): Promise<void> {
    const { bytes } = this.#part;
    // A header that is not whole is refused with what is wrong with it.
    const stream = this.#stream ?? (await this.#unlock(bytes));
    this.deliverEnd(() => this.#end(stream, bytes));
  }

  protected override release(): void {
    this.plan.identities.dispose();
    this.#stream?.close();
    this.#part = new Part(0);
  }

  /** Uses a part that is whole, and begins the next one. */
  async #complete(bytes: Buffer): Promise<void> {
    if (this.#stream?.isAtEnd === true) {
      // There is more than there should be: nothing of that is taken.
      await this.conclude();
      await this.ended();
      return;
    }
    if (this.#stream) this.#openRecord(this.#stream, bytes);
    const stream = this.#stream ?? (await this.#unlock(bytes));
    this.#part = new Part(stream.partSize(EMPTY, false));
    if (!stream.isAtEnd) await this.room();
  }

  async #unlock(header: Buffer): Promise<OpenStream> {
    const { identities, settings, concurrency } = this.plan;
    const stream = await identities.use(
      () => native.headerServiceSlots(header),
      settings.context,
      this.running,
      (offered) => native.openStream(header, offered, settings, this.cancellation),
    );
    identities.dispose();
    this.#stream = stream;
    this.#concurrency = concurrency ?? stream.concurrency;
    this.allow(this.#concurrency);
    return stream;
  }

  #openRecord(stream: OpenStream, record: Buffer): void {
    const losses = this.#losses;
    const place = losses.isTolerant ? stream.place(record) : undefined;
    const opened = stream.open(record, this.cancellation).then((done) => {
      this.watch.segment(done);
      return piecesOf(record, stream.pieces, done.plaintextSize);
    });
    const open = early(opened);
    if (place === undefined) {
      this.deliver(open, true);
      return;
    }
    const openOrLose = () =>
      open().catch(async (error: unknown) => {
        const isZeroed = await losses.settle(place, error);
        stream.lose(place, isZeroed);
        return isZeroed ? zerosFor(place) : [];
      });
    this.deliver(openOrLose, true);
  }

  async #end(stream: OpenStream, bytes: Buffer): Promise<{ bytes: Iterable<Buffer>; report: OpenReport }> {
    const concurrency = this.#concurrency;
    const { isTolerant } = this.#losses;
    try {
      const report = openReport(await stream.finish(bytes, concurrency, this.cancellation));
      return { bytes: [], report: isTolerant ? this.#withLosses(report) : report };
    } catch (error) {
      if (!isTolerant) throw error;
      const missing = stream.missing();
      const isZeroed = await this.#losses.settle(missing, error);
      if (!stream.isAtEnd) stream.lose(missing, isZeroed);
      const report = this.#withLosses(openReport(stream.report(concurrency)));
      return { bytes: isZeroed ? zerosFor(missing) : [], report };
    }
  }

  #withLosses(report: OpenReport): OpenReport {
    const { damage, damageCount } = this.#losses;
    return { ...report, damage, damageCount };
  }
}

/** The plaintext in an opened record's memory. */
function piecesOf(record: Buffer, { start, stride, size: most }: Pieces, size: number): Buffer[] {
  // Transferring one piece's memory would take the others away.
  markAsUntransferable(record.buffer);
  const pieces: Buffer[] = [];
  for (let at = start, left = size; left > 0; at += stride, left -= most) {
    pieces.push(record.subarray(at, at + Math.min(most, left)));
  }
  return pieces;
}

const EMPTY = Buffer.alloc(0);
