// A stream's header by itself, and apart from the stream.

import type { PlacementSettings } from '../../native/binding';
import { native } from '../internal/binding';
import { fixedBytes } from '../internal/bytes';
import { translated } from './errors';
import { run } from '../internal/operation';
import { checkedOptions, checkedPath, placementSettings } from '../internal/options';
import { type SourceInput, sourceArgument } from '../sources/sources';
import type { FileOptions, OperationOptions } from '../internal/types';

/**
 * The bytes of a sealed stream's header: those of the header itself if it is sound and no older than its
 * copy, else of that. They can be kept
 * apart from the stream, for the day when both are lost.
 *
 * Nothing in them is secret, and nothing of them is authenticated without the key. Whoever keeps the header of a time
 * when another key opened the stream can put it back, and that key opens the stream again.
 *
 * @param source A path, a `file:` URL, or the stream's bytes.
 * @throws SealError if it is no sealed stream, or if it cannot be read; TypeError for another `source`.
 */
export async function exportHeader(source: SourceInput): Promise<Buffer> {
  const argument = sourceArgument('source', source);
  try {
    return await native.exportHeader(argument);
  } catch (error) {
    throw translated(error);
  }
}

/** How to open a stream whose header is kept apart. */
export interface DetachedHeader {
  /**
   * The stream's header, where the source is its body alone: what {@link encryptFile} reports with `header: 'detached'`, or
   * {@link detachHeader} gives. Offsets in failures and reports are then those of the whole stream, header and body.
   */
  header?: Uint8Array | undefined;
}

/** How to write the file. */
export type HeaderFileOptions = Pick<OperationOptions, 'signal'> & Pick<FileOptions, 'overwrite' | 'flush'>;

/** Where a header goes that is taken from its stream. */
export interface HeaderTarget {
  /**
   * Write the header into this file too. It stands in its place before the body does, so that whatever ends the operation
   * leaves no body without its header; the file is its owner's alone.
   */
  headerTo?: string | URL | undefined;
}

/**
 * Writes a header and the body in the file `from` as one sealed stream into the file `to`, which appears complete or not at all. A
 * new file gets the permissions of `from`.
 *
 * Nobody without a key can tell for certain that the two belong together. What can be seen is checked first: that the body starts
 * with a first segment of the header's sizes and ends as a stream of its length does. {@link verify} with a key tells the rest.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for options. `to` is then as it was.
 */
export async function attachHeader(
  header: Uint8Array,
  from: string | URL,
  to: string | URL,
  options: HeaderFileOptions = {},
): Promise<void> {
  const bytes = Buffer.from(fixedBytes('header', header));
  const [source, target] = [checkedPath('from', from), checkedPath('to', to)];
  const placement = placementSettings(checkedOptions(options));
  await run(
    { signal: options.signal },
    {
      name: 'attachHeader',
      async start(how) {
        await native.attachHeader(bytes, source, target, placement, how);
        return {};
      },
      done: () => 0,
    },
  );
}

/**
 * Writes the body of the sealed stream in the file `from` into the file `to`, which appears complete or not at all, and gives the
 * header: the one by which {@link decryptFile} would open `from`. `from` stays as it is. A new file gets its permissions.
 *
 * Without the header nobody can open the body, so keep it safe. A file that {@link encryptFile} made has a copy of its header in
 * its end, and that stays in the body: seal with `header: 'detached'` where the body is to be without.
 *
 * With `headerTo` the header goes into a file too, which must not exist, whatever `overwrite` says: an older header may be the only one
 * that is left of its stream.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for options. `to` is then as it was.
 */
export async function detachHeader(
  from: string | URL,
  to: string | URL,
  options: HeaderFileOptions & HeaderTarget = {},
): Promise<Buffer> {
  const [source, target] = [checkedPath('from', from), checkedPath('to', to)];
  const placement = placementSettings(checkedOptions(options));
  placeHeader(placement, options);
  return run(
    { signal: options.signal },
    {
      name: 'detachHeader',
      start: (how) => native.detachHeader(source, target, placement, how),
      done: () => 0,
    },
  );
}

/** The header of an opening call, checked. @internal */
export function headerOption({ header }: DetachedHeader): Uint8Array | undefined {
  // A copy, since the operation may begin later.
  return header === undefined ? undefined : Buffer.from(fixedBytes('header', header));
}

/** Has a header that is taken from its stream go where the caller wants it. @internal */
export function placeHeader(placement: PlacementSettings, { headerTo }: HeaderTarget): void {
  if (headerTo !== undefined) placement.headerTo = checkedPath('headerTo', headerTo);
}
