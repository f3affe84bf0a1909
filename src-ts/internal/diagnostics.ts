// Publishes a tracing channel and two channels of Node's `diagnostics_channel`. Events hold nothing secret: no key, no plaintext, no
// context, and no path except one in an error of the operating system.

import { channel, tracingChannel } from 'node:diagnostics_channel';

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
import { isError } from './errors';
import { SealError } from '../api/errors';

/** The name of an operation: that of its function or class. */
export type OperationName =
  | 'attachHeader'
  | 'createDecryptStream'
  | 'createEncryptStream'
  | 'decrypt'
  | 'decryptChunks'
  | 'decryptFile'
  | 'DecryptionStream'
  | 'decryptSegments'
  | 'detachHeader'
  | 'encrypt'
  | 'encryptChunks'
  | 'encryptFile'
  | 'encryptFileDetached'
  | 'EncryptionStream'
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
  /** Why it failed, if it did. */
  readonly error?: { readonly name: string; readonly code?: string; readonly failure?: SealFailure };
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
  #isAbortPublished = false;
  #hasEnded = false;
  #log: SegmentLog | undefined;

  constructor(operation: OperationName) {
    this.#identity = { id: ++lastId, operation };
    this.#context = { ...this.#identity };
    operations.start.publish(this.#context);
    // The call returns its promise or its stream.
    operations.end.publish(this.#context);
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
    if (!this.#hasEnded && segments.hasSubscribers) segments.publish(this.#event(done));
  }

  damage(damage: Omit<DamageEvent, 'id' | 'operation'> | Damage, decision?: DamageDecision): void {
    this.#isAbortPublished ||= decision === 'abort';
    if (this.#hasEnded || !damageChannel.hasSubscribers) return;
    damageChannel.publish(this.#event(decision === undefined ? damage : { ...damage, decision }));
  }

  succeeded(report: object): void {
    this.#end({ report });
  }

  failed(error: unknown): void {
    if (SealError.is(error)) {
      const { name, code, failure, message } = error;
      // A decision to abort was published with its damage.
      if (isDamage(failure) && !this.#isAbortPublished) this.damage({ failure, message }, 'abort');
      this.#end({ error: { name, code, failure } });
    } else {
      this.#end({ error: { name: isError(error) ? error.name : typeof error } });
    }
  }

  #end(end: Pick<OperationContext, 'report' | 'error'>): void {
    if (this.#hasEnded) return;
    this.#publishSegments();
    this.#hasEnded = true;
    Object.assign(this.#context, { elapsedMs: performance.now() - this.#began }, end);
    // The order of a promise that Node traces.
    if (end.error) operations.error.publish(this.#context);
    operations.asyncStart.publish(this.#context);
    operations.asyncEnd.publish(this.#context);
  }

  #event(event: object): object {
    return { ...this.#identity, ...event };
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
