// A stream that becomes a sealed file, and a sealed file that becomes a stream.

import type { Readable } from 'node:stream';

import type { DecryptReport, EncryptReport } from '../../native/binding';
import { abortError, onAbort } from '../internal/abort';
import type { NodeBuffer } from '../internal/bytes';
import { optionsOf, placementSettings } from '../internal/option-tables';
import { path, picked } from '../internal/options';
import type { DecryptOptions, EncryptOptions } from '../keys/types';
import { type ByteChunks, byteSource, feed } from '../streams/byte-source';
import { ConversionReadable } from '../streams/duplex';
import { FileOutlet } from '../streams/file-outlet';
import { opening } from '../streams/opening';
import { SealedFile } from '../streams/sealed-file';
import { sealing } from '../streams/sealing';
import type { DetachedHeader, DamageOptions, StreamOptions, TargetOptions } from './types';

/** Options of {@link encryptStreamToFile}. */
export interface EncryptStreamToFileOptions extends EncryptOptions, StreamOptions, TargetOptions {}

/** Options of {@link decryptFileToStream}. */
export interface DecryptFileToStreamOptions
  extends DecryptOptions, StreamOptions, DamageOptions, DetachedHeader {
  /** Bytes that the stream buffers before it waits for its reader, as in `stream.Readable`. */
  highWaterMark?: number | undefined;
}

/** The plaintext of a sealed file, from {@link decryptFileToStream}. */
export interface DecryptFileStream extends Readable {
  /** Yields the chunks that `'data'` passes. */
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<NodeBuffer>;
  /**
   * Resolves to the report after the last byte was passed on. Rejects with the stream's error, or with an AbortError if the stream is
   * destroyed without one. It may be ignored: it never causes an unhandled rejection.
   */
  readonly report: Promise<DecryptReport>;
}

/**
 * Encrypts the bytes of a stream, such as an upload, into the sealed file `to`.
 *
 * `to` appears complete or not at all, as with {@link encryptFile}: if the stream fails or is cut off, no file remains. Only its owner
 * can access a new file. At most `concurrency` segments are in memory; a slow disk slows the stream. If this fails, the stream is
 * destroyed or cancelled, and an iterator is closed.
 *
 * @param from A Node stream, a web stream, or any iterable of Uint8Array.
 * @param to The file to write.
 * @param options For whom, and how.
 * @throws SealError, an error of the stream, the reason of `signal`, or TypeError and RangeError for wrong options. `to` is then
 *   unchanged.
 *
 * @example
 * const { plaintextSize } = await encryptStreamToFile(request, 'upload.seal', { key });
 */
export async function encryptStreamToFile(
  from: ByteChunks | ReadableStream<Uint8Array>,
  to: string | URL,
  options: EncryptStreamToFileOptions,
): Promise<EncryptReport> {
  const given = optionsOf('encryptStreamToFile', options);
  const target = path('to', to);
  const make = sealing('encryptStreamToFile', given, true);
  let stopListening: () => void = () => undefined;
  const source = byteSource('from', from);
  const file = new FileOutlet(target, placementSettings(given), () => {
    stopListening();
  });
  const conversion = make(file);
  stopListening = onAbort(given.signal, (aborted) => {
    conversion.close(abortError(aborted));
  });
  try {
    return await feed(conversion, source);
  } finally {
    stopListening();
    await file.close();
  }
}

/**
 * Returns a stream of the plaintext of the sealed file `from`.
 *
 * The stream's end is verified first, so that a file that was cut fails before its first byte; not so if `onDamage` accepts damage. Each
 * segment is verified before any of its bytes is passed on. **Only `'end'` means that all of them were intact**: a damaged segment fails the
 * stream after the segments before it. Chunks share memory that can't be transferred to another thread.
 *
 * {@link openReader} reads a part of the file; {@link decryptFile} writes a file that appears complete or not at all.
 *
 * @param from The sealed file.
 * @param options By what, and how.
 * @throws TypeError and RangeError for wrong options. Other errors destroy the stream with a SealError; `signal` destroys it with an
 *   AbortError, as for all Node streams.
 *
 * @example
 * await pipeline(decryptFileToStream('video.seal', { key }), answer);
 */
export function decryptFileToStream(
  from: string | URL,
  options: DecryptFileToStreamOptions,
): DecryptFileStream {
  const given = optionsOf('decryptFileToStream', options);
  const file = new SealedFile(path('from', from));
  const make = opening('decryptFileToStream', given, file);
  return new ConversionReadable(make, file, picked(given, 'signal', 'highWaterMark'));
}
