// A detached header, in a file that an option names.

import { exportHeader } from '../../api/header';
import { type SealFailure } from '../../index';

import { refusal } from '../errors/command-error';
import { isSealError } from '../errors/failure-context';

/** Reads the header in a file of its own, or the header of another sealed file or its copy at the end. */
export async function readHeader(path: string): Promise<Uint8Array> {
  try {
    return await exportHeader(path);
  } catch (error) {
    if (!isSealError(error) || UNREADABLE.has(error.failure.kind)) throw error;
    throw refusal(
      `${path} holds no header of a sealed stream`,
      'name a file that sealstream header export wrote, or another copy of the sealed file',
    );
  }
}

// Failures to read the file, whatever it holds.
const UNREADABLE: ReadonlySet<string> = new Set<SealFailure['kind']>(['Io', 'NotARegularFile']);
