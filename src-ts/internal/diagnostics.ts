// Publishes a tracing channel and two channels of Node's `diagnostics_channel`. Events hold nothing secret: no key, no plaintext and no
// context. Paths and key ids stand only in errors, as the caller gets them.

import { AsyncResource } from 'node:async_hooks';
import { type Channel, channel, tracingChannel } from 'node:diagnostics_channel';

import type {
  Damage,
  DamageDecision,
  LossCause,
  SealFailure,
  SegmentDone,
  SegmentLog,
  SegmentSettings,
} from '../../native/binding';
import { native } from './binding';
import { SealError } from '../api/errors';

/** The name of an operation: that of its function or class. */
export type OperationName =
  | 'attachHeader'
  | 'createDecryptStream'
  | 'createEncryptStream'
  | 'decrypt'
  | 'decryptChunks'
  | 'decryptFile'
  | 'decryptFileToStream'
  | 'DecryptionStream'
  | 'decryptSegments'
  | 'detachHeader'
  | 'encrypt'
  | 'encryptChunks'
  | 'encryptFile'
  | 'encryptFileDetached'
  | 'EncryptionStream'
  | 'encryptStreamToFile'
  | 'heal'
  | 'openReader'
  | 'rewrap'
  | 'rewrapHeader'
  | 'salvage'
  | 'verify';

/** Fields of every event. */
export interface OperationIdentity {
  /** A number that is unique among the operations of this thread. */
  readonly id: number;
  readonly operation: OperationName;
}

/**
 * The context of the tracing channel `sealstream:operation`: one object for all messages of an operation, in which subscribers may keep
 * things of their own. The optional fields are there from `error` or `asyncStart` on.
 */
export interface OperationContext extends OperationIdentity {
  /** Milliseconds from the operation's begin to its end. */
  readonly elapsedMs?: number;
  /** The operation's report, with its counters and stage times, if it succeeded. */
  readonly report?: object;
  /** What it failed with, if it did: the error that the caller gets, usually a SealError. */
  readonly error?: unknown;
}

/** `sealstream:segment`: a segment was sealed, or opened and verified. */
export type SegmentEvent = OperationIdentity & SegmentDone;

/**
 * `sealstream:damage`: a segment could not be opened, or the stream's end could not be verified. It has the known fields of
 * {@link Damage}; `failure` is absent if `salvage` gives the cause.
 */
export interface DamageEvent
  extends OperationIdentity, Readonly<Partial<Omit<Damage, 'message' | 'retries'>>> {
  /** Why `salvage` could not recover the range. */
  readonly cause?: LossCause;
  readonly message: string;
  /** The decision; absent for operations that decide nothing, such as `verify`. */
  readonly decision?: DamageDecision;
}

const operations = tracingChannel<unknown, OperationContext>('sealstream:operation');
const segments = channel('sealstream:segment');
const damageChannel = channel('sealstream:damage');

let lastId = 0;

/** Publishes the events of one operation, from its start to its end. */
export class Diagnostics {
  readonly #identity: OperationIdentity;
  /** Apart from the identity: subscribers may add to it. */
  readonly #context: OperationContext;
  readonly #began = performance.now();
  /** The stores that subscribers bound to the channel, if it has any. */
  #stores: AsyncResource | undefined;
  #isAbortPublished = false;
  #hasEnded = false;
  #log: SegmentLog | undefined;

  constructor(operation: OperationName) {
    this.#identity = { id: ++lastId, operation };
    this.#context = { ...this.#identity };
    operations.start.runStores(this.#context, () => {
      if (operations.start.hasSubscribers) this.#stores = new AsyncResource('SealstreamOperation');
      // The call returns its promise or its stream.
      operations.end.publish(this.#context);
    });
  }

  /** Runs a part of the operation in the stores that subscribers bound to the channel: what it calls belongs to the operation. */
  within<T>(work: () => T): T {
    return this.#stores ? this.#stores.runInAsyncScope(work) : work();
  }

  /** Makes the addon report segments, if the channel has subscribers. */
  segmentSettings(): SegmentSettings | undefined {
    if (!segments.hasSubscribers) return undefined;
    this.#log = new native.SegmentLog();
    return { log: this.#log, notify: this.#publishSegments };
  }

  readonly #publishSegments = (): void => {
    for (const done of this.#log?.take() ?? []) this.segment(done);
  };

  segment(done: SegmentDone): void {
    if (!this.#hasEnded && segments.hasSubscribers) this.#publish(segments, done);
  }

  damage(damage: Omit<DamageEvent, 'id' | 'operation'> | Damage, decision?: DamageDecision): void {
    this.#isAbortPublished ||= decision === 'abort';
    if (this.#hasEnded || !damageChannel.hasSubscribers) return;
    this.#publish(damageChannel, decision === undefined ? damage : { ...damage, decision });
  }

  succeeded(report: object): void {
    this.#end({ report });
  }

  failed(error: unknown): void {
    // A decision to abort was published with its damage.
    if (SealError.is(error) && isDamage(error.failure) && !this.#isAbortPublished) {
      this.damage({ failure: error.failure, message: error.message }, 'abort');
    }
    this.#end({ error });
  }

  #end(end: Pick<OperationContext, 'report' | 'error'>): void {
    if (this.#hasEnded) return;
    this.#publishSegments();
    this.#hasEnded = true;
    Object.assign(this.#context, { elapsedMs: performance.now() - this.#began }, end);
    this.within(() => {
      // The order of a promise that Node traces.
      if ('error' in end) operations.error.publish(this.#context);
      operations.asyncStart.publish(this.#context);
      operations.asyncEnd.publish(this.#context);
    });
  }

  #publish(to: Channel, event: object): void {
    this.within(() => {
      to.publish({ ...this.#identity, ...event });
    });
  }
}

/** Whether the failure is damage of the stream. */
export function isDamage({ kind }: SealFailure): boolean {
  return DAMAGE.has(kind);
}

const DAMAGE: ReadonlySet<SealFailure['kind']> = new Set<SealFailure['kind']>([
  'EndDamaged',
  'EndTampered',
  'HeaderDamaged',
  'HeaderTampered',
  'Segment',
  'TrailingData',
  'Truncated',
]);
