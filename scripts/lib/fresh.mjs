// @ts-check
// Tells whether installed or built files are up to date with their sources.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * @typedef {object} LockFile
 * @property {Record<string, { version?: string, optional?: boolean, link?: boolean }>} packages
 */

/**
 * Whether npm's record of the installed packages matches the lock file. Compares versions, not times: a checkout touches the
 * lock file without changing it. Optional packages may be missing, such as those of other platforms.
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
 * A digest of names, sizes and times of all files at or below these paths. A build is current as long as the digest of its sources
 * stays the same. The newest time alone would not do: a moved or copied source may be older than the build. Missing paths are
 * allowed.
 *
 * @param {readonly string[]} paths
 * @returns {string}
 */
export function stateOf(paths) {
  const digest = createHash('sha256');
  for (const path of paths) addState(digest, path);
  return digest.digest('hex');
}

/**
 * @param {import('node:crypto').Hash} digest
 * @param {string} path
 */
function addState(digest, path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) {
    for (const name of readdirSync(path).sort()) addState(digest, join(path, name));
  } else {
    digest.update(JSON.stringify([path, stat?.size, stat?.mtimeMs]));
  }
}

/**
 * Saves the state of a build's sources. Writes a new file every time: in a tree copied by hard links, the old file is shared with
 * another tree.
 *
 * @param {string} stamp  A path. Its folder is created.
 * @param {string} state  From {@link stateOf}, taken before the build, so that a change during the build shows later.
 */
export function writeStamp(stamp, state) {
  mkdirSync(dirname(stamp), { recursive: true });
  rmSync(stamp, { force: true });
  writeFileSync(stamp, state);
}

/**
 * Whether `state` is the saved state.
 *
 * @param {string} stamp
 * @param {string} state
 * @returns {boolean}
 */
export function hasStamp(stamp, state) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === state;
}

/**
 * Whether a version, such as 20.19.2, is at least another, such as 20.19.
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
