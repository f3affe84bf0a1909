// Async iterables.

import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { abortError, checkedSignal, forgetAbort, isAborted, onAbort } from '../internal/abort';
import { typeError } from '../api/errors';
import { checkedOptions } from '../internal/options';
import type { DamageOptions, OpenOptions, SealOptions, StreamOptions } from '../internal/types';
import { decryptStreamLater, encryptStreamLater } from './node';

/** Bytes that come in chunks: an async iterable, such as any readable stream, or an iterable. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Seals the chunks of an iterable, as {@link createEncryptStream} does. Leaving the loop ends the iterable.
 *
 * @throws SealError, what the iterable throws, the reason of `signal`, or TypeError and RangeError for options.
 */
export function encryptChunks(
  chunks: Chunks,
  options: SealOptions & StreamOptions,
): AsyncGenerator<Buffer, void, void> {
  const { signal, ...rest } = checkedOptions(options);
  return converted(checkedChunks(chunks), checkedSignal(signal), encryptStreamLater('encryptChunks', rest));
}

/**
 * Opens a sealed stream that comes in the chunks of an iterable, as {@link createDecryptStream} does: **only a loop that ends by
 * itself has seen the whole stream**. Leaving the loop ends the iterable.
 *
 * @throws SealError, what the iterable throws, the reason of `signal`, or TypeError and RangeError for options.
 */
export function decryptChunks(
  chunks: Chunks,
  options: OpenOptions & StreamOptions & DamageOptions,
): AsyncGenerator<Buffer, void, void> {
  const { signal, ...rest } = checkedOptions(options);
  return converted(checkedChunks(chunks), checkedSignal(signal), decryptStreamLater('decryptChunks', rest));
}

async function* converted(
  chunks: Chunks,
  signal: AbortSignal | undefined,
  begin: () => Duplex,
): AsyncGenerator<Buffer, void, void> {
  // Only now: a loop that is never begun leaves nothing behind.
  const stream = begin();
  const abort = () => {
    if (signal) stream.destroy(abortError(signal));
  };
  if (signal) {
    if (isAborted(signal)) abort();
    else onAbort(signal, abort);
  }
  const fed = pipeline(chunks, stream);
  // The stream tells of it too.
  fed.catch(() => undefined);
  try {
    yield* stream as AsyncIterable<Buffer>;
  } finally {
    if (signal) forgetAbort(signal, abort);
    stream.destroy();
  }
}

function checkedChunks(chunks: unknown): Chunks {
  const given = chunks as Partial<AsyncIterable<Uint8Array> & Iterable<Uint8Array>> | null | undefined;
  // Bytes and strings are iterables too, of numbers and of characters.
  if (ArrayBuffer.isView(given) || typeof given === 'string') {
    throw typeError('chunks', 'an iterable of Uint8Array', chunks);
  }
  if (typeof given?.[Symbol.asyncIterator] === 'function' || typeof given?.[Symbol.iterator] === 'function') {
    return chunks as Chunks;
  }
  throw typeError('chunks', 'an iterable of Uint8Array', chunks);
}
