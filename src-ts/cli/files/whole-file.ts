// Small files beside a command's output: they appear complete or not at all, and what exists is not replaced unasked.

import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';

import { writeAll } from '../terminal/console';
import { refusal } from '../errors/usage-error';

/**
 * Refuses, before any work is done, a file that could not be written in the end since one exists.
 *
 * @param advice What to do about a file that exists.
 */
export function checkFree(
  path: string,
  option: string,
  isForced: boolean,
  advice = `name another with ${option}, or replace it with --force`,
): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    // Where the folder is missing, the system says it best.
    statSync(dirname(path));
    return;
  }
  if (!found.isFile()) throw refusal(`${path} is not a regular file`, 'name a new file');
  if (!isForced) throw refusal(`${path} exists`, advice);
}

/** Writes a file that is readable by its owner alone. */
export function writeWhole(path: string, content: string | Uint8Array, isForced: boolean): void {
  const name = `.sealstream-${randomBytes(6).toString('hex')}.partial`;
  const temporary = join(dirname(path), name);
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    try {
      writeAll(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (isForced) renameSync(temporary, path);
    else nameUnlessTaken(temporary, path);
  } finally {
    try {
      unlinkSync(temporary);
    } catch {
      // It has the file's name by now.
    }
  }
}

/** A link fails where the name is taken, whoever took it meanwhile; not every file system has links. */
function nameUnlessTaken(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    const isTaken = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    if (isTaken) throw error;
    renameSync(temporary, path);
  }
}
