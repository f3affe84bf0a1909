// What programs that watch can hear of: three channels of Node's `diagnostics_channel`. Nothing secret goes there: no
// key, no plaintext, no context, and no path but what an error of the system names.

import { channel } from 'node:diagnostics_channel';

import type {
  ByteRange,
  Damage,
  DamageDecisionName,
  LossCause,
  SealFailure,
  SegmentDone,
  SegmentLog,
  SegmentSettings,
} from '../../native/binding';
import { native } from './binding';
import { SealError } from '../api/errors';

/** The name of an operation: the function's own. */
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
  | 'EncryptionStream'
  | 'heal'
  | 'open'
  | 'rewrap'
  | 'salvage'
  | 'verify';

/** What every event says. */
export interface OperationIdentity {
  /** A number that no other operation of this thread has. */
  readonly id: number;
  readonly operation: OperationName;
}

/** `sealstream:operation`: an operation begins or ends. */
export type OperationEvent = OperationIdentity &
  (
    | { readonly phase: 'start' }
    | {
        readonly phase: 'end';
        /** Milliseconds since it began. */
        readonly elapsedMs: number;
        /** What the operation reports, with its counters and stage times, if it succeeded. */
        readonly report?: object;
        /** Why it failed, if it did. */
        readonly error?: { readonly name: string; readonly code?: string; readonly failure?: SealFailure };
      }
  );

/** `sealstream:segment`: a segment was sealed, or opened and verified. */
export type SegmentEvent = OperationIdentity & SegmentDone;

/** `sealstream:damage`: a segment could not be opened, or the stream's end not be verified. */
export interface DamageEvent extends OperationIdentity {
  readonly index?: number;
  readonly plaintextRange?: ByteRange;
  readonly wireRange?: ByteRange;
  /** What is wrong; absent where `salvage` tells the cause. */
  readonly failure?: SealFailure;
  /** Of what `salvage` did not get back: why. */
  readonly cause?: LossCause;
  readonly message: string;
  /** What was decided about it; absent where nothing is to be decided, as in `verify`. */
  readonly decision?: DamageDecisionName;
}

const operations = channel('sealstream:operation');
const segments = channel('sealstream:segment');
const damages = channel('sealstream:damage');

let lastId = 0;

/** Tells of one operation: its start, what happens, its end, and nothing after that. @internal */
export class Watch {
  readonly #identity: OperationIdentity;
  readonly #began = performance.now();
  #isAbortTold = false;
  #hasEnded = false;
  #log: SegmentLog | undefined;

  constructor(operation: OperationName) {
    this.#identity = { id: ++lastId, operation };
    if (operations.hasSubscribers) operations.publish(this.#event({ phase: 'start' }));
  }

  /** How the addon tells of segments, if anybody wants to hear of them. */
  segmentSettings(): SegmentSettings | undefined {
    if (!segments.hasSubscribers) return undefined;
    this.#log = new native.SegmentLog();
    return { log: this.#log, notify: this.#tellSegments };
  }

  readonly #tellSegments = (): void => {
    for (const done of this.#log?.take() ?? []) this.segment(done);
  };

  segment(done: SegmentDone): void {
    if (!this.#hasEnded && segments.hasSubscribers) segments.publish(this.#event(done));
  }

  damage(damage: Omit<DamageEvent, 'id' | 'operation'> | Damage, decision?: DamageDecisionName): void {
    this.#isAbortTold ||= decision === 'abort';
    if (this.#hasEnded || !damages.hasSubscribers) return;
    damages.publish(this.#event(decision === undefined ? damage : { ...damage, decision }));
  }

  done(report: object): void {
    this.#end({ report });
  }

  failed(error: unknown): void {
    if (error instanceof SealError) {
      const { name, code, failure, message } = error;
      // Where somebody decided that it is the end, it has been told already.
      if (isDamage(failure) && !this.#isAbortTold) this.damage({ failure, message }, 'abort');
      this.#end({ error: { name, code, failure } });
    } else {
      this.#end({ error: { name: error instanceof Error ? error.name : typeof error } });
    }
  }

  #end(end: object): void {
    if (this.#hasEnded) return;
    this.#tellSegments();
    this.#hasEnded = true;
    if (!operations.hasSubscribers) return;
    operations.publish(this.#event({ phase: 'end', elapsedMs: performance.now() - this.#began, ...end }));
  }

  #event(event: object): object {
    return { ...this.#identity, ...event };
  }
}

/** @internal */
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
