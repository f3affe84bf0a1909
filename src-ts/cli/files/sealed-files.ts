// The sealed files that paths name, found while the first of them are worked on already.

import { opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { CommandError } from '../errors/usage-error';

/** A file to work on, or a folder that gave none and why. */
export type Found = { readonly path: string } | { readonly path: string; readonly error: unknown };

/**
 * Files as they are named, and of folders every file in them whose name ends in `.seal`, at any depth. Symbolic links are
 * followed only where they are named themselves: below a folder they may lead out of it. A folder that can't be read, and a
 * named one without a sealed file, is told in its place, and the rest goes on.
 */
export async function* sealedFiles(paths: readonly string[]): AsyncGenerator<Found, void, undefined> {
  for (const path of paths) {
    if (!(await isFolder(path))) {
      yield { path };
      continue;
    }
    let isEmpty = true;
    for await (const found of walk(path)) {
      isEmpty = false;
      yield found;
    }
    if (isEmpty) yield { path, error: nothingIn(path) };
  }
}

/** The same file is not to be worked on twice: the paths as they are named, by where they lead to. */
export async function distinct(paths: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const path of paths) {
    const real = await realPath(path);
    if (!found.has(real)) found.set(real, path);
  }
  return found;
}

/** Where a path leads to; of what is not there, the path itself. */
export async function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

async function* walk(folder: string): AsyncGenerator<Found, void, undefined> {
  // Folders wait until this one is read, so that one is open at a time, however deep they are.
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

/** What is not there is for whoever works on it to tell. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function nothingIn(path: string): CommandError {
  return new CommandError(
    'NothingFound',
    `${path} holds no sealed file`,
    `check that the right folder is there: files whose names end in ${ENDING} are looked for in it, not symbolic links to them`,
  );
}

const ENDING = '.seal';
