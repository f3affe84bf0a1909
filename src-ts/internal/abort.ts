// Abort signals: one listener on a signal for any number of operations.

import { isError, typeError } from './errors';
import { nullPrototype } from './null-prototype';

/** Checks an option that is an AbortSignal. */
export function abortSignal(name: string, signal: unknown): AbortSignal {
  // By its shape, as Node does: a signal may come from another realm.
  const given = signal as AbortSignal | null;
  if (typeof given === 'object' && typeof given?.aborted === 'boolean') return given;
  throw typeError(name, 'an AbortSignal', signal);
}

/** A function, since the compiler assumes that a property stays the same across an `await`. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** @throws the signal's reason, if it is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal);
}

/** The signal's reason if it is an error, else an AbortError with the reason as its cause. */
export function abortError(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  if (isError(reason)) return reason;
  const error = new Error('This operation was aborted', { cause: reason });
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}

/**
 * Calls `cancel` when `signal` is aborted, at once if it is aborted already. Returns a function that stops listening.
 *
 * A thousand operations may share a signal, and Node warns of a leak at the eleventh listener; so a signal gets one.
 */
export function onAbort(signal: AbortSignal | undefined, cancel: (signal: AbortSignal) => void): () => void {
  if (signal === undefined) return () => undefined;
  const callback = () => {
    cancel(signal);
  };
  if (signal.aborted) {
    callback();
    return () => undefined;
  }
  const known = listeners.get(signal) ?? listenTo(signal);
  known.callbacks.add(callback);
  return () => {
    known.callbacks.delete(callback);
    if (known.callbacks.size === 0) known.remove();
  };
}

/** Settles as `promise` does, or rejects with the signal's reason as soon as the signal is aborted. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => {
      reject(abortError(signal));
    });
    promise.then(resolve, reject).finally(stopListening);
  });
}

interface Listener {
  readonly callbacks: Set<() => void>;
  readonly remove: () => void;
}

function listenTo(signal: AbortSignal): Listener {
  const callbacks = new Set<() => void>();
  const listener = () => {
    listeners.delete(signal);
    for (const each of callbacks) each();
  };
  const remove = () => {
    signal.removeEventListener('abort', listener);
    if (listeners.get(signal) === known) listeners.delete(signal);
  };
  const known = { callbacks, remove };
  signal.addEventListener('abort', listener, nullPrototype({ once: true }));
  listeners.set(signal, known);
  return known;
}

const listeners = new WeakMap<AbortSignal, Listener>();
