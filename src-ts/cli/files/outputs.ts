// The files that a command writes: whether they may be written, and small files that the command writes itself.

import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import type { Arguments } from '../runner/arguments';
import { writeAll } from '../terminal/console';
import { refusal, targetExists, usageError } from '../errors/command-error';
import { type NamedFile, namedKeyFiles } from '../keys/key-arguments';

/** A file that a command writes. */
export interface OutputFile {
  readonly path: string;
  /** The option that names it, such as `--map`. */
  readonly option: string;
}

/**
 * The file of an option that a command needs.
 *
 * @param option The option's name.
 * @param syntax How it is written, such as `-o OUT`.
 * @param canBeStandard Whether - is accepted.
 */
export function requiredOutput(
  args: Arguments,
  option: string,
  syntax: string,
  canBeStandard = false,
): string {
  const path = args.value(option);
  const placeholder = syntax.slice(syntax.indexOf(' ') + 1);
  if (path === undefined) {
    const advice = `name the file to write with ${syntax}`;
    throw usageError(
      `${placeholder} is missing`,
      canBeStandard ? `${advice}, or print it with -o -` : advice,
    );
  }
  if (path === '-' && !canBeStandard) {
    throw usageError(`${args.command} writes a file, and - is not accepted`, `name it with ${syntax}`);
  }
  return path;
}

/**
 * Refuses an output that is the same file as another output, as a file with keys, or as one of `inputs`. --force does not
 * change that.
 *
 * The library itself checks that the main output is none of the files that it reads.
 *
 * @throws CommandError that names both.
 */
export function checkOutputs(
  args: Arguments,
  outputs: readonly OutputFile[],
  inputs: readonly NamedFile[] = [],
): void {
  const others: NamedFile[] = [...namedKeyFiles(args), ...inputs];
  for (const { path, option } of outputs) {
    const same = others.find((other) => isSameFile(path, other.path));
    if (same !== undefined) {
      throw refusal(`${option} ${path} is ${same.role}`, `name another file with ${option}`);
    }
    others.push({ path, role: `the file of ${option}` });
  }
}

/** Whether two paths lead to the same file, or would if it existed. */
export function isSameFile(a: string, b: string): boolean {
  const [first, second] = [a, b].map(identity);
  if (first !== undefined && second !== undefined) return first === second;
  return realPlace(a) === realPlace(b);
}

/**
 * Refuses, before any work, an output that exists.
 *
 * @param advice What to do about a file that exists.
 */
export function checkMissing(
  { path, option }: OutputFile,
  overwrite: boolean,
  advice = `name another with ${option}, or replace it with --force`,
): void {
  const found = fs.lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    // The system's error names a missing folder.
    fs.statSync(dirname(path));
    return;
  }
  if (!found.isFile()) throw refusal(`${path} is not a regular file`, 'name a new file');
  if (!overwrite) throw targetExists(`${path} exists`, advice);
}

/** Refuses, before any work, to replace a header: it may be the only one left. */
export function checkHeaderMissing(header: OutputFile): void {
  checkMissing(header, false, `name another with ${header.option} HEADER: a header is never replaced`);
}

/** Writes a small file that only its owner can read. It appears complete or not at all. */
export function writeWhole(path: string, content: string | Uint8Array, overwrite: boolean): void {
  const temporary = temporaryBeside(path);
  const fd = fs.openSync(temporary, 'wx', 0o600);
  try {
    try {
      writeAll(fd, content);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    if (overwrite) fs.renameSync(temporary, path);
    else linkIfMissing(temporary, path);
  } finally {
    remove(temporary);
  }
}

/**
 * Writes a file that only its owner can read, piece by piece. It appears complete or not at all.
 *
 * @throws The system's errors, and those of `pieces`.
 */
export async function writeStream(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  { overwrite, flush }: { readonly overwrite: boolean; readonly flush: boolean },
): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      for await (const piece of pieces) await file.writeFile(piece);
      if (flush) await file.sync();
    } finally {
      await file.close();
    }
    if (overwrite) fs.renameSync(temporary, path);
    else linkIfMissing(temporary, path);
  } finally {
    remove(temporary);
  }
}

function temporaryBeside(path: string): string {
  return join(dirname(path), `.sealstream-${randomBytes(6).toString('hex')}.partial`);
}

function remove(temporary: string): void {
  try {
    fs.unlinkSync(temporary);
  } catch {
    // It was renamed.
  }
}

/** A link fails if the name is taken by then. Some file systems have no links: there the name is checked before. */
function linkIfMissing(temporary: string, path: string): void {
  try {
    fs.linkSync(temporary, path);
  } catch {
    const isTaken = fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    if (isTaken) throw targetExists(`${path} exists`, 'name another file');
    fs.renameSync(temporary, path);
  }
}

function identity(path: string): string | undefined {
  try {
    const { dev, ino } = fs.statSync(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    // Opening it will tell what is wrong with it.
    return undefined;
  }
}

function realPlace(path: string): string {
  try {
    return join(fs.realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
