// Whether files that a command names are one file: an output in the place of a key or of another input would end it.

import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import type { Arguments } from '../runner/arguments';
import { refusal } from '../errors/usage-error';
import { keyFilesInReach } from './named-keys';

/** A file that a command reads, or that another option writes. */
export interface NamedFile {
  readonly path: string;
  /** What it is to the command, such as `the input`. */
  readonly what: string;
}

/** A file that a command writes. */
export interface OutputFile {
  readonly path: string;
  /** The option that names it. */
  readonly option: string;
}

/**
 * Refuses outputs that are one file with each other, with a key file or with one of `others`. No option allows that.
 *
 * Whether the main output is the input or one of the copies, the library finds out by itself.
 *
 * @throws CommandError that names both.
 */
export function checkApart(
  args: Arguments,
  outputs: readonly OutputFile[],
  others: readonly NamedFile[] = [],
): void {
  const taken: NamedFile[] = [...keyFilesInReach(args), ...others];
  for (const { path, option } of outputs) {
    const other = taken.find((candidate) => isSame(path, candidate.path));
    if (other !== undefined)
      throw refusal(`${option} ${path} is ${other.what}`, `name another file with ${option}`);
    taken.push({ path, what: `the file of ${option}` });
  }
}

/** Whether two paths are one file, or would be. */
export function isSame(a: string, b: string): boolean {
  const [first, second] = [a, b].map(identity);
  if (first !== undefined && second !== undefined) return first === second;
  return place(a) === place(b);
}

function identity(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    // What is wrong with it is for whoever opens it to tell.
    return undefined;
  }
}

function place(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
