// What stops work that is under way: in the addon, and in JavaScript.

import type { Cancellation } from '../native/binding';
import { native } from './binding';
import { SealError } from './errors';

/** Stops whatever was given one of its two sides. Of use once. @internal */
export class Stop {
  #cancellation: Cancellation | undefined;
  #controller: AbortController | undefined;
  #isRaised = false;

  /** For the addon. */
  get cancellation(): Cancellation {
    if (this.#cancellation === undefined) {
      this.#cancellation = new native.Cancellation();
      if (this.#isRaised) this.#cancellation.cancel();
    }
    return this.#cancellation;
  }

  /** For JavaScript. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isRaised) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get isRaised(): boolean {
    return this.#isRaised;
  }

  readonly raise = (): void => {
    this.#isRaised = true;
    this.#cancellation?.cancel();
    this.#controller?.abort();
  };

  /** What `work` gives, or `Cancelled` as soon as this is raised, whether `work` heeds the signal or not. */
  async race<T>(work: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> {
    const { signal } = this;
    if (this.#isRaised) throw cancelled();
    let listener: (() => void) | undefined;
    // Before the work begins, so that it is told before whatever the work makes of the signal.
    const stopped = new Promise<never>((_, reject) => {
      listener = () => {
        reject(cancelled());
      };
      signal.addEventListener('abort', listener, { once: true });
    });
    try {
      return await Promise.race([stopped, work(signal)]);
    } finally {
      if (listener) signal.removeEventListener('abort', listener);
    }
  }
}

/** As the addon says it. */
function cancelled(): SealError {
  return new SealError('the operation was cancelled', 'ERR_SEAL_CANCELLED', { kind: 'Cancelled' });
}
