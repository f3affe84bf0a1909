/// <reference types="node" preserve="true" />

/**
 * A stream's header by itself, and detached from the stream.
 *
 * @packageDocumentation
 */

import { native } from '../internal/binding';
import { type NodeBuffer, copiedBytes } from '../internal/bytes';
import { awaitNative } from '../internal/errors';
import { run } from '../internal/operation';
import { optionsOf, placementSettings } from '../internal/option-tables';
import { path } from '../internal/options';
import { releaseSource, type SourceInput, sourceArgument } from '../sources/sources';
import type { CancelOptions, TargetOptions } from './types';

export { rewrapHeader, type RewrapHeaderOptions } from './rewrap';

/**
 * Returns the bytes of a sealed stream's header: of the header itself if it is intact and no older than its copy, else of the copy.
 * Store them apart from the stream, in case both are lost.
 *
 * Nothing in them is secret, and nothing of them is authenticated without the key. An attacker who kept an older header, from when
 * another key opened the stream, can put it back; then that key opens the stream again.
 *
 * @param source A path, a `file:` URL, or the stream's bytes.
 * @throws SealError if it is not a sealed stream or cannot be read; TypeError for another `source`.
 *
 * @example
 * await writeFile('photo.header', await exportHeader('photo.seal'));
 */
export async function exportHeader(source: SourceInput): Promise<NodeBuffer> {
  const argument = sourceArgument('source', source);
  try {
    return await awaitNative(() => native.exportHeader(argument));
  } finally {
    releaseSource(argument);
  }
}

/** Options of {@link attachHeader}. */
export interface AttachHeaderOptions extends CancelOptions, TargetOptions {}

/** Options of {@link detachHeader}. */
export interface DetachHeaderOptions extends AttachHeaderOptions, HeaderTarget {}

/** Where to write a header that is detached from its stream. */
export interface HeaderTarget {
  /**
   * Also write the header to this file, which only its owner can read. It is complete before the body appears, so that an interrupted
   * operation never leaves a body without its header.
   */
  headerTo?: string | URL | undefined;
}

/**
 * Joins a header and the body in the file `from` into one sealed stream in the file `to`, which appears complete or not at all. A new
 * file gets the permissions of `from`.
 *
 * Without a key it is not certain that header and body belong together. Their visible properties are checked first: the body starts
 * with a first segment of the sizes in the header, and ends as a stream of its length does. {@link verify} with a key checks the rest.
 *
 * @param header The header of this body.
 * @param from The file with the body.
 * @param to The file to write.
 * @param options Whether to overwrite and to flush, and `signal`.
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options. `to` is then unchanged.
 *
 * @example
 * await attachHeader(await readFile('photo.header'), 'photo.body', 'photo.seal');
 */
export async function attachHeader(
  header: Uint8Array,
  from: string | URL,
  to: string | URL,
  options: AttachHeaderOptions = {},
): Promise<void> {
  const given = optionsOf('attachHeader', options);
  const bytes = copiedBytes('header', header);
  const [source, target] = [path('from', from), path('to', to)];
  const placement = placementSettings(given);
  await run('attachHeader', given, async (how) => {
    await native.attachHeader(bytes, source, target, placement, how);
    return {};
  });
}

/**
 * Writes the body of the sealed file `from` into the file `to`, which appears complete or not at all, and returns the header: the one
 * with which {@link decryptFile} would open `from`. `from` is unchanged. A new file gets its permissions.
 *
 * Without the header the body cannot be opened, so keep it safe. A file from {@link encryptFile} has a copy of its header in its end,
 * which stays in the body; {@link encryptFileDetached} leaves none there.
 *
 * With `headerTo` the header is also written to a file. That file must not exist, even with `overwrite`: an older header may be the
 * only one of its stream.
 *
 * @param from The sealed file.
 * @param to The file to write the body to.
 * @param options A file for the header, whether to overwrite and to flush, and `signal`.
 * @returns The header.
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options. `to` is then unchanged.
 *
 * @example
 * const header = await detachHeader('photo.seal', 'photo.body', { headerTo: 'photo.header' });
 * await decryptFile('photo.body', 'photo.jpg', { key, header });
 */
export async function detachHeader(
  from: string | URL,
  to: string | URL,
  options: DetachHeaderOptions = {},
): Promise<NodeBuffer> {
  const given = optionsOf('detachHeader', options);
  const [source, target] = [path('from', from), path('to', to)];
  const placement = placementSettings(given);
  return run('detachHeader', given, (how) => native.detachHeader(source, target, placement, how));
}

// As in `index.ts`.
Object.freeze(module.exports);
