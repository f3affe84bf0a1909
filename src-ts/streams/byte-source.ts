// Where the bytes of a conversion come from, if it reads them itself.

import type { Readable } from 'node:stream';

import { typeError } from '../internal/errors';
import { hasMethods } from '../internal/options';
import type { Conversion } from './conversion';

/** Bytes in chunks: an async iterable, such as any readable stream, or an iterable. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Chunks that are asked for one by one. */
export interface ByteSource {
  next(): Promise<IteratorResult<unknown, unknown>>;
  /** Ends it early. */
  stop(reason: unknown): void;
}

/** Checks that a value is an iterable of chunks. */
export function checkedChunks(name: string, chunks: unknown): ByteChunks {
  const given = chunks as Partial<AsyncIterable<Uint8Array> & Iterable<Uint8Array>> | null | undefined;
  const hasIterator = [given?.[Symbol.asyncIterator], given?.[Symbol.iterator]].some(
    (method) => typeof method === 'function',
  );
  // Bytes and strings are iterables too, of numbers and of characters.
  if (hasIterator && !ArrayBuffer.isView(given) && typeof given !== 'string') return chunks as ByteChunks;
  throw typeError(name, 'an iterable of Uint8Array', chunks);
}

/** Takes over a Node stream, a web stream or an iterable. */
export function byteSource(name: string, from: unknown): ByteSource {
  if (hasMethods(from, 'getReader', 'cancel')) return webSource(from as unknown as ReadableStream);
  const chunks = checkedChunks(name, from);
  if (hasMethods(chunks, 'pipe', 'destroy')) return nodeSource(chunks as Readable);
  const iterator =
    Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  return {
    next: async () => iterator.next(),
    stop: () => {
      Promise.resolve()
        .then(() => iterator.return?.())
        .catch(ignore);
    },
  };
}

/** Web streams are read by a reader: not every runtime can iterate over them, and an iterator does not cancel a read that waits. */
function webSource(stream: ReadableStream): ByteSource {
  const reader = stream.getReader() as ReadableStreamDefaultReader<unknown>;
  return {
    next: () => reader.read(),
    stop: (reason) => {
      reader.cancel(reason).catch(ignore);
    },
  };
}

/** An iterator of a Node stream listens only from the first chunk on, and can't end a read that waits. */
function nodeSource(stream: Readable): ByteSource {
  stream.on('error', ignore);
  const iterator = stream[Symbol.asyncIterator]();
  return {
    async next() {
      const next = await iterator.next();
      if (next.done === true) stream.off('error', ignore);
      return next;
    },
    stop: () => {
      stream.destroy();
    },
  };
}

/**
 * Writes all chunks of the source to the conversion, and ends it. The source is stopped if the conversion fails.
 *
 * @throws why the conversion failed: its own error, one of the source, or the reason that it was closed with.
 *
 * @internal
 */
export async function feed<Report extends object>(
  conversion: Conversion<Report>,
  source: ByteSource,
): Promise<Report> {
  writeAll(conversion, source).catch((error: unknown) => {
    conversion.close(error);
  });
  try {
    // At once if it is closed, even while the source is being waited for.
    return await conversion.report;
  } catch (error) {
    source.stop(error);
    throw error;
  }
}

async function writeAll<Report extends object>(
  conversion: Conversion<Report>,
  source: ByteSource,
): Promise<void> {
  await conversion.begin();
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    await conversion.write(next.value);
  }
  await conversion.finishAndEnd();
}

function ignore(): void {
  // The failure is the conversion's, which its caller gets.
}
