// Seals and opens between paths and file descriptors.

import type { End } from '../../../native/binding';
import { native } from '../../internal/binding';
import { run } from '../../internal/operation';
import { openSettings, optionsOf, placementSettings, sealSettings } from '../../internal/option-tables';
import { integer, path } from '../../internal/options';
import { Identities } from '../../keys/identities';
import { Recipients } from '../../keys/recipients';
import type { DecryptReport, EncryptReport } from '../../../native/binding';
import type { DecryptFileOptions, EncryptFileOptions } from '../../api/files';
import { fileSource } from '../../sources/sources';

/** A regular file by its path, or an open file descriptor, which is duplicated and never closed. */
export type StreamEnd = { readonly path: string | URL } | { readonly fd: number };

/** Where a conversion reads and writes. */
export interface StreamEnds {
  readonly source: StreamEnd;
  readonly target: StreamEnd;
}

/**
 * Seals or opens from one end to the other, in order if an end is a file descriptor.
 *
 * A target that is a path appears complete or not at all. If the promise rejects, discard what a target that is a descriptor
 * received. `overwrite` and `flush` only apply to a path. A stream sealed into a file has the header of a file; otherwise it has the
 * compact one.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options.
 */
export async function convertDescriptors(
  direction: 'encrypt',
  ends: StreamEnds,
  options: EncryptFileOptions,
): Promise<EncryptReport>;
export async function convertDescriptors(
  direction: 'decrypt',
  ends: StreamEnds,
  options: DecryptFileOptions,
): Promise<DecryptReport>;
export async function convertDescriptors(
  direction: 'encrypt' | 'decrypt',
  ends: StreamEnds,
  options: EncryptFileOptions | DecryptFileOptions,
): Promise<EncryptReport | DecryptReport> {
  const [source, target] = [checkedEnd('source', ends.source), checkedEnd('target', ends.target)];
  if (direction === 'encrypt') {
    const given = optionsOf('encryptFile', options);
    const [settings, placement] = [sealSettings(given, target.path !== undefined), placementSettings(given)];
    const recipients = Recipients.of(given);
    return run('encrypt', given, (how, operation) =>
      recipients.use(settings.context, operation, (chosen) =>
        native.encryptBetween(source, target, chosen, settings, placement, how),
      ),
    );
  }
  const given = optionsOf('decryptFile', options);
  const [settings, placement] = [openSettings(given), placementSettings(given)];
  const identities = Identities.of(given);
  const slots = () => (source.path === undefined ? [] : native.sourceProviderSlots(fileSource(source.path)));
  return run('decrypt', given, (how, operation) =>
    identities.use(slots, settings.context, operation, (offered) =>
      native.decryptBetween(source, target, offered, settings, placement, how),
    ),
  );
}

function checkedEnd(name: string, end: StreamEnd): End {
  if ('path' in end) return { path: path(`${name}.path`, end.path) };
  return { fd: integer(0, 0x7fff_ffff)(`${name}.fd`, end.fd) };
}
