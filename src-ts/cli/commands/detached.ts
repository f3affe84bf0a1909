// Sealing and opening with a header that has a file of its own.

import {
  encryptFile,
  type FileOptions,
  type OperationOptions,
  type SealOptions,
  type SealReport,
} from '../../index';

import type { Arguments } from '../runner/arguments';
import type { Endpoints } from '../files/endpoints';
import { usageError } from '../errors/usage-error';
import { keptHeader } from '../files/detached-header';
import { checkApart } from '../keys/same-file-check';
import { checkFree } from '../files/whole-file';

/** The two files of a sealed stream, and what it is made of. */
export interface Apart {
  readonly from: string;
  readonly to: string;
  /** Where the header goes. */
  readonly headerPath: string;
}

/** Where `encrypt` is to put the header, if not into its output. */
export function detachedHeader(args: Arguments, ends: Endpoints): Apart | undefined {
  const headerPath = args.value('detached-header');
  if (headerPath === undefined) return undefined;
  const { from, to } = files('--detached-header', args, ends);
  checkApart(
    args,
    [
      { path: to, option: '-o' },
      { path: headerPath, option: '--detached-header' },
    ],
    [{ path: from, what: 'the input' }],
  );
  checkFree(headerPath, '--detached-header', args.has('force'));
  return { from, to, headerPath };
}

/** Seals into a body and a header, which has its place first: without it the body is of no use to anybody. */
export async function sealApart(
  { from, to, headerPath }: Apart,
  options: SealOptions & OperationOptions & FileOptions,
): Promise<SealReport> {
  const settings = { ...options, header: 'detached', headerTo: headerPath } as const;
  const { header: _, ...report } = await encryptFile(from, to, settings);
  return report;
}

/** The header that `decrypt` is given, with the files that it is for. */
export async function givenHeader(
  args: Arguments,
  ends: Endpoints,
): Promise<{ from: string; to: string; header: Uint8Array } | undefined> {
  const path = args.value('header');
  return path === undefined
    ? undefined
    : { ...files('--header', args, ends), header: await keptHeader(path) };
}

function files(option: string, args: Arguments, { source, target }: Endpoints): { from: string; to: string } {
  if (!('path' in source) || !('path' in target)) {
    throw usageError(`${option} needs files at both ends`, 'name IN, and name the output with -o OUT');
  }
  if (args.has('resume')) throw usageError(`${option} and --resume exclude each other`, 'give one of them');
  return { from: source.path, to: target.path };
}
