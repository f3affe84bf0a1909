// Runs an operation of the addon: passes signal and listeners in, and reports or the package's errors out.

import type { OperationProgress, RunSettings } from '../../native/binding';
import { abortError, onAbort, throwIfAborted } from './abort';
import { native } from './binding';
import { nullPrototype } from './null-prototype';
import { Canceller } from './canceller';
import { Diagnostics, type OperationName } from './diagnostics';
import { publicError } from './errors';
import { SealError } from '../api/errors';
import type { OptionsOf } from './option-tables';

/** Starts an operation of the addon. */
export type Start<T> = (settings: RunSettings, operation: Operation) => Promise<T>;

/** How {@link run} runs an operation that differs from most. */
export interface RunChoices<T> {
  /** The operation calls functions of the caller, which may throw, besides the progress listener. */
  readonly callsCaller?: boolean;
  /** The bytes that progress ends with; by default the result's `plaintextSize`. */
  readonly total?: (result: T) => number;
}

/**
 * Runs an operation that `start` starts.
 *
 * @throws the signal's reason, what a function of the caller threw, or the addon's failure as the package's own error.
 */
export async function run<T extends object>(
  name: OperationName,
  options: Pick<OptionsOf<'encrypt'>, 'threads' | 'signal' | 'onProgress'>,
  start: Start<T>,
  choices?: RunChoices<T>,
): Promise<T> {
  const { callsCaller = false, total = plaintextSizeOf } = nullPrototype({ ...choices });
  const { threads = 0, signal, onProgress } = options;
  const operation = new Operation(name, signal);
  const progress = onProgress && progressListener(onProgress, operation);
  try {
    const settings: RunSettings = nullPrototype({ threads });
    // An operation that cannot be cancelled costs less.
    if (callsCaller || progress || signal) settings.cancellation = operation.canceller.cancellation;
    if (progress) settings.onProgress = progress.onProgress;
    const segments = operation.diagnostics.segmentSettings();
    if (segments) settings.segments = segments;
    const result = await start(settings, operation);
    progress?.finish(total(result));
    operation.diagnostics.succeeded(result);
    return result;
  } catch (error) {
    throw operation.failed(error);
  } finally {
    progress?.close();
    operation.dispose();
  }
}

/** A running operation: what can cancel it, and why it was cancelled. */
export class Operation {
  readonly diagnostics: Diagnostics;
  readonly canceller: Canceller = new Canceller();
  /** Stops listening to the caller's signal. */
  readonly dispose: () => void;
  readonly #signal: AbortSignal | undefined;
  #thrown: { readonly value: unknown } | undefined;

  /** @throws the signal's reason, if it is aborted already. */
  constructor(name: OperationName, signal: AbortSignal | undefined) {
    throwIfAborted(signal);
    stopAllAtExit();
    this.#signal = signal;
    this.diagnostics = new Diagnostics(name);
    this.dispose = onAbort(signal, this.cancel);
  }

  readonly cancel = (): void => {
    this.canceller.cancel();
  };

  /** Cancels the operation because a function of the caller threw `value`. */
  callerThrew(value: unknown): void {
    this.#thrown ??= { value };
    this.cancel();
  }

  /** Throws what a function of the caller threw, of any type. */
  rethrow(): void {
    if (this.#thrown) throw this.#thrown.value;
  }

  /** Publishes the failure, and returns the error for the caller in place of the addon's. */
  failed(error: unknown): unknown {
    const reason = this.#reason(publicError(error));
    this.diagnostics.failed(reason);
    return reason;
  }

  #reason(failure: unknown): unknown {
    if (this.#thrown) return this.#thrown.value;
    return isCancelled(failure) && this.#signal?.aborted ? abortError(this.#signal) : failure;
  }
}

export function isCancelled(error: unknown): boolean {
  return SealError.is(error, 'ERR_SEAL_CANCELLED');
}

function plaintextSizeOf(result: { plaintextSize?: number }): number {
  return result.plaintextSize ?? 0;
}

/** Makes operations remove what they have written if the process exits: their promises will not settle. */
function stopAllAtExit(): void {
  if (stopsAtExit) return;
  stopsAtExit = true;
  process.once('exit', native.stopAll);
}

let stopsAtExit = false;

/** Calls the caller's listener, which may throw, and never after the operation has ended. */
function progressListener(listener: (progress: OperationProgress) => void, operation: Operation) {
  let last: number | undefined;
  let isClosed = false;
  const onProgress = (progress: OperationProgress): void => {
    if (isClosed) return;
    last = progress.bytesDone;
    try {
      operation.diagnostics.within(() => {
        listener(progress);
      });
    } catch (value) {
      isClosed = true;
      operation.callerThrew(value);
    }
  };
  return {
    onProgress,
    /** Reports the end unless it was reported, and throws what the listener threw. */
    finish(total: number): void {
      if (last !== total) onProgress({ bytesDone: total, bytesTotal: total });
      operation.rethrow();
    },
    close: () => (isClosed = true),
  };
}
