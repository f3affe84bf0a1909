// @ts-check
// Whether what was installed or built still belongs to what it was made from.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

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
 * A digest of names, sizes and times of all files at or below these paths: what was made from them is current for as long
 * as it stays the same. Not the newest time alone: a file that is moved or copied into its place may be older than what
 * was made. A path that is not there counts as that.
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
 * Remembers the state that something was made from. The file is a new one every time: in a tree that was copied by hard
 * links, the old one would be that of another tree, too.
 *
 * @param {string} stamp  A path, whose folder is made.
 * @param {string} state  As {@link stateOf} gave it before the making began, so that a change while it ran shows.
 */
export function writeStamp(stamp, state) {
  mkdirSync(dirname(stamp), { recursive: true });
  rmSync(stamp, { force: true });
  writeFileSync(stamp, state);
}

/**
 * Whether this is the state that was remembered.
 *
 * @param {string} stamp
 * @param {string} state
 * @returns {boolean}
 */
export function hasStamp(stamp, state) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === state;
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
