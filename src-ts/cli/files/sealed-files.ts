// Finds the sealed files that paths name, while the first ones are already processed.

import { opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { CommandError } from '../errors/command-error';

/** A file to process, or a folder that gave none, and why. */
export type FoundFile = { readonly path: string } | { readonly path: string; readonly error: unknown };

/**
 * The named files, and every file in a named folder whose name ends in `.seal`, at any depth. Symbolic links are followed only
 * if they are named themselves: in a folder they may lead out of it. A folder that can't be read, or a named folder without a
 * sealed file, yields an error; the others go on.
 */
export async function* sealedFiles(paths: readonly string[]): AsyncGenerator<FoundFile, void, undefined> {
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

/** The named paths by the files they lead to, so that no file is processed twice. */
export async function byRealPath(paths: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const path of paths) {
    const real = await realPath(path);
    if (!found.has(real)) found.set(real, path);
  }
  return found;
}

/** The file that a path leads to; if there is none, the path itself. */
export async function realPath(path: string): Promise<string> {
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
async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}

const ENDING = '.seal';
