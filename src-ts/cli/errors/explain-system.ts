// The operating system's errors, as Node throws them and as the engine reports them.

import { getSystemErrorMap } from 'node:util';

import { exitCodes } from './exit-codes';
import type { Explanation } from './explanation';

/** Whether Node threw it for a failed system call. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'code' in error && typeof error.code === 'string';
}

/** Explains an error of the system. */
export function explainSystem({ code = 'EIO', syscall, path, message }: NodeJS.ErrnoException): Explanation {
  const call = ACTIONS[syscall ?? ''] ?? syscall;
  const action = call === undefined ? '' : `could not ${call}${path === undefined ? '' : ` ${path}`}: `;
  return explainSystemCode(code, `${action}${systemText(code) ?? message}`);
}

/**
 * Explains an error of the system by its name.
 *
 * @param code Such as ENOSPC; empty if the error has none.
 */
export function explainSystemCode(code: string, message: string): Explanation {
  const explanation = { code, kind: 'Io', message, advice: ADVICE[code] ?? '', exitCode: exitCodes.failed };
  // Only a standard stream has a reader that can close it, which is not a failure of the command.
  return code === 'EPIPE' ? { ...explanation, exitCode: exitCodes.brokenPipe, isSilent: true } : explanation;
}

/** The text of an error that has this name. */
export function systemText(code: string | undefined): string | undefined {
  return [...getSystemErrorMap().values()].find(([name]) => name === code)?.[1];
}

// System calls whose names are not English words.
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
  ENAMETOOLONG: 'give the output a shorter name with -o OUT',
  EFBIG: 'write to a file system that supports files of this size',
  EIO: 'the device has a fault: try again, and check the disk',
};
