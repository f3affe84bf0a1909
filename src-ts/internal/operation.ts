// Runs an operation of the addon: signal and listeners in, a report or one of the package's errors out.

import type { Progress, RunSettings } from '../../native/binding';
import { abortError, checkedSignal, forgetAbort, isAborted, onAbort } from './abort';
import { bare } from './null-prototype';
import { native } from './binding';
import { type OperationName, Watch } from './diagnostics';
import { SealError, translated, typeError } from '../api/errors';
import { checkedInteger } from './options';
import { Stop } from './canceller';
import type { OperationOptions } from './types';

/** An operation of the addon. @internal */
export interface Operation<T extends object> {
  readonly name: OperationName;
  /** Starts it. */
  readonly start: (how: RunSettings, running: Running) => Promise<T>;
  /** It calls functions of the caller's, which may throw, besides the listener to progress. */
  readonly asksCaller?: boolean;
  /** Bytes that progress ends with, out of what the operation returns. */
  readonly done: (result: T) => number;
}

/**
 * Runs an operation.
 *
 * @throws the signal's reason, what the listener threw, or the addon's failure as the package's own error.
 * @internal
 */
export async function run<T extends object>(options: OperationOptions, operation: Operation<T>): Promise<T> {
  const threads = checkedThreads(options.threads);
  const listener = checkedListener(options.onProgress);
  const running = new Running(operation.name, options.signal);
  const progress = listener && new ProgressListener(listener, running);
  try {
    const how = running.settings(threads, listener !== undefined || operation.asksCaller === true);
    if (progress) how.onProgress = progress.hear;
    const segments = running.watch.segmentSettings();
    if (segments) how.segments = segments;
    const result = await operation.start(how, running);
    progress?.finish(operation.done(result));
    running.watch.done(result);
    return result;
  } catch (error) {
    throw running.explain(error);
  } finally {
    progress?.close();
    running.dispose();
  }
}

/** @internal */
export function checkedThreads(threads: unknown): number {
  return threads === undefined ? 0 : checkedInteger('threads', threads, 0, MAX_THREADS);
}

/** An operation under way: what can stop it, and why it stopped. @internal */
export class Running {
  readonly watch: Watch;
  #end: Stop | undefined;
  readonly #signal: AbortSignal | undefined;
  #thrown: { readonly value: unknown } | undefined;

  /** @throws the signal's reason, if it is aborted already. */
  constructor(name: OperationName, signal: unknown) {
    this.#signal = checkedSignal(signal);
    if (this.#signal && isAborted(this.#signal)) throw abortError(this.#signal);
    stopAtExit();
    this.watch = new Watch(name);
    if (this.#signal) onAbort(this.#signal, this.cancel);
  }

  /** What stops it, by whatever way it is worked on. Most operations need none. */
  get end(): Stop {
    return (this.#end ??= new Stop());
  }

  /** How the addon is to run it; `isStoppable` where more than the signal may stop it. */
  settings(threads: number, isStoppable: boolean): RunSettings {
    const settings: RunSettings = bare({ threads });
    if (isStoppable || this.#signal) settings.cancellation = this.end.cancellation;
    return settings;
  }

  readonly cancel = (): void => {
    this.end.raise();
  };

  /** Stops the operation because a function of the caller's threw this. */
  stop(value: unknown): void {
    this.#thrown ??= { value };
    this.cancel();
  }

  /** Throws what a function of the caller's threw. */
  rethrow(): void {
    // Whatever it is: the caller's own code threw it.
    if (this.#thrown) throw this.#thrown.value;
  }

  /** What the caller is told in place of the addon's error. */
  explain(error: unknown): unknown {
    const reason = this.#reason(error);
    this.watch.failed(reason);
    return reason;
  }

  #reason(error: unknown): unknown {
    if (this.#thrown) return this.#thrown.value;
    const failure = translated(error);
    const cancelled = failure instanceof SealError && failure.failure.kind === 'Cancelled';
    return cancelled && this.#signal && isAborted(this.#signal) ? abortError(this.#signal) : failure;
  }

  dispose(): void {
    if (this.#signal) forgetAbort(this.#signal, this.cancel);
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
  #closed = false;

  constructor(
    readonly listener: (progress: Progress) => void,
    readonly running: Running,
  ) {}

  readonly hear = (progress: Progress): void => {
    if (this.#closed) return;
    this.#last = progress.bytesDone;
    try {
      this.listener(progress);
    } catch (value) {
      this.#closed = true;
      this.running.stop(value);
    }
  };

  /** Tells that all is done, unless that was told, and throws what the listener threw. */
  finish(total: number): void {
    if (this.#last !== total) this.hear({ bytesDone: total, bytesTotal: total });
    this.running.rethrow();
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
