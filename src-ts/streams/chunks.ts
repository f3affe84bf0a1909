// Seals and opens async iterables.

import { pipeline } from 'node:stream/promises';

import type { DecryptStreamOptions, EncryptStreamOptions } from '../api/types';
import { abortError, onAbort } from '../internal/abort';
import type { Bytes } from '../internal/bytes';
import { typeError } from '../internal/errors';
import { optionsOf } from '../internal/option-tables';
import type { MakeConversion } from './conversion';
import { ConversionStream } from './duplex';
import { opening } from './opening';
import { sealing } from './sealing';

/** Bytes in chunks: an async iterable, such as any readable stream, or an iterable. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Seals the chunks of an iterable, as {@link createEncryptStream} does. Leaving the loop closes the iterable.
 *
 * @param chunks The plaintext, in chunks of any size.
 * @param options The recipients, `context`, sizes and digest, and segments in memory.
 * @returns The sealed stream, in chunks.
 * @throws SealError, an error of the iterable, the reason of `signal`, or TypeError and RangeError for wrong options.
 *
 * @example
 * for await (const bytes of encryptChunks(request, { key })) await upload.write(bytes);
 */
export function encryptChunks(
  chunks: ByteChunks,
  options: EncryptStreamOptions,
): AsyncGenerator<Bytes, void, void> {
  const given = optionsOf('encryptChunks', options);
  return converted(checkedChunks(chunks), given.signal, sealing('encryptChunks', given));
}

/**
 * Opens a sealed stream from the chunks of an iterable, as {@link createDecryptStream} does: **only a loop that ends by itself has seen
 * the whole stream**. Leaving the loop closes the iterable.
 *
 * @param chunks The sealed stream, in chunks of any size.
 * @param options The key or the identities, `context`, limits, how to treat damage, and segments in memory.
 * @returns The plaintext, in chunks.
 * @throws SealError, an error of the iterable, the reason of `signal`, or TypeError and RangeError for wrong options.
 *
 * @example
 * for await (const bytes of decryptChunks(response.body, { key })) await file.write(bytes);
 */
export function decryptChunks(
  chunks: ByteChunks,
  options: DecryptStreamOptions,
): AsyncGenerator<Bytes, void, void> {
  const given = optionsOf('decryptChunks', options);
  return converted(checkedChunks(chunks), given.signal, opening('decryptChunks', given));
}

async function* converted<Report extends object>(
  chunks: ByteChunks,
  signal: AbortSignal | undefined,
  make: MakeConversion<Report>,
): AsyncGenerator<Bytes, void, void> {
  // Made when the loop begins: a loop that never begins leaves nothing open.
  const stream = new ConversionStream(make);
  const stopListening = onAbort(signal, (aborted) => {
    stream.destroy(abortError(aborted));
  });
  // Its failure is the stream's failure too.
  pipeline(chunks, stream).catch(() => undefined);
  try {
    yield* stream as AsyncIterable<Bytes>;
  } finally {
    stopListening();
    stream.destroy();
  }
}

function checkedChunks(chunks: unknown): ByteChunks {
  const given = chunks as Partial<AsyncIterable<Uint8Array> & Iterable<Uint8Array>> | null | undefined;
  const hasIterator = [given?.[Symbol.asyncIterator], given?.[Symbol.iterator]].some(
    (method) => typeof method === 'function',
  );
  // Bytes and strings are iterables too, of numbers and of characters.
  if (hasIterator && !ArrayBuffer.isView(given) && typeof given !== 'string') return chunks as ByteChunks;
  throw typeError('chunks', 'an iterable of Uint8Array', chunks);
}
