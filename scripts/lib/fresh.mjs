// @ts-check
// Whether what was installed or built still belongs to what it was made from.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} LockFile
 * @property {Record<string, { version?: string, optional?: boolean, link?: boolean }>} packages
 */

/**
 * Whether npm's record of what it installed is what the lock file asks for. Compares versions, not times: a
 * checkout touches the lock file without changing it. Optional packages may be missing, as those of other
 * platforms are.
 *
 * @param {LockFile} lock  package-lock.json
 * @param {LockFile} installed  node_modules/.package-lock.json
 * @returns {boolean}
 */
export function installedAsLocked(lock, installed) {
  const locked = Object.entries(lock.packages).filter(([place]) => place !== '');
  const complete = locked.every(([place, wanted]) => {
    const found = installed.packages[place];
    return found === undefined ? wanted.optional === true : found.version === wanted.version;
  });
  return complete && Object.keys(installed.packages).every((place) => place in lock.packages);
}

/**
 * When anything at or below these paths last changed, in milliseconds since the epoch. Folders count, since a
 * file that is removed changes only its folder. A path that is not there is as old as can be.
 *
 * @param {readonly string[]} paths
 * @returns {number}
 */
export function newestChange(paths) {
  return paths.reduce((newest, path) => Math.max(newest, changedAt(path)), 0);
}

/**
 * @param {string} path
 * @returns {number}
 */
function changedAt(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, newestChange(readdirSync(path).map((name) => join(path, name))));
}

/**
 * Whether a version such as 20.19.2 is at least one such as 20.19.
 *
 * @param {string} version
 * @param {string} oldest
 * @returns {boolean}
 */
export function atLeast(version, oldest) {
  const [have, want] = [version, oldest].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (const [index, part] of (want ?? []).entries()) {
    const difference = (have?.[index] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
