// Signals that abort operations: one listener on a signal, however many operations it stops.

import { types } from 'node:util';

import { typeError } from '../api/errors';

/** @internal */
export function checkedSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  // By what it has, as Node does: a signal may come from another realm.
  const given = signal as AbortSignal | null;
  if (typeof given === 'object' && typeof given?.aborted === 'boolean') return given;
  throw typeError('signal', 'an AbortSignal', signal);
}

/** A call, since the compiler takes a property for unchanged across an `await`. @internal */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** The signal's reason where it is an error; else an AbortError with the reason as its cause. @internal */
export function abortError(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  if (reason instanceof Error || types.isNativeError(reason)) return reason;
  const error = new Error('This operation was aborted', { cause: reason });
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}

/**
 * Has `cancel` called when `signal` is aborted, until {@link forgetAbort}. A thousand operations may share a signal, and
 * Node warns of a leak at the eleventh listener.
 *
 * @internal
 */
export function onAbort(signal: AbortSignal, cancel: () => void): void {
  const known = listening.get(signal);
  if (known !== undefined) {
    known.cancels.add(cancel);
    return;
  }
  const cancels = new Set([cancel]);
  const listener = () => {
    for (const each of cancels) each();
  };
  listening.set(signal, { cancels, listener });
  signal.addEventListener('abort', listener, { once: true });
}

/** @internal */
export function forgetAbort(signal: AbortSignal, cancel: () => void): void {
  const known = listening.get(signal);
  known?.cancels.delete(cancel);
  if (known?.cancels.size !== 0) return;
  signal.removeEventListener('abort', known.listener);
  listening.delete(signal);
}

/** What `promise` becomes, or the signal's reason as soon as it is aborted, whether or not `promise` heeds it. @internal */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => undefined);
      reject(abortError(signal));
      return;
    }
    const abort = () => {
      forgetAbort(signal, abort);
      reject(abortError(signal));
    };
    onAbort(signal, abort);
    promise.then(resolve, reject).finally(() => {
      forgetAbort(signal, abort);
    });
  });
}

const listening = new WeakMap<AbortSignal, { cancels: Set<() => void>; listener: () => void }>();
