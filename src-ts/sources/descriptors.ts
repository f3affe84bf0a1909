// Between paths and file descriptors, for the command; not part of the package's interface.

import type { End } from '../../native/binding';
import { native } from '../internal/binding';
import { Identities } from '../keys/identities';
import { run } from '../internal/operation';
import {
  checkedInteger,
  checkedOptions,
  checkedPath,
  openSettings,
  placementSettings,
  sealSettings,
} from '../internal/options';
import { Recipients } from '../keys/recipients';
import { openReport, plaintextSize, sealReport } from '../api/reports';
import { fileAt } from './sources';
import type {
  FileOptions,
  OpenOptions,
  OpenReport,
  OperationOptions,
  SealOptions,
  SealReport,
} from '../internal/types';

/** A regular file by its path, or an open file descriptor, which is duplicated and never closed. */
export type StreamEnd = { readonly path: string | URL } | { readonly fd: number };

/** Where a conversion reads and writes. */
export interface StreamEnds {
  readonly source: StreamEnd;
  readonly target: StreamEnd;
}

/**
 * Seals or opens from one end to the other, in order where an end is a file descriptor.
 *
 * A target that is a path appears complete or not at all. What a target that is a descriptor got must be discarded if
 * the promise rejects. `overwrite` and `flush` are of a target that is a path. A stream sealed into a file has the
 * header of a file, another the compact one.
 *
 * @throws SealError, the reason of `signal`, or TypeError and RangeError for options.
 */
export async function convertDescriptors(
  direction: 'encrypt',
  ends: StreamEnds,
  options: SealOptions & OperationOptions & FileOptions,
): Promise<SealReport>;
export async function convertDescriptors(
  direction: 'decrypt',
  ends: StreamEnds,
  options: OpenOptions & OperationOptions & FileOptions,
): Promise<OpenReport>;
export async function convertDescriptors(
  direction: 'encrypt' | 'decrypt',
  ends: StreamEnds,
  options: (SealOptions | OpenOptions) & OperationOptions & FileOptions,
): Promise<SealReport | OpenReport> {
  const [source, target] = [checkedEnd('source', ends.source), checkedEnd('target', ends.target)];
  const placement = placementSettings(checkedOptions(options));
  if (direction === 'encrypt') {
    const sealing = options as SealOptions;
    const settings = sealSettings(sealing, target.path !== undefined);
    const recipients = Recipients.of(sealing);
    return sealReport(
      await run(options, {
        name: 'encrypt',
        start: (how, running) =>
          recipients.use(settings.context, running, (chosen) =>
            native.encryptBetween(source, target, chosen, settings, placement, how),
          ),
        done: plaintextSize,
      }),
    );
  }
  const opening = options as OpenOptions;
  const settings = openSettings(opening);
  const identities = Identities.of(opening);
  return openReport(
    await run(options, {
      name: 'decrypt',
      start: (how, running) =>
        identities.use(
          () => (source.path === undefined ? [] : native.sourceServiceSlots(fileAt(source.path))),
          settings.context,
          running,
          (offered) => native.decryptBetween(source, target, offered, settings, placement, how),
        ),
      done: plaintextSize,
    }),
  );
}

function checkedEnd(name: string, end: StreamEnd): End {
  if ('path' in end) return { path: checkedPath(`${name}.path`, end.path) };
  return { fd: checkedInteger(`${name}.fd`, end.fd, 0, 0x7fff_ffff) };
}
