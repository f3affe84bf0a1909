// A header that was kept apart, as an option names it.

import { exportHeader, type SealFailure } from '../../index';

import { refusal } from '../errors/usage-error';
import { isSealError } from '../errors/explain-failure';

/** The header that was kept in a file of its own, or that another sealed file has, be it only as the copy at its end. */
export async function keptHeader(path: string): Promise<Uint8Array> {
  try {
    return await exportHeader(path);
  } catch (error) {
    const isThere = isSealError(error) && !NOT_READ.has(error.failure.kind);
    throw isThere
      ? refusal(
          `${path} holds no header of a sealed stream`,
          'name a file that sealstream header export made, or another copy of the sealed file',
        )
      : error;
  }
}

// Failures to read a file, whatever it holds.
const NOT_READ: ReadonlySet<string> = new Set<SealFailure['kind']>(['Io', 'NotARegularFile']);
