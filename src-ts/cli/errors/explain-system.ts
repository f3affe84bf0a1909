// The operating system's errors, as Node throws them and as the engine passes them on.

import { getSystemErrorMap } from 'node:util';

import { exitCodes } from './exit-codes';
import type { Explanation } from './explanation';

/** Whether Node threw it for a failed call to the system. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'code' in error && typeof error.code === 'string';
}

/** Explains an error of the system. */
export function explainSystem({
  code = 'EIO',
  errno,
  syscall,
  path,
  message,
}: NodeJS.ErrnoException): Explanation {
  const [, words = message] = getSystemErrorMap().get(errno ?? 0) ?? [];
  const call = ACTIONS[syscall ?? ''] ?? syscall;
  const action = call === undefined ? '' : `could not ${call}${path === undefined ? '' : ` ${path}`}: `;
  return explainSystemCode(code, `${action}${words}`);
}

/**
 * Explains an error of the system by its name.
 *
 * @param code  Such as ENOSPC; empty where it has none.
 */
export function explainSystemCode(code: string, message: string): Explanation {
  const explanation = { code, kind: 'Io', message, advice: ADVICE[code] ?? '', exitCode: exitCodes.failed };
  // Only a standard stream has a reader who can leave; that is no failure of anything.
  return code === 'EPIPE' ? { ...explanation, exitCode: exitCodes.brokenPipe, isSilent: true } : explanation;
}

// Calls whose names are not words.
const ACTIONS: Readonly<Record<string, string>> = {
  opendir: 'read the folder',
  scandir: 'read the folder',
};
const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'check the name and the folder',
  EACCES: 'check the permissions of the file and its folder',
  EPERM: 'check the permissions of the file and its folder',
  ENOSPC: 'free some space, or write to another disk',
  EDQUOT: 'free some of your quota, or write to another disk',
  EROFS: 'write to another disk',
  ENAMETOOLONG: 'name the output with -o OUT, shorter',
  EFBIG: 'write to a file system that takes files of this size',
  EIO: 'the device has a fault: try again, and check the disk',
};
