// What a stream shows without a key.

import type { StreamInfo } from '../../native/binding';
import { native } from '../internal/binding';
import { checkedBytes, isBytes } from '../internal/bytes';
import { awaitNative, callNative, rangeError, typeError } from '../internal/errors';
import { optionsOf, sealSettings } from '../internal/option-tables';
import { byteCount } from '../internal/options';
import { Recipients } from '../keys/recipients';
import { pathOfSource } from '../sources/sources';
import { isAccess, type SecretArgument } from '../keys/registry';
import type { EncryptOptions } from '../keys/types';

/**
 * Reads what a sealed file, or a sealed stream in memory, states about itself. Nothing of it is authenticated: anyone could have
 * written it.
 *
 * @param source A path, a `file:` URL, or the stream's bytes.
 * @throws SealError if it is not a sealed stream or cannot be read; TypeError for another `source`.
 *
 * @example
 * const { slots, plaintextSize } = await inspect('photo.seal');
 */
export async function inspect(source: string | URL | Uint8Array): Promise<StreamInfo> {
  return awaitNative(() =>
    isBytes(source)
      ? native.inspectBytes(checkedBytes('source', source))
      : native.inspectFile(pathOfSource('source', source)),
  );
}

/**
 * Returns the exact size in bytes of the sealed stream of `plaintextSize` bytes.
 *
 * @param plaintextSize Bytes of the plaintext.
 * @param options The options that the stream will be sealed with. `keyId` or `recipients`, `frameSize`, `segmentSize` and `digest`
 *   affect the size. `target` is `'bytes'` by default, for {@link encrypt} and {@link encryptSync}; `'file'` is for
 *   {@link encryptFile}, whose header has room for changes and a copy.
 * @throws TypeError or RangeError for wrong options, for a stream of more than 2^53 - 1 bytes, and for a provider, which chooses the size of its blob.
 *
 * @example
 * const size = sealedSize(1_000_000, { target: 'file', digest: 'sha256' });
 */
export function sealedSize(plaintextSize: number, options: SealedSizeOptions = {}): number {
  const given = optionsOf('sealedSize', options);
  const size = byteCount('plaintextSize', plaintextSize);
  const settings = sealSettings(given, given.target === 'file');
  // Any key has the same size.
  if (given.recipients === undefined) given.key ??= new Uint8Array(32);
  const { items } = Recipients.of(given);
  if (items.some(isAccess)) {
    const found = 'one, which chooses the size of its blob';
    throw typeError('recipients', 'without providers', given.recipients, found);
  }
  const sealed = callNative(() => native.sealedSize(size, items as SecretArgument[], settings));
  if (Number.isSafeInteger(sealed)) return sealed;
  throw rangeError(
    'plaintextSize',
    `must be less: the sealed stream would have more than ${Number.MAX_SAFE_INTEGER} bytes`,
  );
}

/** Options of {@link sealedSize}: those that the stream will be sealed with. */
export interface SealedSizeOptions extends EncryptOptions {
  /** Whether the stream will be in memory or in a file. */
  target?: 'bytes' | 'file' | undefined;
}
