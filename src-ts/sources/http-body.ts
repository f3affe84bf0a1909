// An answer's body on its way into memory of the right size.

import { untilAborted } from '../internal/abort';
import { TransientFailure } from './http-retry';
import { networkError, SourceError } from './source-error';

/** Bytes as they come. What came before a connection broke off stays. @internal */
export class Part {
  #memory: Uint8Array;
  filled: number;

  /** A part of `length` bytes that begins with the `known` ones. */
  constructor(
    readonly length: number,
    known: Uint8Array,
  ) {
    this.#memory = known;
    this.filled = known.length;
  }

  /** What has come of it. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.filled);
  }

  /** Memory grows with what comes: a server that claims much is believed nothing. */
  add(chunk: Uint8Array): void {
    const size = this.filled + chunk.length;
    if (size > this.#memory.length) {
      const memory = new Uint8Array(Math.min(this.length, Math.max(size, 2 * this.filled, AT_ONCE)));
      memory.set(this.bytes);
      this.#memory = memory;
    }
    this.#memory.set(chunk, this.filled);
    this.filled = size;
  }
}

/**
 * Fills a part to its end. The body is read to its end or cancelled, whatever happens: its connection is let go of.
 *
 * @throws A {@link TransientFailure} if the body ends before the part does, a SourceError if it goes on behind it.
 * @internal
 */
export async function receive(
  name: string,
  response: Response,
  part: Part,
  signal: AbortSignal,
): Promise<void> {
  // What a server says of an object without bytes is not part of it.
  if (part.length === 0) {
    discard(response);
    return;
  }
  const reader = response.body?.getReader();
  const next = async (): Promise<Uint8Array | undefined> => {
    const step = await reader?.read();
    return step?.value as Uint8Array | undefined;
  };
  try {
    for (;;) {
      const chunk = await untilAborted(next(), signal);
      if (chunk === undefined) break;
      if (chunk.length > part.length - part.filled) {
        const problem = `${name}: the server sent more bytes than it announced`;
        throw new SourceError(problem, 'ERR_SOURCE_RANGE', { status: response.status });
      }
      part.add(chunk);
    }
  } catch (cause) {
    reader?.cancel().catch(() => undefined);
    if (cause instanceof SourceError) throw cause;
    if (part.filled < part.length) throw new TransientFailure(networkError(name, brokenOff(part), cause));
  }
  if (part.filled < part.length) throw new TransientFailure(networkError(name, brokenOff(part)));
}

/** Lets go of a connection whose answer is of no use. @internal */
export function discard({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

function brokenOff({ length, filled }: Part): string {
  return `the answer broke off after ${filled} of ${length} bytes`;
}

/** Pieces of most reads get their memory at once. */
const AT_ONCE = 2 * 1024 * 1024;
