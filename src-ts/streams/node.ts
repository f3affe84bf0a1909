// Node's streams.

import type { Duplex } from 'node:stream';

import type { DecryptReport, EncryptReport } from '../../native/binding';
import type { DecryptNodeStreamOptions, EncryptNodeStreamOptions } from '../api/types';
import type { NodeBuffer } from '../internal/bytes';
import { type OptionsOf, optionsOf } from '../internal/option-tables';
import { picked } from '../internal/options';
import { ConversionStream } from './duplex';
import { opening } from './opening';
import { sealing } from './sealing';

/** A stream that takes plaintext and gives its sealed stream. */
export interface EncryptStream extends Duplex {
  /** Yields the chunks that `'data'` passes. */
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<NodeBuffer>;
  /**
   * Resolves to the report after the last bytes were passed on. Rejects with the stream's error, or with an AbortError if the stream is
   * destroyed without one. It may be ignored: it never causes an unhandled rejection.
   */
  readonly report: Promise<EncryptReport>;
}

/** A stream that takes a sealed stream and gives its plaintext. */
export interface DecryptStream extends Duplex {
  /** Yields the chunks that `'data'` passes. */
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<NodeBuffer>;
  /**
   * Resolves to the report after the end was verified. Rejects with the stream's error, or with an AbortError if the stream is
   * destroyed without one. It may be ignored: it never causes an unhandled rejection.
   */
  readonly report: Promise<DecryptReport>;
}

/**
 * Returns a Duplex that encrypts what is written to it. At most `concurrency` segments are in memory; other threads encrypt them in parallel.
 * A slow reader slows the writer, and the reverse.
 *
 * Write bytes only: a string fails. They are copied before `write` calls back, and are not changed. The header has no room for later
 * changes of who can open the stream: use {@link encryptFile} if that matters.
 *
 * @param options The recipients, `context`, sizes and digest, segments in memory, and the queues.
 * @returns A Duplex of bytes, with a `report`.
 * @throws TypeError and RangeError for wrong options. Other errors destroy the stream with a SealError; `signal` destroys it with an
 *   AbortError, as for all Node streams.
 *
 * @example
 * await pipeline(createReadStream('a'), createEncryptStream({ key }), createWriteStream('a.seal'));
 */
export function createEncryptStream(options: EncryptNodeStreamOptions): EncryptStream {
  const given = optionsOf('createEncryptStream', options);
  return new ConversionStream(sealing('createEncryptStream', given), duplexOptions(given));
}

/**
 * Returns a Duplex that decrypts the sealed stream that is written to it. At most `concurrency` segments are in memory; other threads decrypt
 * them in parallel. A slow reader slows the writer, and the reverse.
 *
 * A segment is pushed after all of it was verified. **Only `'end'` means that the whole stream was there**: a stream that is cut, or has
 * another end, fails after its last intact segment; discard its output then. Chunks share memory that can't be transferred to another
 * thread.
 *
 * @param options The key or the identities, `context`, limits, how to treat damage, segments in memory, and the queues.
 * @returns A Duplex of bytes, with a `report`.
 * @throws TypeError and RangeError for wrong options. Other errors destroy the stream with a SealError; `signal` destroys it with an
 *   AbortError, as for all Node streams.
 *
 * @example
 * await pipeline(createReadStream('a.seal'), createDecryptStream({ key }), createWriteStream('a'));
 */
export function createDecryptStream(options: DecryptNodeStreamOptions): DecryptStream {
  const given = optionsOf('createDecryptStream', options);
  return new ConversionStream(opening('createDecryptStream', given), duplexOptions(given));
}

/** What Node's stream has to know. */
function duplexOptions(options: OptionsOf<'createEncryptStream'> | OptionsOf<'createDecryptStream'>) {
  return picked(options, 'signal', 'highWaterMark', 'readableHighWaterMark', 'writableHighWaterMark');
}
