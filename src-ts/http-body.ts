// An answer's body on its way into memory of the right size.

import { TransientFailure, untilAborted } from './http-retry';
import { networkError, SourceError } from './source-error';

/** Bytes of which the first `filled` are there. What came before a connection broke off stays. @internal */
export interface Part {
  readonly bytes: Uint8Array;
  filled: number;
}

/** A part of `length` bytes that begins with the `known` ones. @internal */
export function partOf(length: number, known: Uint8Array): Part {
  const bytes = new Uint8Array(length);
  bytes.set(known);
  return { bytes, filled: known.length };
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
  const { bytes } = part;
  // What a server says of an object without bytes is not part of it.
  if (bytes.length === 0) {
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
      if (chunk.length > bytes.length - part.filled) {
        const problem = `${name}: the server sent more bytes than it announced`;
        throw new SourceError(problem, 'ERR_SOURCE_RANGE', { status: response.status });
      }
      bytes.set(chunk, part.filled);
      part.filled += chunk.length;
    }
  } catch (cause) {
    reader?.cancel().catch(() => undefined);
    if (cause instanceof SourceError) throw cause;
    if (part.filled < bytes.length) throw new TransientFailure(networkError(name, brokenOff(part), cause));
  }
  if (part.filled < bytes.length) throw new TransientFailure(networkError(name, brokenOff(part)));
}

/** Lets go of a connection whose answer is of no use. @internal */
export function discard({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

function brokenOff({ bytes, filled }: Part): string {
  return `the answer broke off after ${filled} of ${bytes.length} bytes`;
}
