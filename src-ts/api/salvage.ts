// Recovers the readable parts of a damaged sealed file, and maps the rest.

import type { DamageMap, SalvageSettings, ProviderSlot } from '../../native/binding';
import { native } from '../internal/binding';
import { nullPrototype } from '../internal/null-prototype';
import { publicError } from '../internal/errors';
import { run, type Start } from '../internal/operation';
import { openSettings, optionsOf, placementSettings } from '../internal/option-tables';
import { path, picked } from '../internal/options';
import { Identities } from '../keys/identities';
import type { DecryptOptions } from '../keys/types';
import { fileSource } from '../sources/sources';
import { SealError } from './errors';
import type { OperationOptions, TargetOptions } from './types';

/** Options of {@link salvage}. */
export interface SalvageOptions extends Omit<DecryptOptions, 'senders'>, OperationOptions, TargetOptions {
  /** The largest output that zeros in the place of lost bytes may make, in bytes; 1 TiB by default. */
  maxOutputSize?: number | undefined;
  /**
   * A header of the stream that was stored elsewhere: the first bytes of another copy, or of the file when it was intact. Bytes after
   * the header are ignored. If it unlocks, it is preferred to the file's own.
   */
  fallbackHeader?: Uint8Array | undefined;
  /**
   * What to write for lost bytes: `'zero'`, the default, keeps every byte at its offset (in a sparse file if the system has them);
   * `'skip'` writes nothing, so that recovered parts follow each other.
   */
  lost?: 'zero' | 'skip' | undefined;
}

/**
 * Recovers everything that verifies from the damaged sealed file `from` into the file `to`: frame by frame, also if parts are cut
 * out, overwritten, duplicated, moved or unreadable. The map it returns shows what is lost, where and why.
 *
 * Only authenticated bytes are written. A new file gets the permissions of `from` without those of group and others. Progress counts
 * bytes of the source.
 *
 * @param from The damaged sealed file.
 * @param to The file to write.
 * @param options The key or the identities, what to write for lost bytes, and how to run.
 * @returns The damage map.
 * @throws SealError of kind `NothingRecovered` if no frame verifies: the error's `map` shows what is lost. SealError also if no header
 *   unlocks with the key, or if reading or writing fails; the reason of `signal`; TypeError and RangeError for wrong options. `to` is
 *   then unchanged.
 *
 * @example
 * import { damagePage } from 'sealstream/report';
 *
 * const map = await salvage('photo.seal', 'photo.jpg', { key });
 * await writeFile('photo.html', damagePage(map));
 */
export async function salvage(
  from: string | URL,
  to: string | URL,
  options: SalvageOptions,
): Promise<DamageMap> {
  const [source, target] = [path('from', from), path('to', to)];
  const given = optionsOf('salvage', options);
  const settings = openSettings(given);
  if (given.maxOutputSize !== undefined) settings.maxOutputSize = given.maxOutputSize;
  const identities = Identities.of(given);
  const choices: SalvageSettings = picked(given, 'fallbackHeader', 'lost');
  const placement = placementSettings(given);
  const recover: Start<DamageMap> = async (how, operation) => {
    const slots = () => providerSlots(source, choices.fallbackHeader);
    const outcome = await identities.use(slots, settings.context, operation, (offered) =>
      native.salvage(source, target, offered, settings, choices, placement, how),
    );
    const { map, failure, code, message } = nullPrototype(outcome);
    for (const lost of map.lost) operation.diagnostics.damage(lost);
    if (failure && code !== undefined && message !== undefined)
      throw new SealError(message, code, failure, { map });
    return map;
  };
  return run('salvage', given, recover, { total: ({ sourceSize }) => sourceSize });
}

/** The slots of the header that the caller gave, or of the file's own; none if that header is damaged. */
async function providerSlots(path: string, header: Uint8Array | undefined): Promise<ProviderSlot[]> {
  try {
    return header ? native.headerProviderSlots(header) : await native.sourceProviderSlots(fileSource(path));
  } catch (error) {
    const failure = publicError(error);
    // Salvaging works without an intact header, but not without a readable file.
    if (SealError.is(failure) && !UNREADABLE.has(failure.failure.kind)) return [];
    throw error;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(['Io', 'NotARegularFile']);
