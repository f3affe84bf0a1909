// Encrypts and decrypts whole files.

import type { DecryptReport, EncryptReport } from '../../native/binding';
import { native } from '../internal/binding';
import type { Bytes } from '../internal/bytes';
import { damageSettings } from '../internal/damage';
import { rangeError } from '../internal/errors';
import { run } from '../internal/operation';
import {
  checked,
  DAMAGE,
  DETACHED,
  openSettings,
  path,
  placementSettings,
  sealSettings,
} from '../internal/options';
import { Identities } from '../keys/identities';
import { Recipients } from '../keys/recipients';
import type { DecryptOptions, EncryptOptions } from '../keys/types';
import { fileSource } from '../sources/sources';
import type { DetachedHeader, HeaderTarget } from './header';
import type { DamageOptions, FileOptions, OperationOptions } from './types';

/**
 * Encrypts the regular file `from` into the sealed file `to`.
 *
 * `to` appears complete or not at all: the output is written under a temporary name in the same directory, flushed unless `flush` is
 * `false`, and renamed. A new file gets the permissions of `from`.
 *
 * With `resume` it resumes an interrupted operation: see {@link FileOptions.resume}.
 *
 * @param from The file to encrypt.
 * @param to The file to write.
 * @param options For whom, and how.
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
  options: EncryptOptions & OperationOptions & FileOptions,
): Promise<EncryptReport> {
  return encryptTo('encryptFile', from, to, options, { header: DETACHED_TWIN, headerTo: DETACHED_TWIN });
}

/**
 * Encrypts the regular file `from` into the file `to`, without the stream's header, and returns the header in the report: without it the
 * file cannot be opened. With `headerTo` the header is also written to a file, before `to` appears.
 *
 * The header is about a hundred bytes for each recipient, to be stored elsewhere, such as in an object's metadata. It has no room for
 * {@link rewrap} in place, and no copy. Otherwise the same as {@link encryptFile}.
 *
 * @param from The file to encrypt.
 * @param to The file to write.
 * @param options For whom, and how. `resume` is not possible.
 * @throws As {@link encryptFile}; `TargetExists` also if the file of `headerTo` exists, even with `overwrite`.
 *
 * @example
 * const { header } = await encryptFileDetached('photo.jpg', 'photo.body', { key });
 * await decryptFile('photo.body', 'photo.copy.jpg', { key, header });
 */
export async function encryptFileDetached(
  from: string | URL,
  to: string | URL,
  options: EncryptFileDetachedOptions,
): Promise<DetachedEncryptReport> {
  const report = await encryptTo('encryptFileDetached', from, to, options, {
    header: 'the report has the header',
    resume: 'it is an option of encryptFile',
    resumeSecret: 'it is an option of encryptFile',
  });
  return report as DetachedEncryptReport;
}

/** Options of {@link encryptFileDetached}. */
export type EncryptFileDetachedOptions = EncryptOptions &
  OperationOptions &
  Pick<FileOptions, 'overwrite' | 'flush'> &
  HeaderTarget;

/** @param refused Options of the other function, and what to say about each. */
async function encryptTo(
  name: 'encryptFile' | 'encryptFileDetached',
  from: string | URL,
  to: string | URL,
  options: EncryptOptions & OperationOptions & FileOptions & HeaderTarget,
  refused: Readonly<Record<string, string>>,
): Promise<EncryptReport> {
  const [source, target] = [path('from', from), path('to', to)];
  const settings = sealSettings(options, true);
  refuseOptions(name, options, refused);
  if (name === 'encryptFileDetached') settings.detached = true;
  const recipients = Recipients.of(options);
  const placement = placementSettings(options);
  if (placement.resume && placement.resumeSecret === undefined && !recipients.canOpen) {
    throw rangeError('resumeSecret', 'is needed to resume if no recipient is a key or a passphrase');
  }
  return run(name, options, (how, operation) =>
    recipients.use(settings.context, operation, (chosen) =>
      native.encryptFile(source, target, chosen, settings, placement, how),
    ),
  );
}

/** Refuses options that another function has, and says which. */
function refuseOptions(name: string, options: object, refused: Readonly<Record<string, string>>): void {
  for (const [option, why] of Object.entries(refused)) {
    if (
      Object.hasOwn(options, option) &&
      (options as Readonly<Record<string, unknown>>)[option] !== undefined
    ) {
      throw rangeError(option, `is not an option of ${name}: ${why}`);
    }
  }
}

const DETACHED_TWIN = 'encryptFileDetached leaves the header out of the file';

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
  options: DecryptOptions & OperationOptions & FileOptions & DamageOptions & DetachedHeader,
): Promise<DecryptReport> {
  const [source, target] = [path('from', from), path('to', to)];
  const settings = openSettings(options);
  const { onDamage, header } = checked(options, { ...DAMAGE, ...DETACHED });
  const identities = Identities.of(options);
  const placement = placementSettings(options);
  if (header && placement.resume) throw notResumable();
  const sealed = fileSource(source, header);
  const slots = () => native.sourceProviderSlots(sealed);
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

/** The report of sealing with a detached header. */
export interface DetachedEncryptReport extends EncryptReport {
  /** The stream's header: without it the file cannot be opened. */
  header: Bytes;
}

function notResumable(): RangeError {
  return rangeError('resume', "can't be combined with a detached header");
}
