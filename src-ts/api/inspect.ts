// What can be told without a key.

import { native } from '../internal/binding';
import { calling, rangeError, translated } from './errors';
import { fixedBytes, isBytes } from '../internal/bytes';
import { checkedInteger, checkedOptions, checkedPath, sealSettings } from '../internal/options';
import { Recipients } from '../keys/recipients';
import type { ForWhom, SealingOptions, StreamInfo } from '../internal/types';

/**
 * Reads what a sealed file, or a sealed stream in memory, says of itself. None of it is authenticated: it is what anyone
 * could have written.
 *
 * @param source A path, a `file:` URL, or the stream's bytes.
 * @throws SealError if it is no sealed stream, or if it cannot be read; TypeError for another `source`.
 */
export async function inspect(source: string | URL | Uint8Array): Promise<StreamInfo> {
  try {
    if (isBytes(source)) return native.inspectBytes(fixedBytes('source', source));
    return await native.inspectFile(checkedPath('source', source));
  } catch (error) {
    throw translated(error);
  }
}

/**
 * The exact size of the sealed stream of `plaintextSize` bytes, in bytes.
 *
 * @param options What the stream will be sealed with, of which `keyId` or `recipients`, `frameSize`, `segmentSize` and `digest` count.
 *   `kind` is `'bytes'` by default, for {@link encrypt} and {@link encryptSync}; `'file'` is for {@link encryptFile},
 *   whose header has room for changes and a copy.
 * @throws TypeError or RangeError.
 */
export function ciphertextSize(
  plaintextSize: number,
  options: SealingOptions & Partial<ForWhom> & { kind?: 'bytes' | 'file' | undefined } = {},
): number {
  const size = checkedInteger('plaintextSize', plaintextSize, 0, Number.MAX_SAFE_INTEGER);
  const kind: string = checkedOptions(options).kind ?? 'bytes';
  if (kind !== 'bytes' && kind !== 'file') throw rangeError('kind', "must be 'bytes' or 'file'");
  const settings = sealSettings(options, kind === 'file');
  const recipients = Recipients.forSize(options);
  return calling(() => native.ciphertextSize(size, recipients, settings));
}
