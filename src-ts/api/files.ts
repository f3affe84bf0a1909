// Encrypts and decrypts whole files.

import type { DecryptReport, EncryptReport } from '../../native/binding';
import { native } from '../internal/binding';
import type { NodeBuffer } from '../internal/bytes';
import { damageSettings } from '../internal/damage';
import { rangeError } from '../internal/errors';
import { run } from '../internal/operation';
import {
  openSettings,
  optionsOf,
  type OptionsOf,
  placementSettings,
  sealSettings,
} from '../internal/option-tables';
import { path } from '../internal/options';
import { Identities } from '../keys/identities';
import { Recipients } from '../keys/recipients';
import type { DecryptOptions, EncryptOptions } from '../keys/types';
import { fileSource } from '../sources/sources';
import type { HeaderTarget } from './header';
import type { DetachedHeader, DamageOptions, OperationOptions, ResumeOptions, TargetOptions } from './types';

/**
 * Encrypts the regular file `from` into the sealed file `to`.
 *
 * `to` appears complete or not at all: the output is written under a temporary name in the same directory, flushed unless `flush` is
 * `false`, and renamed. A new file gets the permissions of `from`.
 *
 * With `resume` it resumes an interrupted operation: see {@link ResumeOptions.resume}.
 *
 * @param from The file to encrypt.
 * @param to The file to write.
 * @param options The recipients, `context`, sizes and digest, how to treat the target, and how to run.
 * @returns Sizes and checksum.
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
  options: EncryptFileOptions,
): Promise<EncryptReport> {
  return encryptTo('encryptFile', from, to, optionsOf('encryptFile', options));
}

/**
 * Encrypts the regular file `from` into the file `to`, without the stream's header, and returns the header in the report: without it the
 * file cannot be opened. With `headerTo` the header is also written to a file, before `to` appears.
 *
 * The header is about a hundred bytes for each recipient, to be stored elsewhere, such as in an object's metadata. By default it has no
 * padding and no copy. Otherwise the same as {@link encryptFile}.
 *
 * @param from The file to encrypt.
 * @param to The file to write.
 * @param options The recipients, `context`, sizes and digest, a file for the header, how to treat the target, and how to run.
 * @returns Sizes, checksum and the header.
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
  const given = optionsOf('encryptFileDetached', options);
  return (await encryptTo('encryptFileDetached', from, to, given)) as DetachedEncryptReport;
}

/** Options of {@link encryptFile}. */
export interface EncryptFileOptions
  extends EncryptOptions, OperationOptions, TargetOptions, ResumeOptions, KeptMetadata {
  /**
   * For `resume`: 32 secret bytes, the same in every attempt, under which the journal keeps the stream's key. They are needed if no
   * recipient is a key or a passphrase. The bytes are copied during the call.
   */
  resumeSecret?: Uint8Array | undefined;
}

/** Options of {@link encryptFileDetached}. */
export interface EncryptFileDetachedOptions
  extends EncryptOptions, OperationOptions, TargetOptions, HeaderTarget, KeptMetadata {}

/** What a stream keeps of a file. */
export interface KeptMetadata {
  /**
   * Keeps the time of modification, the permission bits and the name of `from` in the stream, encrypted; `false` by default. They are in the
   * report of decrypting, and `decryptFile` restores time and bits if it is asked to.
   */
  metadata?: boolean | undefined;
}

/** Options of {@link decryptFile}. */
export interface DecryptFileOptions
  extends DecryptOptions, OperationOptions, TargetOptions, ResumeOptions, DamageOptions, DetachedHeader {
  /**
   * Gives `to` the time of modification of the file that was encrypted and, if `to` is new, its owner's permission bits; `false` by
   * default. A file that `to` replaces keeps its bits. A stream that was encrypted without `metadata` has nothing to restore. The name is never used.
   */
  metadata?: boolean | undefined;
}

async function encryptTo(
  name: 'encryptFile' | 'encryptFileDetached',
  from: string | URL,
  to: string | URL,
  options: OptionsOf<'encryptFile'> & OptionsOf<'encryptFileDetached'>,
): Promise<EncryptReport> {
  const [source, target] = [path('from', from), path('to', to)];
  const detached = name === 'encryptFileDetached';
  const settings = sealSettings(options, !detached);
  if (detached) settings.detached = true;
  if (options.metadata === true) settings.metadata = true;
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

/**
 * Decrypts the sealed file `from` into the file `to`. `to` appears complete and verified or not at all, unless `onDamage` accepts
 * damage. A new file gets the permissions of `from` without those of group and others.
 *
 * With `resume` it resumes an interrupted operation: see {@link ResumeOptions.resume}. Until then the plaintext that was verified stays
 * beside `to`.
 *
 * @param from The sealed file.
 * @param to The file to write.
 * @param options The key or the identities, how to treat the target and damage, and how to run.
 * @returns Sizes, the slot that opened the stream, and accepted damage.
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for wrong options. `to` is then unchanged. With `resume` also
 *   as {@link encryptFile}.
 *
 * @example
 * await decryptFile('photo.seal', 'photo.jpg', { key, onProgress: ({ bytesDone }) => console.log(bytesDone) });
 */
export async function decryptFile(
  from: string | URL,
  to: string | URL,
  options: DecryptFileOptions,
): Promise<DecryptReport> {
  const [source, target] = [path('from', from), path('to', to)];
  const given = optionsOf('decryptFile', options);
  const settings = openSettings(given);
  const { onDamage, header, metadata, maxOutputSize } = given;
  if (metadata === true) settings.metadata = true;
  if (maxOutputSize !== undefined) settings.maxOutputSize = maxOutputSize;
  const identities = Identities.of(given);
  const placement = placementSettings(given);
  if (header && placement.resume) throw notResumable();
  const sealed = fileSource(source, header);
  const slots = () => native.sourceProviderSlots(sealed);
  return run(
    'decryptFile',
    given,
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

/** The report of encrypting with a detached header. */
export interface DetachedEncryptReport extends EncryptReport {
  /** The stream's header: without it the file cannot be opened. */
  header: NodeBuffer;
}

function notResumable(): RangeError {
  return rangeError('resume', "can't be combined with a detached header");
}
