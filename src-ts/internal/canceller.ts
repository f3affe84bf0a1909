// Cancels running work, in the addon and in JavaScript.

import { setMaxListeners } from 'node:events';

import type { Cancellation } from '../../native/binding';
import { isAborted, untilAborted } from './abort';
import { native } from './binding';
import { SealError } from '../api/errors';

/** Cancels the work that was given its `cancellation` or its `signal`. Can be used once. */
export class Canceller {
  #cancellation: Cancellation | undefined;
  #controller: AbortController | undefined;
  #isCancelled = false;
  #failure: { readonly value: unknown } | undefined;

  /** The side for the addon, made when first needed. */
  get cancellation(): Cancellation {
    if (this.#cancellation === undefined) {
      this.#cancellation = new native.Cancellation();
      // No work waits with it yet.
      if (this.#isCancelled) this.#cancellation.cancel();
    }
    return this.#cancellation;
  }

  /** The side for JavaScript, made when first needed. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // A read may take many requests, and Node warns of a leak at the eleventh listener.
      setMaxListeners(0, this.#controller.signal);
      if (this.#isCancelled) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  readonly cancel = (): void => {
    this.#isCancelled = true;
    if (this.#cancellation) {
      this.#cancellation.cancel();
      endCancelledSoon();
    }
    this.#controller?.abort();
  };

  /** Cancels because a part of the work failed with `error`, which is then told in place of the cancellation. */
  failed(error: unknown): void {
    if (!this.#isCancelled) this.#failure = { value: error };
    this.cancel();
  }

  /** What to tell in place of `error`: the failure for which the work was cancelled, if there was one. */
  reasonFor(error: unknown): unknown {
    return this.#failure && SealError.is(error, 'ERR_SEAL_CANCELLED') ? this.#failure.value : error;
  }

  /** Settles as `work` does, or rejects with `Cancelled` as soon as this is cancelled, even if `work` does not stop. */
  async race<T>(work: () => T | PromiseLike<T>): Promise<T> {
    const { signal } = this;
    if (signal.aborted) throw cancelledError();
    try {
      return await untilAborted(Promise.resolve(work()), signal);
    } catch (error) {
      // The work may make an error of its own from the signal.
      throw isAborted(signal) ? cancelledError() : error;
    }
  }
}

/** Ends cancelled work that waits for a thread. One call for many cancellations: it looks at everything that waits. */
function endCancelledSoon(): void {
  if (isScheduled) return;
  isScheduled = true;
  queueMicrotask(() => {
    isScheduled = false;
    native.endCancelled();
  });
}

let isScheduled = false;

/** The same error as the addon's. */
function cancelledError(): SealError {
  return new SealError('the operation was cancelled', 'ERR_SEAL_CANCELLED', { kind: 'Cancelled' });
}
