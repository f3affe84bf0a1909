// Options and reports that several functions share.

import type { NodeBuffer } from '../internal/bytes';
import type { Damage, DamageDecision, OperationProgress } from '../../native/binding';
import type { DecryptOptions, EncryptOptions } from '../keys/types';

/** What cancels an operation. */
export interface CancelOptions {
  /**
   * Cancels the operation. The promise then rejects with the signal's reason, which is an `AbortError` unless the caller of
   * `abort` chose another. No output remains, unless it can be resumed.
   */
  signal?: AbortSignal | undefined;
}

/** Options of every operation that returns a promise. */
export interface OperationOptions extends CancelOptions {
  /**
   * Threads that work on segments, 1 to 1,024; by default as many as the machine runs at once. One thread works on bytes in memory up
   * to 1 MiB, regardless of this option.
   */
  threads?: number | undefined;
  /**
   * Called at most ten times a second, and once at the end; never after the promise settled. If it throws, the operation is
   * cancelled and rejects with the thrown value; an output that was complete by then stays.
   */
  onProgress?: ((progress: OperationProgress) => void) | undefined;
}

/** Options to write a file. */
export interface TargetOptions {
  /** Replace an existing target when the output is complete; by default an existing target is an error. */
  overwrite?: boolean | undefined;
  /** Flush the file and its name to the disk before the promise resolves; `true` by default. */
  flush?: boolean | undefined;
}

/** Options to resume an interrupted operation. */
export interface ResumeOptions {
  /**
   * Resume an interrupted operation, and keep what a later call can resume: only unfinished segments are processed. `false` by
   * default.
   *
   * Until the operation succeeds, the unfinished output and its journal stay beside the target, even after an error, `signal`,
   * the end of the process or a power cut. An empty journal is removed with its output, because nothing can be resumed. On Unix
   * only their owner can access both files. The report's `resume` says what was found.
   */
  resume?: boolean | undefined;
}

/** Options of a stream. */
export interface StreamOptions {
  /**
   * Segments that may be in memory at a time: arriving, being processed, or waiting for the reader's queue. At least 1; by default
   * two for each of the machine's cores, but no more than 256 MiB of them or two.
   */
  concurrency?: number | undefined;
  /** Cancels the stream. */
  signal?: AbortSignal | undefined;
}

/** The sizes of a Node stream's queues in bytes, as in `stream.Duplex`. */
export interface NodeStreamOptions {
  highWaterMark?: number | undefined;
  readableHighWaterMark?: number | undefined;
  writableHighWaterMark?: number | undefined;
}

/**
 * Decides about one damaged part. It is called for one at a time, in the stream's order. The operation waits for the answer, and
 * rejects with what the function throws. `'retry'` reads the source again, and calls the function again if that does not help; the
 * function limits the attempts. A stream can't be read again and refuses `'retry'`.
 */
export type DamageHandler = (damage: Damage) => DamageDecision | Promise<DamageDecision>;

/** One decision for all damage, or a function that decides about each part. */
export type DamagePolicy = 'abort' | 'skip' | 'zero' | DamageHandler;

/** How to treat damage. */
export interface DamageOptions {
  /**
   * How to treat a segment that can't be opened, and an end that can't be verified. `'abort'`, the default, fails with the first;
   * `'skip'` leaves segments out, so that what follows moves up; `'zero'` writes zeros in their place; a function decides about
   * each. Without `'abort'` the result may **not** be the whole stream: the report's `damage` lists what differs. Bytes that
   * did not verify are never returned.
   */
  onDamage?: DamagePolicy | undefined;
  /**
   * The most bytes that the output may have where zeros replace lost bytes, 1 TiB by default: a damaged stream can claim any size. In
   * files the zeros are holes.
   */
  maxOutputSize?: number | undefined;
}

/** Options to decrypt a stream with a detached header. */
export interface DetachedHeader {
  /**
   * The stream's header, if the source is only its body: what `encryptFileDetached` reports, or
   * `detachHeader` returns. Offsets in failures and reports then count from the start of the header.
   */
  header?: Uint8Array | undefined;
}

/** Options of a stream that encrypts. */
export interface EncryptStreamOptions extends EncryptOptions, StreamOptions {
  /** Leave the stream's header out of the output: only the report has it, and without it the stream cannot be decrypted. */
  detachHeader?: boolean | undefined;
}

/** Options of a stream that decrypts. */
export interface DecryptStreamOptions extends DecryptOptions, StreamOptions, DamageOptions, DetachedHeader {}

/** Options of {@link createEncryptStream}. */
export interface EncryptNodeStreamOptions extends EncryptStreamOptions, NodeStreamOptions {}

/** Options of {@link createDecryptStream}. */
export interface DecryptNodeStreamOptions extends DecryptStreamOptions, NodeStreamOptions {}

/** Options to iterate over segments. */
export interface SegmentsOptions {
  /** Segments that are opened in parallel and are in memory, 1 to 1,024; by default as many as the machine has cores. */
  concurrency?: number | undefined;
  /** Cancels the iteration: the loop throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A segment of a stream: its plaintext, or why it could not be opened. */
export type SegmentResult =
  | {
      readonly ok: true;
      /** The segment, from 0. */
      readonly segment: number;
      /** Offset of its plaintext in the whole plaintext. */
      readonly offset: number;
      /** Its plaintext, verified. */
      readonly data: NodeBuffer;
    }
  | ({ readonly ok: false } & Readonly<Omit<Damage, 'retries'>>);
