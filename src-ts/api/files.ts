// Seals and opens whole files.

import type { DecryptReport, EncryptReport } from '../../native/binding';
import { native } from '../internal/binding';
import { damageSettings } from '../internal/damage';
import { rangeError } from '../internal/errors';
import { run } from '../internal/operation';
import {
  checked,
  DAMAGE,
  DETACHED,
  HEADER_PLACE,
  openSettings,
  path,
  placementSettings,
  sealSettings,
} from '../internal/options';
import { Identities } from '../keys/identities';
import { Recipients } from '../keys/recipients';
import type { OpenOptions, SealOptions } from '../keys/types';
import { fileSource } from '../sources/sources';
import type { DetachedHeader, HeaderTarget } from './header';
import type { DamageOptions, FileOptions, OperationOptions } from './types';

/**
 * Seals the regular file `from` into the file `to`.
 *
 * `to` appears complete or not at all: the output is written under a temporary name in the same directory, flushed unless `flush` is
 * `false`, and renamed. A new file gets the permissions of `from`.
 *
 * With `resume` it resumes an interrupted operation: see {@link FileOptions.resume}.
 *
 * With `header: 'detached'` the file gets the stream without its header, and the report's `header` has the header: without it the
 * file cannot be opened. With `headerTo` the header is also written to a file, before `to` appears.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options. `to` is then unchanged. With `resume` also
 *   a SealError of kind `JournalRefused` if the journal belongs to another operation, `SourceChanged` if `from` changed, and
 *   `TargetBusy` if another operation is writing `to`.
 *
 * @example
 * const report = await encryptFile('photo.jpg', 'photo.seal', { key, overwrite: true });
 * console.log(report.plaintextSize, report.sealedSize);
 */
export async function encryptFile(
  from: string | URL,
  to: string | URL,
  options: SealOptions & OperationOptions & FileOptions & HeaderApart,
): Promise<DetachedEncryptReport>;
export async function encryptFile(
  from: string | URL,
  to: string | URL,
  options: SealOptions & OperationOptions & FileOptions & HeaderOption,
): Promise<EncryptReport>;
export async function encryptFile(
  from: string | URL,
  to: string | URL,
  options: SealOptions & OperationOptions & FileOptions & HeaderOption,
): Promise<EncryptReport> {
  const [source, target] = [path('from', from), path('to', to)];
  const settings = sealSettings(options, true);
  const recipients = Recipients.of(options);
  const placement = placementSettings(options);
  if (placement.resume && placement.resumeSecret === undefined && !recipients.canOpen) {
    throw rangeError('resumeSecret', 'is needed to resume if no recipient is a key or a passphrase');
  }
  if (checked(options, HEADER_PLACE).header === 'detached') {
    if (placement.resume) throw notResumable();
    settings.detached = true;
  } else if (placement.headerTo !== undefined) {
    throw rangeError('headerTo', "needs header: 'detached'");
  }
  return run('encryptFile', options, (how, operation) =>
    recipients.use(settings.context, operation, (chosen) =>
      native.encryptFile(source, target, chosen, settings, placement, how),
    ),
  );
}

/**
 * Opens the sealed file `from` into the file `to`. `to` appears complete and verified or not at all, unless `onDamage` accepts
 * damage. A new file gets the permissions of `from` without those of group and others.
 *
 * With `resume` it resumes an interrupted operation: see {@link FileOptions.resume}. Until then the plaintext that was verified stays
 * beside `to`.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options. `to` is then unchanged. With `resume` also
 *   as {@link encryptFile}.
 *
 * @example
 * await decryptFile('photo.seal', 'photo.jpg', { key, onProgress: ({ bytesDone }) => console.log(bytesDone) });
 */
export async function decryptFile(
  from: string | URL,
  to: string | URL,
  options: OpenOptions & OperationOptions & FileOptions & DamageOptions & DetachedHeader,
): Promise<DecryptReport> {
  const [source, target] = [path('from', from), path('to', to)];
  const settings = openSettings(options);
  const { onDamage, header } = checked(options, { ...DAMAGE, ...DETACHED });
  const identities = Identities.of(options);
  const placement = placementSettings(options);
  if (header && placement.resume) throw notResumable();
  const sealed = fileSource(source, header);
  const slots = () => native.sourceServiceSlots(sealed);
  return run(
    'decryptFile',
    options,
    (how, operation) => {
      const damage = damageSettings(onDamage, operation);
      if (damage) settings.onDamage = damage;
      return identities.use(slots, settings.context, operation, (offered) =>
        native.decryptFile(sealed, target, offered, settings, placement, how),
      );
    },
    { callsCaller: typeof onDamage === 'function' },
  );
}

/** Where the header of a sealed file goes. */
export interface HeaderOption extends HeaderTarget {
  /**
   * `'detached'` leaves the header out of the file. The report then has it: about a hundred bytes for each recipient, to be stored
   * elsewhere, such as in an object's metadata. A detached header has no room for {@link rewrap} in place, and no copy. It can't be
   * combined with `resume`.
   */
  header?: 'detached' | undefined;
}

/** A header that is detached from the sealed file. */
export interface HeaderApart extends HeaderOption {
  /** Leave the header out of the file. */
  header: 'detached';
}

/** The report of sealing with a detached header. */
export interface DetachedEncryptReport extends EncryptReport {
  /** The stream's header: without it the file cannot be opened. */
  header: Buffer;
}

function notResumable(): RangeError {
  return rangeError('resume', "can't be combined with a detached header");
}
