// What is left of a damaged sealed file, and a map of the rest.

import type { DamageMap, SalvageSettings, ServiceSlot } from '../../native/binding';
import { bare } from '../internal/null-prototype';
import { native } from '../internal/binding';
import { fixedBytes, isBytes } from '../internal/bytes';
import { rangeError, SealError, translated, typeError } from './errors';
import { Identities } from '../keys/identities';
import { run } from '../internal/operation';
import { checkedOptions, checkedPath, checkedString, openSettings, placementSettings } from '../internal/options';
import { fileAt } from '../sources/sources';
import type { FileOptions, OpenOptions, OperationOptions } from '../internal/types';

/** How to salvage. */
export type SalvageOptions = OpenOptions &
  OperationOptions &
  Pick<FileOptions, 'overwrite' | 'flush'> &
  SalvageChoices;

/** What is of salvaging alone. */
export interface SalvageChoices {
  /**
   * A header of the stream that was kept elsewhere: the first bytes of another copy, or of the file when it was sound;
   * bytes behind the header do no harm. It is preferred to the file's own where it unlocks.
   */
  header?: Uint8Array | undefined;
  /**
   * What stands for what is lost: `'zeros'`, the default, so that every byte is where it was (a sparse file where the
   * system has them), or `'omit'`, nothing, so that what came out stands side by side.
   */
  lost?: 'zeros' | 'omit' | undefined;
}

/**
 * Gets everything that verifies out of the damaged sealed file `from`, into the file `to`: frame by frame, whatever is
 * cut out, overwritten, doubled, moved or unreadable. The map tells what is lost, where and why.
 *
 * Not one byte comes out that was not authenticated, and a file of which nothing at all comes out makes no `to`: look at
 * `outcome`. A new file gets the permissions of `from` without those of group and others. Progress counts bytes of the
 * source.
 *
 * @throws SealError where no header unlocks with the key, or reading and writing fail; the reason of `signal`; TypeError
 *   and RangeError for options. `to` is then as it was.
 */
export async function salvage(
  from: string | URL,
  to: string | URL,
  options: SalvageOptions,
): Promise<DamageMap> {
  const [source, target] = [checkedPath('from', from), checkedPath('to', to)];
  const settings = openSettings(checkedOptions(options));
  const identities = Identities.of(options);
  const wanted = salvageSettings(options);
  const placement = placementSettings(options);
  return run(options, {
    name: 'salvage',
    async start(how, running) {
      const map = await identities.use(
        () => serviceSlots(source, wanted.header),
        settings.context,
        running,
        (offered) => native.salvageFile(source, target, offered, settings, wanted, placement, how),
      );
      for (const { firstSegment: index, plaintextRange, wireRange, cause, message } of map.lost) {
        running.watch.damage({ index, plaintextRange, ...(wireRange && { wireRange }), cause, message });
      }
      return map;
    },
    done: ({ sourceSize }) => sourceSize,
  });
}

/** Those of the header that was kept elsewhere, or of the file's own; none where that is damaged, or none at all. */
async function serviceSlots(path: string, header: Uint8Array | undefined): Promise<ServiceSlot[]> {
  try {
    return header ? native.headerServiceSlots(header) : await native.sourceServiceSlots(fileAt(path));
  } catch (error) {
    // What can't be read at all is told; a header that is damaged is what salvaging is for.
    if (isHeaderFailure(error)) return [];
    throw error;
  }
}

function isHeaderFailure(error: unknown): boolean {
  const failure = translated(error);
  return (
    failure instanceof SealError &&
    failure.failure.kind !== 'Io' &&
    failure.failure.kind !== 'NotARegularFile'
  );
}

function salvageSettings({ header, lost }: SalvageChoices): SalvageSettings {
  const settings: SalvageSettings = bare({});
  if (header !== undefined) {
    if (!isBytes(header)) throw typeError('header', 'a Uint8Array', header);
    settings.header = fixedBytes('header', header);
  }
  if (lost !== undefined) {
    const word = checkedString('lost', lost);
    if (word !== 'zeros' && word !== 'omit') throw rangeError('lost', "must be 'zeros' or 'omit'");
    settings.omitLost = word === 'omit';
  }
  return settings;
}

/** Shapes that the addon reports as they are. */
export type {
  ConflictKind,
  DamageMap,
  HeaderOrigin,
  LossCause,
  LostRange,
  SalvageConflict,
  SalvagedEnd,
  SalvagedHeader,
  SalvageOutcome,
  SalvageRecovered,
} from '../../native/binding';
