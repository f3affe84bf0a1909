// Finds the sealed files that paths name, while the first ones are already processed.

import { statSync } from 'node:fs';
import { opendir, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';

import type { Arguments } from '../runner/arguments';
import { CommandError, usageError } from '../errors/command-error';
import { refuseStandardStreams } from './endpoints';

/** A file to process, or a folder that gave none, and why. */
export type FoundFile = { readonly path: string } | { readonly path: string; readonly error: unknown };

/**
 * Checks the files and folders that a command names.
 *
 * @throws CommandError for none, for -, and for a folder without --recursive.
 */
export function namedPaths(args: Arguments): readonly string[] {
  const { command, operands } = args;
  if (operands.length === 0) {
    throw usageError('PATH is missing', `name the files to ${command}, or folders with --recursive`);
  }
  refuseStandardStreams(command, operands);
  const folder = args.has('recursive') ? undefined : operands.find(isFolder);
  if (folder === undefined) return operands;
  const advice = `to ${command} every file in it whose name ends in ${ENDING}, add --recursive`;
  throw usageError(`${folder} is a folder`, args.has('header') ? 'name the body of the header' : advice);
}

/**
 * The named files, and every file in a named folder whose name ends in `.seal`, at any depth, each once. Symbolic links are
 * followed only if they are named themselves: in a folder they may lead out of it. A folder that can't be read, or a named
 * folder without a sealed file, yields an error; the others go on.
 */
export async function* sealedFiles(paths: readonly string[]): AsyncGenerator<FoundFile, void, undefined> {
  const named = await byRealPath(paths.filter((path) => !isFolder(path)));
  for (const path of named.values()) yield { path };
  const folders = await byRealPath(paths.filter(isFolder));
  for (const [real, path] of folders) {
    if ([...folders.keys()].some((outer) => isInside(real, outer))) continue;
    let isEmpty = true;
    for await (const found of walk(path)) {
      isEmpty = false;
      if ('error' in found || !named.has(await realPath(found.path))) yield found;
    }
    if (isEmpty) {
      const error = new CommandError(
        'NothingFound',
        `${path} holds no sealed file`,
        `check the folder: only files whose names end in ${ENDING} are searched for, and no symbolic links`,
      );
      yield { path, error };
    }
  }
}

/** The named paths by the files or folders they lead to. */
async function byRealPath(paths: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const path of paths) {
    const real = await realPath(path);
    if (!found.has(real)) found.set(real, path);
  }
  return found;
}

/** The file that a path leads to; if there is none, the path itself. */
async function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

async function* walk(folder: string): AsyncGenerator<FoundFile, void, undefined> {
  // Inner folders are read after this one, so that only one folder is open at a time.
  const folders: string[] = [];
  try {
    for await (const entry of await opendir(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.name.endsWith(ENDING) && !entry.isSymbolicLink()) yield { path };
    }
  } catch (error) {
    yield { path: folder, error };
  }
  for (const inner of folders) yield* walk(inner);
}

/** Not if the path does not exist: opening it will tell. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

const ENDING = '.seal';
