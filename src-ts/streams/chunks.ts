// Encrypts and decrypts async iterables.

import { pipeline } from 'node:stream/promises';

import type { DecryptStreamOptions, EncryptStreamOptions } from '../api/types';
import { abortError, onAbort } from '../internal/abort';
import type { NodeBuffer } from '../internal/bytes';
import { optionsOf } from '../internal/option-tables';
import { type ByteChunks, checkedChunks } from './byte-source';
import type { MakeConversion } from './conversion';
import { ConversionStream } from './duplex';
import { opening } from './opening';
import { sealing } from './sealing';

/**
 * Encrypts the chunks of an iterable, as {@link createEncryptStream} does. Leaving the loop closes the iterable.
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
): AsyncGenerator<NodeBuffer, void, void> {
  const given = optionsOf('encryptChunks', options);
  return converted(checkedChunks('chunks', chunks), given.signal, sealing('encryptChunks', given));
}

/**
 * Decrypts a sealed stream from the chunks of an iterable, as {@link createDecryptStream} does: **only a loop that ends by itself has seen
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
): AsyncGenerator<NodeBuffer, void, void> {
  const given = optionsOf('decryptChunks', options);
  return converted(checkedChunks('chunks', chunks), given.signal, opening('decryptChunks', given));
}

async function* converted<Report extends object>(
  chunks: ByteChunks,
  signal: AbortSignal | undefined,
  make: MakeConversion<Report>,
): AsyncGenerator<NodeBuffer, void, void> {
  // Made when the loop begins: a loop that never begins leaves nothing open.
  const stream = new ConversionStream(make);
  const stopListening = onAbort(signal, (aborted) => {
    stream.destroy(abortError(aborted));
  });
  // Its failure is the stream's failure too.
  pipeline(chunks, stream).catch(() => undefined);
  try {
    yield* stream as AsyncIterable<NodeBuffer>;
  } finally {
    stopListening();
    stream.destroy();
  }
}
