// Sealing and opening with a header that has a file of its own.

import { rmSync } from 'node:fs';

import {
  encryptFile,
  type FileOptions,
  type OperationOptions,
  type SealOptions,
  type SealReport,
} from '../index';

import type { Arguments } from './arguments';
import type { Endpoints } from './endpoints';
import { usageError } from './errors';
import { keptHeader } from './kept-header';
import { checkApart } from './same-file';
import { checkFree, writeWhole } from './whole-file';

/** The two files of a sealed stream, and what it is made of. */
export interface Apart {
  readonly from: string;
  readonly to: string;
  /** Where the header goes. */
  readonly headerPath: string;
  readonly isForced: boolean;
}

/** Where `encrypt` is to put the header, if not into its output. */
export function detachedHeader(args: Arguments, ends: Endpoints): Apart | undefined {
  const headerPath = args.value('detached-header');
  if (headerPath === undefined) return undefined;
  const { from, to } = files('--detached-header', args, ends);
  const isForced = args.has('force');
  checkApart(
    args,
    [
      { path: to, option: '-o' },
      { path: headerPath, option: '--detached-header' },
    ],
    [{ path: from, what: 'the input' }],
  );
  checkFree(headerPath, '--detached-header', isForced);
  return { from, to, headerPath, isForced };
}

/** Seals into a body and a header. */
export async function sealApart(
  { from, to, headerPath, isForced }: Apart,
  options: SealOptions & OperationOptions & FileOptions,
): Promise<SealReport> {
  const { header, ...report } = await encryptFile(from, to, { ...options, header: 'detached' });
  try {
    writeWhole(headerPath, header, isForced);
  } catch (error) {
    // Without its header it is of no use to anybody.
    rmSync(to, { force: true });
    throw error;
  }
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
