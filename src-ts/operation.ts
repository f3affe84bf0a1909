// Runs an operation of the addon: signal and progress in, a report or one of the package's errors out.

import type { Progress, RunSettings } from '../native/binding';
import { abortError, checkedSignal, forgetAbort, isAborted, onAbort } from './abort';
import { native } from './binding';
import { SealError, translated, typeError } from './errors';
import { checkedInteger } from './options';
import type { OperationOptions } from './types';

/** The name of an operation, as programs that watch know it: the function's own. */
export type OperationName =
  'decrypt' | 'decryptFile' | 'decryptSegments' | 'encrypt' | 'encryptFile' | 'heal' | 'salvage' | 'verify';

/** An operation of the addon. */
export interface Operation<T> {
  readonly name: OperationName;
  /** Starts it. */
  readonly start: (how: RunSettings) => Promise<T>;
  /** Bytes that progress ends with, out of what the operation returns. */
  readonly done: (result: T) => number;
}

/**
 * Runs an operation.
 *
 * @throws the signal's reason, what the listener threw, or the addon's failure as the package's own error.
 * @internal
 */
export async function run<T>(options: OperationOptions, operation: Operation<T>): Promise<T> {
  const threads =
    options.threads === undefined ? 0 : checkedInteger('threads', options.threads, 0, MAX_THREADS);
  const signal = checkedSignal(options.signal);
  const listener = checkedListener(options.onProgress);
  if (signal && isAborted(signal)) throw abortError(signal);

  stopAtExit();
  const cancellation = signal || listener ? new native.Cancellation() : undefined;
  const cancel = () => cancellation?.cancel();
  const progress = listener && new ProgressListener(listener, cancel);
  if (signal) onAbort(signal, cancel);
  try {
    const how: RunSettings = { threads };
    if (cancellation) how.cancellation = cancellation;
    if (progress) how.onProgress = progress.hear;
    const result = await operation.start(how);
    progress?.finish(operation.done(result));
    return result;
  } catch (error) {
    progress?.rethrow();
    const failure = translated(error);
    const cancelled = failure instanceof SealError && failure.failure.kind === 'Cancelled';
    throw cancelled && signal && isAborted(signal) ? abortError(signal) : failure;
  } finally {
    progress?.close();
    if (signal) forgetAbort(signal, cancel);
  }
}

/** Has operations remove what they have written so far if the process exits: their promises won't settle. */
function stopAtExit(): void {
  if (stopsAtExit) return;
  stopsAtExit = true;
  process.once('exit', native.stopAll);
}

let stopsAtExit = false;

/** Stands between the addon and the caller's listener, which may throw, and which must hear nothing too late. */
class ProgressListener {
  #last: number | undefined;
  #thrown: { readonly value: unknown } | undefined;
  #closed = false;

  constructor(
    readonly listener: (progress: Progress) => void,
    readonly cancel: () => void,
  ) {}

  readonly hear = (progress: Progress): void => {
    if (this.#closed || this.#thrown) return;
    this.#last = progress.bytesDone;
    try {
      this.listener(progress);
    } catch (value) {
      this.#thrown = { value };
      this.cancel();
    }
  };

  /** Tells that all is done, unless that was told, and throws what the listener threw. */
  finish(total: number): void {
    if (this.#last !== total) this.hear({ bytesDone: total, bytesTotal: total });
    this.rethrow();
  }

  rethrow(): void {
    // Whatever it is: the caller's own code threw it.
    if (this.#thrown) throw this.#thrown.value;
  }

  close(): void {
    this.#closed = true;
  }
}

function checkedListener(listener: unknown): ((progress: Progress) => void) | undefined {
  if (listener === undefined || typeof listener === 'function') {
    return listener as ((progress: Progress) => void) | undefined;
  }
  throw typeError('onProgress', 'a function', listener);
}

const MAX_THREADS = 1024;
