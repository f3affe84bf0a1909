// A sealed stream to plaintext.

import { markAsUntransferable } from 'node:worker_threads';

import type { ByteRange, OpenStream, PlaintextSlots } from '../../native/binding';
import { decisionAbout } from '../api/damage';
import { calling } from '../api/errors';
import { native } from '../internal/binding';
import type { OperationName } from '../internal/diagnostics';
import { openReport } from '../api/reports';
import type { OpenReport } from '../internal/types';
import { Conversion, early, type Outlet } from './conversion';
import { Part } from './part';
import type { OpenPlan } from './plans';

/** @internal */
export class Opening extends Conversion<OpenReport> {
  #stream: OpenStream | undefined;
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
      this.#part.due = this.#stream
        ? this.#stream.partSize(bytes, this.#isTolerant)
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
    const { index } = stream;
    const opened = stream.open(record, this.cancellation).then((done) => {
      this.watch.segment(done);
      return slotsOf(record, stream.plaintextSlots, done.plaintextSize);
    });
    const open = early(opened);
    this.deliver(() => open().catch((error: unknown) => this.#settle(stream, index, error)), true);
  }

  async #end(stream: OpenStream, bytes: Buffer): Promise<{ bytes: Iterable<Buffer>; report: OpenReport }> {
    const concurrency = this.#concurrency;
    try {
      return { bytes: [], report: openReport(await stream.finish(bytes, concurrency, this.cancellation)) };
    } catch (error) {
      const replacement = await this.#settle(stream, stream.index, error);
      return { bytes: replacement, report: openReport(stream.report(concurrency)) };
    }
  }

  /** Whether the caller may decide to go on after damage. */
  get #isTolerant(): boolean {
    return this.plan.policy !== 'abort';
  }

  /**
   * Has the caller decide about a segment, or the end, that failed. Returns the bytes that come out in its place.
   *
   * @throws the failure, if that is the decision or it concerns more than this part; or what the caller throws.
   */
  async #settle(stream: OpenStream, index: number, error: unknown): Promise<Iterable<Buffer>> {
    const damage = this.#isTolerant ? stream.damage(index) : undefined;
    if (!damage) throw error;
    const decision = await decisionAbout(damage, this.plan.policy, this.watch, false);
    return calling(() => stream.decide(index, decision)) ? zeros(damage.plaintextRange) : [];
  }
}

/** The plaintext in an opened record's memory. */
function slotsOf(record: Buffer, { start, stride, size: most }: PlaintextSlots, size: number): Buffer[] {
  // All slots share one memory: transferring a slot would detach the others.
  markAsUntransferable(record.buffer);
  const slots: Buffer[] = [];
  for (let at = start, left = size; left > 0; at += stride, left -= most) {
    slots.push(record.subarray(at, at + Math.min(most, left)));
  }
  return slots;
}

/** Zeros for a range, made as they are taken. */
function* zeros({ start, end }: ByteRange): Generator<Buffer, void, void> {
  for (let at = start; at < end; at += ZEROS_SIZE) yield Buffer.alloc(Math.min(ZEROS_SIZE, end - at));
}

const EMPTY = Buffer.alloc(0);
const ZEROS_SIZE = 64 * 1024;
