// A sealed stream to plaintext.

import { markAsUntransferable } from 'node:worker_threads';

import type { OpenStream, Pieces } from '../../native/binding';
import { native } from '../binding';
import type { OperationName } from '../diagnostics';
import { openReport } from '../reports';
import type { OpenReport } from '../types';
import { Conversion, type Outlet } from './conversion';
import { Part } from './part';
import type { OpenPlan } from './plans';

/** @internal */
export class Opening extends Conversion<OpenReport> {
  #stream: OpenStream | undefined;
  #pieces: Pieces | undefined;
  #concurrency = 0;
  #part = new Part(native.streamHeaderSize(EMPTY));

  constructor(
    name: OperationName,
    outlet: Outlet,
    readonly plan: OpenPlan,
  ) {
    super(name, outlet);
  }

  protected override prepare(): Promise<void> {
    return Promise.resolve();
  }

  protected override take(chunk: Uint8Array, from: number): number | Promise<number> {
    const taken = this.#part.take(chunk, from);
    if (!this.#part.isFull()) return taken;
    const { bytes } = this.#part;
    try {
      this.#part.due = this.#stream?.partSize(bytes) ?? native.streamHeaderSize(bytes);
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
    this.deliverEnd(async () => {
      const report = await stream.finish(bytes, this.#concurrency, this.how());
      return { bytes: [], report: openReport(report) };
    });
  }

  protected override release(): void {
    this.#stream?.close();
    this.#part = new Part(0);
  }

  /** Uses a part that is whole, and begins the next one. */
  async #complete(bytes: Buffer): Promise<void> {
    if (this.#stream?.isAtEnd === true) {
      // There is more than there should be.
      await this.conclude();
      await this.failing();
    }
    if (this.#stream) this.#openRecord(this.#stream, bytes);
    const stream = this.#stream ?? (await this.#unlock(bytes));
    this.#part = new Part(stream.partSize(EMPTY));
    if (!stream.isAtEnd) await this.room();
  }

  async #unlock(header: Buffer): Promise<OpenStream> {
    const { keys, settings, concurrency } = this.plan;
    const stream = await native.openStream(header, keys, settings, this.how());
    this.#stream = stream;
    this.#pieces = stream.pieces;
    this.#concurrency = concurrency ?? stream.concurrency;
    this.allow(this.#concurrency);
    return stream;
  }

  #openRecord(stream: OpenStream, record: Buffer): void {
    const opened = stream.open(record, this.how()).then((done) => {
      this.watch.segment(done);
      return this.#piecesOf(record, done.plaintextSize);
    });
    this.deliver(opened, true);
  }

  #piecesOf(record: Buffer, size: number): Buffer[] {
    const { start, stride, size: most } = this.#pieces ?? { start: 0, stride: 1, size: 1 };
    // Transferring one piece's memory would take the others away.
    markAsUntransferable(record.buffer);
    const pieces: Buffer[] = [];
    for (let at = start, left = size; left > 0; at += stride, left -= most) {
      pieces.push(record.subarray(at, at + Math.min(most, left)));
    }
    return pieces;
  }
}

const EMPTY = Buffer.alloc(0);
