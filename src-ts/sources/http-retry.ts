// When a request is made again, and after how long.

import { abortError, isAborted, untilAborted } from '../internal/abort';
import type { SourceError } from './source-error';

/** A failure that may be gone the next time. @internal */
export class TransientFailure extends Error {
  /** @param afterMs How long the server asked to be left alone, in milliseconds. */
  constructor(
    readonly failure: SourceError,
    readonly afterMs?: number,
  ) {
    super(failure.message);
  }
}

/**
 * Calls `attempt` until it succeeds, fails for good, or has failed `retries` times more than once.
 *
 * @internal
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  retries: number,
  signal: AbortSignal,
): Promise<T> {
  for (let failed = 0; ; failed += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (isAborted(signal)) throw abortError(signal);
      if (!(error instanceof TransientFailure)) throw error;
      if (failed >= retries) throw error.failure;
      await pause(error.afterMs ?? backoff(failed), signal);
    }
  }
}

/**
 * The milliseconds of a `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3), and at most a minute: what a server
 * says does not hang a program.
 *
 * @internal
 */
export function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_WAIT_MS);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const waiting = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return untilAborted(waiting, signal).finally(() => {
    clearTimeout(timer);
  });
}

/** Twice as long after each failure. Random by half, so that readers that failed together don't come back together. */
function backoff(failed: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** failed, LONGEST_BACKOFF_MS);
  return longest * (0.5 + Math.random() / 2);
}

const FIRST_WAIT_MS = 200;
const LONGEST_BACKOFF_MS = 10_000;
const LONGEST_WAIT_MS = 60_000;
