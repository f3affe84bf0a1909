// A stream's header by itself.

import { native } from './binding';
import { translated } from './errors';
import { type SourceInput, sourceArgument } from './sources';

/**
 * The bytes of a sealed stream's header: those of the header itself if it is sound, else of its copy. They can be kept
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
