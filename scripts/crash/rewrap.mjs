// @ts-check
// Kills rewraps of one file at random moments, and checks which keys open the file.

import { randomBytes } from 'node:crypto';
import { createWriteStream, readdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

import {
  createEncryptStream,
  decrypt,
  encryptFile,
  inspect,
  rewrap,
  SealError,
  SecretKey,
  secretKey,
  verify,
} from 'sealstream';

import { killed, numbers } from './killed.mjs';

/**
 * @typedef {object} RewrapOutcome
 * @property {number} kills
 * @property {number} done  Rewraps that the killed processes had reported.
 * @property {number} between  Kills that left a header older than its copy.
 * @property {number} left  Kills that left an unfinished file.
 */

/**
 * Rewraps a file from one key to another and back, kills that `kills` times, and rewraps the file once more after each kill.
 *
 * @param {{ place: 'in place' | 'new file', kills: number, seed: number, folder: string }} options  `folder` is created.
 * @returns {Promise<RewrapOutcome>}
 * @throws Error if a wrong key opens the file or a right key does not, for a wrong byte, a leftover file, or a failed rewrap.
 */
export async function killRewrapping({ place, kills, seed, folder }) {
  const random = numbers(seed);
  const work = await prepare(place, folder);
  /** @type {RewrapOutcome} */
  const outcome = { kills: 0, done: 0, between: 0, left: 0 };
  let revision = 0;
  while (outcome.kills < kills) {
    const args = [CHILD, work.path, ...work.keyFiles];
    const { how, lines, complained } = await killed(args, random() * LONGEST);
    if (how !== 'SIGKILL') throw new Error(`a rewrap failed: ${complained}`);
    outcome.kills += 1;
    outcome.done += lines.length;
    outcome.left += await removeUnfinished(work);
    const told = Number(lines.at(-1) ?? revision);
    const isBetween = await checkKilled(work, { start: revision, told });
    outcome.between += isBetween ? 1 : 0;
    revision = await rewrapOnceMore(work);
  }
  return outcome;
}

/**
 * @typedef {object} Work
 * @property {'in place' | 'new file'} place
 * @property {string} folder  Holds only the file.
 * @property {string} path
 * @property {import('sealstream').SecretKey[]} keys  Two keys. Between kills, the file is for the first.
 * @property {string[]} keyFiles
 * @property {Buffer} plain
 */

/**
 * @param {Work['place']} place
 * @param {string} folder
 * @returns {Promise<Work>}
 */
async function prepare(place, folder) {
  const files = join(folder, 'files');
  await mkdir(files, { recursive: true });
  const [path, plainFile] = [join(files, 'sealed'), join(folder, 'plain')];
  const [key, other, plain] = [SecretKey.generate(), SecretKey.generate(), randomBytes(SIZE)];
  const keyFiles = ['key', 'other'].map((name) => join(folder, name));
  await Promise.all([key, other].map((each, at) => each.toFile(keyFiles[at] ?? '')));
  if (place === 'in place') {
    await writeFile(plainFile, plain);
    await encryptFile(plainFile, path, { key });
  } else {
    // A stream from a pipe has no copy of its header, so a rewrap writes a new file.
    await pipeline([plain], createEncryptStream({ key }), createWriteStream(path));
  }
  return { place, folder: files, path, keys: [key, other], keyFiles, plain };
}

/**
 * Throws unless the file is the result of the last reported rewrap or of the next one.
 *
 * @param {Work} work
 * @param {{ start: number, told: number }} revisions  Of the header before the first rewrap, and after the last reported one.
 * @returns {Promise<boolean>} Whether the header is older than its copy.
 */
async function checkKilled({ path, keys, plain }, { start, told }) {
  const { headerRevision } = await inspect(path);
  // The kill may come after the work and before the report.
  if (headerRevision !== told && headerRevision !== told + 1) {
    throw new Error(`the revision is ${headerRevision}, but ${told} was reported`);
  }
  const { problems } = await verify(path);
  const kinds = problems.map(({ failure }) => failure.kind);
  const isBetween = kinds.join() === 'RewrapInterrupted';
  // A kill does not tear a write, so neither header nor copy can be damaged.
  if (kinds.length > 0 && !isBetween) throw new Error(`the file has ${kinds.join(', ')}`);
  const newest = (headerRevision - start) % 2;
  const bytes = await readFile(path);
  for (const [at, key] of keys.entries()) {
    const opened = await openedBy(bytes, key);
    const shouldOpen = at === newest || isBetween;
    if ((opened !== undefined) !== shouldOpen) {
      throw new Error(`key ${at} ${shouldOpen ? 'does not open' : 'opens'} revision ${headerRevision}`);
    }
    if (opened && !opened.equals(plain)) throw new Error(`key ${at} opens wrong bytes`);
  }
  return isBetween;
}

/**
 * Rewraps once more, for the first key, and throws unless header and copy are then the same.
 *
 * @param {Work} work
 * @returns {Promise<number>} The revision that it made.
 */
async function rewrapOnceMore({ place, path, keys, folder, plain }) {
  const [first, second] = keys;
  if (first === undefined || second === undefined) throw new Error('there are two keys');
  const report = await rewrap(path, { identities: keys, replace: [secretKey(first)] });
  const { revision, inPlace, headerSize } = report;
  if (inPlace !== (place === 'in place')) throw new Error(`the rewrap was in place: ${inPlace}`);
  const bytes = await readFile(path);
  if (inPlace) {
    const [copyEnd, header] = [bytes.length - FOOTER_SIZE, bytes.subarray(0, headerSize)];
    if (!bytes.subarray(copyEnd - headerSize, copyEnd).equals(header))
      throw new Error('header and copy differ');
  }
  const { sound } = await verify(path, { key: first });
  if (!sound) throw new Error('the file is not sound');
  if (!(await openedBy(bytes, first))?.equals(plain)) throw new Error('the new key does not open the file');
  if (await openedBy(bytes, second)) throw new Error('the old key opens the file');
  const left = readdirSync(folder);
  if (left.join() !== 'sealed') throw new Error(`expected only the file, found ${left.join(', ')}`);
  return revision;
}

/**
 * @param {Uint8Array} bytes
 * @param {import('sealstream').SecretKey} key
 * @returns {Promise<Buffer | undefined>} `undefined` if the key does not fit.
 */
async function openedBy(bytes, key) {
  try {
    return await decrypt(bytes, { key });
  } catch (error) {
    if (error instanceof SealError && error.failure.kind === 'NoMatchingKey') return undefined;
    throw error;
  }
}

/**
 * @param {Work} work
 * @returns {Promise<number>} The number of unfinished files that it removed.
 */
async function removeUnfinished({ place, folder }) {
  const unfinished = readdirSync(folder).filter((name) => /^\.sealstream-.*\.partial$/.test(name));
  if (unfinished.length > (place === 'in place' ? 0 : 1)) throw new Error(`${unfinished.join(', ')} is left`);
  await Promise.all(unfinished.map((name) => rm(join(folder, name))));
  return unfinished.length;
}

const CHILD = fileURLToPath(new URL('rewrap-child.mjs', import.meta.url));
const SIZE = 300_000;
const FOOTER_SIZE = 24;
/** Milliseconds, enough for several rewraps. */
const LONGEST = 40;
