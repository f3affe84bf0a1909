// Whole files by path.

import { native } from '../internal/binding';
import { checkedPolicy, damageSettings } from './damage';
import { rangeError, typeError } from './errors';
import { type DetachedHeader, headerOption, type HeaderTarget, placeHeader } from './header';
import { Identities } from '../keys/identities';
import { run } from '../internal/operation';
import { checkedOptions, checkedPath, openSettings, placementSettings, sealSettings } from '../internal/options';
import { Recipients } from '../keys/recipients';
import { openReport, plaintextSize, sealReport } from './reports';
import { fileAt, sourceWith } from '../sources/sources';
import type {
  DamageOptions,
  FileOptions,
  OpenOptions,
  OpenReport,
  OperationOptions,
  SealOptions,
  SealReport,
} from '../internal/types';

/**
 * Seals the regular file `from` into the file `to`.
 *
 * `to` appears complete or not at all: it is written under another name beside its place and renamed when it is done
 * and, unless `flush` is `false`, on the disk. A new file gets the permissions of `from`.
 *
 * With `resume` an interrupted operation is gone on with: see {@link FileOptions.resume}.
 *
 * With `header: 'detached'` the file gets the stream without its header, and the report's `header` has that: without it nobody can
 * open the file. With `headerTo` it is in a file of its own before `to` is in its place.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for options. `to` is then as it was. With `resume`
 *   also a SealError of kind `JournalRefused` or `SourceChanged` for a journal that is not of this operation or this state
 *   of `from`, and `TargetBusy` while another operation is at work on `to`.
 */
export async function encryptFile(
  from: string | URL,
  to: string | URL,
  options: SealOptions & OperationOptions & FileOptions & HeaderApart,
): Promise<DetachedSealReport>;
export async function encryptFile(
  from: string | URL,
  to: string | URL,
  options: SealOptions & OperationOptions & FileOptions & HeaderOption,
): Promise<SealReport>;
export async function encryptFile(
  from: string | URL,
  to: string | URL,
  options: SealOptions & OperationOptions & FileOptions & HeaderOption,
): Promise<SealReport> {
  const [source, target] = [checkedPath('from', from), checkedPath('to', to)];
  const settings = sealSettings(checkedOptions(options), true);
  const recipients = Recipients.of(options);
  const placement = placementSettings(options);
  if (placement.resume && placement.resumeSecret === undefined && !recipients.canOpen) {
    throw rangeError('resumeSecret', 'is needed to resume where no recipient is a key or a passphrase');
  }
  if (isDetached(options)) {
    settings.detached = true;
    if (placement.resume) throw notResumable();
    placeHeader(placement, options);
  } else if (options.headerTo !== undefined) {
    throw rangeError('headerTo', "needs header: 'detached'");
  }
  const report = await run(options, {
    name: 'encryptFile',
    start: (how, running) =>
      recipients.use(settings.context, running, (chosen) =>
        native.encryptFile(source, target, chosen, settings, placement, how),
      ),
    done: plaintextSize,
  });
  return sealReport(report);
}

/**
 * Opens the sealed file `from` into the file `to`, which appears complete and verified or not at all, unless `onDamage`
 * decides otherwise. A new file gets the permissions of `from` without those of group and others.
 *
 * With `resume` an interrupted operation is gone on with: see {@link FileOptions.resume}. What was verified until then
 * stays beside `to`, in plain.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for options. `to` is then as it was. With `resume`
 *   also as {@link encryptFile}.
 */
export async function decryptFile(
  from: string | URL,
  to: string | URL,
  options: OpenOptions & OperationOptions & FileOptions & DamageOptions & DetachedHeader,
): Promise<OpenReport> {
  const [source, target] = [checkedPath('from', from), checkedPath('to', to)];
  const settings = openSettings(checkedOptions(options));
  const policy = checkedPolicy(options.onDamage);
  const identities = Identities.of(options);
  const placement = placementSettings(options);
  const header = headerOption(options);
  if (header && placement.resume) throw notResumable();
  const sealed = sourceWith(fileAt(source), header);
  const report = await run(options, {
    name: 'decryptFile',
    asksCaller: typeof policy === 'function',
    start(how, running) {
      const onDamage = damageSettings(policy, running);
      if (onDamage) settings.onDamage = onDamage;
      return identities.use(
        () => native.sourceServiceSlots(sealed),
        settings.context,
        running,
        (offered) => native.decryptFile(sealed, target, offered, settings, placement, how),
      );
    },
    done: plaintextSize,
  });
  return openReport(report);
}

/** Where the header of a sealed file goes. */
export interface HeaderOption extends HeaderTarget {
  /**
   * `'detached'` to leave the header out of the file: it is in the report then, some hundred bytes for each recipient, to be kept
   * elsewhere, such as in an object's metadata. It has no room for {@link rewrap} in place, and no copy. Not together with
   * `resume`.
   */
  header?: 'detached' | undefined;
}

/** A header that is kept apart from the sealed file. */
export interface HeaderApart extends HeaderOption {
  /** Leave the header out of the file. */
  header: 'detached';
}

/** What sealing did where the header is kept apart. */
export type DetachedSealReport = SealReport & {
  /** The stream's header: without it nobody can open the file. */
  readonly header: Buffer;
};

function isDetached({ header }: HeaderOption): boolean {
  const word: unknown = header;
  if (word === undefined) return false;
  if (typeof word !== 'string') throw typeError('header', "'detached'", word);
  if (word !== 'detached') throw rangeError('header', "must be 'detached'");
  return true;
}

function notResumable(): RangeError {
  return rangeError('resume', 'can not be together with a header that is kept apart');
}
