// Recovers the readable parts of a damaged sealed file, and maps the rest.

import type { DamageMap, SalvageSettings, ServiceSlot } from '../../native/binding';
import { native, nullPrototype } from '../internal/binding';
import { publicError } from '../internal/errors';
import { run, type Start } from '../internal/operation';
import { checked, openSettings, path, placementSettings, SALVAGE } from '../internal/options';
import { Identities } from '../keys/identities';
import type { OpenOptions } from '../keys/types';
import { fileSource } from '../sources/sources';
import { SealError } from './errors';
import type { FileOptions, OperationOptions } from './types';

/** Options of {@link salvage}. */
export type SalvageOptions = OpenOptions &
  OperationOptions &
  Pick<FileOptions, 'overwrite' | 'flush'> &
  SalvageChoices;

/** Options that only {@link salvage} has. */
export interface SalvageChoices {
  /**
   * A header of the stream that was stored elsewhere: the first bytes of another copy, or of the file when it was intact. Bytes after
   * the header are ignored. If it unlocks, it is preferred to the file's own.
   */
  header?: Uint8Array | undefined;
  /**
   * What to write for lost bytes: `'zeros'`, the default, keeps every byte at its offset (in a sparse file if the system has them);
   * `'omit'` writes nothing, so that recovered parts follow each other.
   */
  lost?: 'zeros' | 'omit' | undefined;
}

/**
 * Recovers everything that verifies from the damaged sealed file `from` into the file `to`: frame by frame, also if parts are cut
 * out, overwritten, duplicated, moved or unreadable. The map it returns shows what is lost, where and why.
 *
 * Only authenticated bytes are written. If nothing is recovered, there is no `to`: check `outcome`. A new file gets the permissions
 * of `from` without those of group and others. Progress counts bytes of the source.
 *
 * @throws SealError if no header unlocks with the key, or if reading or writing fails; the reason of `signal`; TypeError and
 *   RangeError for wrong options. `to` is then unchanged.
 *
 * @example
 * const map = await salvage('photo.seal', 'photo.jpg', { key });
 * await writeFile('photo.html', damagePage(map));
 */
export async function salvage(
  from: string | URL,
  to: string | URL,
  options: SalvageOptions,
): Promise<DamageMap> {
  const [source, target] = [path('from', from), path('to', to)];
  const settings = openSettings(options);
  const identities = Identities.of(options);
  const { header, lost } = checked(options, SALVAGE);
  const choices: SalvageSettings = nullPrototype({ ...(header && { header }), omitLost: lost === 'omit' });
  const placement = placementSettings(options);
  const recover: Start<DamageMap> = async (how, operation) => {
    const slots = () => serviceSlots(source, header);
    const map = await identities.use(slots, settings.context, operation, (offered) =>
      native.salvageFile(source, target, offered, settings, choices, placement, how),
    );
    for (const { segmentCount: _, ...damage } of map.lost) operation.diagnostics.damage(damage);
    return map;
  };
  return run('salvage', options, recover, { total: ({ sourceSize }) => sourceSize });
}

/** The slots of the header that the caller gave, or of the file's own; none if that header is damaged. */
async function serviceSlots(path: string, header: Uint8Array | undefined): Promise<ServiceSlot[]> {
  try {
    return header ? native.headerServiceSlots(header) : await native.sourceServiceSlots(fileSource(path));
  } catch (error) {
    const failure = publicError(error);
    // Salvaging works without an intact header, but not without a readable file.
    if (failure instanceof SealError && !UNREADABLE.has(failure.failure.kind)) return [];
    throw error;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(['Io', 'NotARegularFile']);
