// Makes one intact sealed file from several damaged copies.

import type { HealReport } from '../../native/binding';
import { native } from '../internal/binding';
import { run } from '../internal/operation';
import { optionsOf, placementSettings } from '../internal/option-tables';
import { list, path, picked } from '../internal/options';
import { releaseSource, type SourceInput, sourceArgument } from '../sources/sources';
import type { SenderOptions } from '../keys/types';
import type { OperationOptions, TargetOptions } from './types';

/** Options of {@link heal}. */
export interface HealOptions extends OperationOptions, TargetOptions, SenderOptions {
  /** The largest segment size to accept, in bytes; 67,108,864 by default. It bounds the memory that decrypting takes. */
  maxSegmentSize?: number | undefined;
}

/**
 * Writes an intact sealed file from damaged copies of it, without a key. Each segment is taken from `damaged` if it is intact there,
 * else from the first replica that has it, else assembled from parts of several copies. Of a replica only its header, its end and the
 * needed segments are read.
 *
 * `to` appears complete or not at all, and no copy is changed. A new file gets the permissions of `damaged`, if that is a file.
 *
 * Bytes in memory may change or be transferred as those of {@link decrypt} may.
 *
 * A digest does not show tampering: the maker of a replica may have changed it. Opening the file with the key does.
 *
 * @param damaged The copy to heal: a path, a `file:` URL, or bytes.
 * @param replicas One or more other copies, damaged or not.
 * @param to The file to write, which is none of the copies.
 * @param options Whether to overwrite and to flush, limits, and how to run.
 * @returns What was taken from where.
 * @throws SealError, such as `NotHealed` if no copy has some segment, `ForeignReplica` for a copy of another stream, or `NoDigests`
 *   for a stream that only its key can check; the reason of `signal`; TypeError and RangeError for wrong options. `to` is then
 *   unchanged.
 *
 * @example
 * const report = await heal('disk/photo.seal', ['backup/photo.seal'], 'photo.seal');
 * console.log(report.healed);
 */
export async function heal(
  damaged: SourceInput,
  replicas: readonly SourceInput[],
  to: string | URL,
  options: HealOptions = {},
): Promise<HealReport> {
  const given = optionsOf('heal', options);
  const first = sourceArgument('damaged', damaged);
  const others = list('replicas', replicas, 1, Infinity, sourceArgument);
  try {
    const target = path('to', to);
    const settings = picked(given, 'maxSegmentSize', 'senders');
    const placement = placementSettings(given);
    return await run('heal', given, (how) => native.heal(first, others, target, settings, placement, how));
  } finally {
    for (const source of [first, ...others]) releaseSource(source);
  }
}
