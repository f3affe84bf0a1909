// One whole sealed file out of several damaged copies of it.

import type { HealReport } from '../../native/binding';
import { native } from '../internal/binding';
import { rangeError, typeError } from './errors';
import { run } from '../internal/operation';
import { checkedOptions, checkedPath, healSettings, placementSettings } from '../internal/options';
import { type SourceInput, sourceArgument } from '../sources/sources';
import type { FileOptions, OpenOptions, OperationOptions } from '../internal/types';

/** How to heal. */
export type HealOptions = Pick<OpenOptions, 'maxSegmentSize'> &
  OperationOptions &
  Pick<FileOptions, 'overwrite' | 'flush'>;

/**
 * Writes a whole sealed file out of damaged copies of it, without a key. Each segment is taken from `damaged` if it is
 * sound there, else from the first replica that has it, else put together from what the copies have of it. Of a replica no
 * more is read than its header, its end, and what is wanted.
 *
 * `to` appears complete or not at all, and no copy is ever written to. A new file gets the permissions of `damaged`, if
 * that is a file.
 *
 * Do not touch bytes in memory until the promise settles: other threads read them. **Transferring or detaching their
 * ArrayBuffer meanwhile is not memory-safe.** Memory that can be resized or is shared is copied first.
 *
 * What a digest can't tell is tampering: who made a replica may have changed it. Opening the file with the key tells.
 *
 * @param damaged The copy to heal: a path, a `file:` URL, or bytes.
 * @param replicas Other copies, one or more, each of them damaged or not.
 * @param to Where the whole file goes; none of the copies.
 * @throws SealError, such as `NotHealed` for segments that are nowhere, `ForeignReplica` for a copy of another stream, or
 *   `NoDigests` for a stream in which only the key tells; the reason of `signal`; TypeError and RangeError for options.
 *   `to` is then as it was.
 */
export async function heal(
  damaged: SourceInput,
  replicas: readonly SourceInput[],
  to: string | URL,
  options: HealOptions = {},
): Promise<HealReport> {
  const first = sourceArgument('damaged', damaged);
  const given: unknown = replicas;
  if (!Array.isArray(given)) throw typeError('replicas', 'an array', given);
  if (given.length === 0) throw rangeError('replicas', 'must not be empty');
  const others = Array.from(given, (replica: unknown, index) =>
    sourceArgument(`replicas[${index}]`, replica),
  );
  const target = checkedPath('to', to);
  const settings = healSettings(checkedOptions(options));
  const placement = placementSettings(options);
  return run(options, {
    name: 'heal',
    start: (how) => native.heal(first, others, target, settings, placement, how),
    done: ({ plaintextSize }) => plaintextSize,
  });
}
