// What stops work that is under way: in the addon, and in JavaScript.

import { setMaxListeners } from 'node:events';

import type { Cancellation } from '../../native/binding';
import { native } from './binding';
import { SealError } from '../api/errors';

/** Stops whatever was given one of its two sides. Of use once. @internal */
export class Stop {
  #cancellation: Cancellation | undefined;
  #controller: AbortController | undefined;
  #isRaised = false;
  #waiting: Set<(error: SealError) => void> | undefined;

  /** For the addon. */
  get cancellation(): Cancellation {
    if (this.#cancellation === undefined) {
      this.#cancellation = new native.Cancellation();
      // Nothing waits with it yet.
      if (this.#isRaised) this.#cancellation.cancel();
    }
    return this.#cancellation;
  }

  /** For JavaScript. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // Node warns of a leak at the eleventh, and a read may take many requests.
      setMaxListeners(0, this.#controller.signal);
      if (this.#isRaised) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get isRaised(): boolean {
    return this.#isRaised;
  }

  readonly raise = (): void => {
    this.#isRaised = true;
    if (this.#cancellation) {
      this.#cancellation.cancel();
      sweep();
    }
    // Before the signal, of which the work may make an error of its own.
    for (const reject of this.#waiting ?? []) reject(cancelled());
    this.#controller?.abort();
  };

  /** What `work` gives, or `Cancelled` as soon as this is raised, whether `work` heeds that or not. */
  async race<T>(work: () => T | PromiseLike<T>): Promise<T> {
    if (this.#isRaised) throw cancelled();
    let stop: (error: SealError) => void = () => undefined;
    const stopped = new Promise<never>((_, reject) => (stop = reject));
    // The work may raise this and fail at once, so that nobody waits for it.
    stopped.catch(() => undefined);
    (this.#waiting ??= new Set()).add(stop);
    try {
      return await Promise.race([stopped, work()]);
    } finally {
      this.#waiting.delete(stop);
    }
  }
}

/** Has what was cancelled and waits for a thread end soon: all of it at once, since that looks at everything that waits. */
function sweep(): void {
  if (isSweepDue) return;
  isSweepDue = true;
  queueMicrotask(() => {
    isSweepDue = false;
    native.endCancelled();
  });
}

let isSweepDue = false;

/** As the addon says it. */
function cancelled(): SealError {
  return new SealError('the operation was cancelled', 'ERR_SEAL_CANCELLED', { kind: 'Cancelled' });
}
