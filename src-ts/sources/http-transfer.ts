// Transfers the body of an answer, and repeats requests that failed.

import { setTimeout as delay } from 'node:timers/promises';

import { abortError, throwIfAborted, untilAborted } from '../internal/abort';
import { type GrowingBuffer, isBytes, sizeOf } from '../internal/bytes';
import { networkError, SourceError } from './source-error';

/** A failure that may not occur again. */
export class TransientFailure extends Error {
  /** @param afterMs The delay that the server asked for, in milliseconds. */
  constructor(
    readonly failure: SourceError,
    readonly afterMs?: number,
  ) {
    super(failure.message);
  }
}

/** Calls `attempt` until it succeeds, fails permanently, or has failed `retries` + 1 times. */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  retries: number,
  signal: AbortSignal,
): Promise<T> {
  for (let failed = 0; ; failed += 1) {
    try {
      return await attempt();
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof TransientFailure)) throw error;
      if (failed >= retries) throw error.failure;
      await delay(error.afterMs ?? backoff(failed), undefined, { signal }).catch(() => {
        throw abortError(signal);
      });
    }
  }
}

/**
 * The milliseconds of a `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3), and at most a minute, so that a server can't block
 * a program.
 */
export function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

/**
 * Fills `part` to its size. The body is read to its end or cancelled in any case, which frees its connection.
 *
 * @throws A {@link TransientFailure} if the body ends too early, a SourceError if it is too long.
 */
export async function receive(
  name: string,
  response: Response,
  part: GrowingBuffer,
  signal: AbortSignal,
): Promise<void> {
  // The body may be a server's remark about an object without bytes.
  if (part.size === 0) {
    discard(response);
    return;
  }
  const reader = response.body?.getReader();
  const read = async () => (await reader?.read())?.value as unknown;
  const next = () => untilAborted(read(), signal);
  let cause: unknown;
  try {
    for (let chunk = await next(); chunk !== undefined; chunk = await next()) {
      // The program may have its own `fetch`.
      if (!isBytes(chunk)) throw new TypeError('the body of the answer is not of bytes');
      if (sizeOf(chunk) > part.size - part.filled) {
        const problem = `${name}: the server sent more bytes than it announced`;
        throw new SourceError(problem, 'ERR_SOURCE_RANGE', { status: response.status });
      }
      part.take(chunk);
    }
  } catch (error) {
    reader?.cancel().catch(() => undefined);
    if (SourceError.is(error)) throw error;
    cause = error;
  }
  if (part.isFull()) return;
  const problem = `the answer broke off after ${part.filled} of ${part.size} bytes`;
  throw new TransientFailure(networkError(name, problem, cause));
}

/** Frees the connection of an answer that is not needed. */
export function discard({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

/** Doubles with each failure. Half of it is random, so that readers that failed together do not retry together. */
function backoff(failed: number): number {
  const longest = Math.min(FIRST_BACKOFF_MS * 2 ** failed, MAX_BACKOFF_MS);
  return longest * (0.5 + Math.random() / 2);
}

const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 10_000;
const MAX_RETRY_AFTER_MS = 60_000;
