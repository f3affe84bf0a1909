// @ts-check
// Kills operations at random moments, resumes them until they are done, and checks their output.

import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { decryptFile, encryptFile, SecretKey } from 'sealstream';

import { killed, numbers } from './killed.mjs';

/**
 * @typedef {object} Outcome
 * @property {number} kills  Attempts that were killed.
 * @property {number} finished  Operations that succeeded in the end.
 * @property {number} resumed  Segments that were not done again.
 * @property {number} startedOver  Attempts that could not use the one before.
 */

/**
 * Kills `kills` attempts, possibly several of one operation, and repeats every operation until it succeeds.
 *
 * @param {{ direction: 'encrypt' | 'decrypt', kills: number, seed: number, folder: string }} options  `folder` is created.
 * @returns {Promise<Outcome>}
 * @throws Error for a wrong byte, a leftover file, or an attempt that fails by itself.
 */
export async function killAtRandom({ direction, kills, seed, folder }) {
  const random = numbers(seed);
  const work = await prepare(direction, folder);
  /** @type {Outcome} */
  const outcome = { kills: 0, finished: 0, resumed: 0, startedOver: 0 };
  const undisturbed = await attempt(work, undefined);
  await check(work, undisturbed);
  while (outcome.kills < kills) {
    await rm(work.to);
    let ended;
    do {
      // After the last kill, the operation may finish.
      const moment = outcome.kills < kills ? random() * undisturbed.milliseconds * 1.2 : undefined;
      ended = await attempt(work, moment);
      if (ended.killed) outcome.kills += 1;
      else if (ended.startedOver) outcome.startedOver += 1;
    } while (ended.killed);
    await check(work, ended);
    outcome.finished += 1;
    outcome.resumed += ended.resumed;
  }
  return outcome;
}

/**
 * @typedef {{ direction: string, from: string, to: string, keyFile: string, folder: string, plain: Buffer,
 *             key: import('sealstream').SecretKey }} Work
 * @typedef {{ killed: boolean, resumed: number, startedOver: boolean, milliseconds: number }} Ended
 */

/**
 * Creates a source, and a folder only for the target.
 *
 * @param {'encrypt' | 'decrypt'} direction
 * @param {string} folder
 * @returns {Promise<Work>}
 */
async function prepare(direction, folder) {
  const targets = join(folder, 'targets');
  await mkdir(targets, { recursive: true });
  const [plainFile, sealedFile] = [join(folder, 'plain'), join(folder, 'sealed')];
  const [keyFile, key, plain] = [join(folder, 'key'), SecretKey.generate(), randomBytes(SIZE)];
  await key.toFile(keyFile);
  await writeFile(plainFile, plain);
  await encryptFile(plainFile, sealedFile, { key, frameSize: 1024, segmentSize: 32_768, digest: 'sha512' });
  const from = direction === 'encrypt' ? plainFile : sealedFile;
  return { direction, from, to: join(targets, 'target'), keyFile, folder: targets, plain, key };
}

/**
 * Runs the operation. Kills it `moment` milliseconds after its begin, or not at all.
 *
 * @param {Work} work
 * @param {number | undefined} moment
 * @returns {Promise<Ended>}
 */
async function attempt({ direction, from, to, keyFile, folder }, moment) {
  const args = [CHILD, direction, from, to, keyFile];
  const { how, lines, complained, milliseconds } = await killed(args, moment);
  const [report = ''] = lines;
  // The kill may come after the work and before the report.
  const isDone = report !== '' || readdirSync(folder).join() === 'target';
  if (how === 'SIGKILL' && !isDone) return { killed: true, resumed: 0, startedOver: false, milliseconds };
  if (how !== 0 && how !== 'SIGKILL') throw new Error(`an attempt to ${direction} failed: ${complained}`);
  const [resumed = '', reason = ''] = report.split(' ');
  return { killed: false, resumed: Number(resumed), startedOver: reason !== '', milliseconds };
}

/**
 * Throws unless the target is right and the only file in its folder.
 *
 * @param {Work} work
 * @param {Ended} ended
 */
async function check({ direction, folder, to, key, plain }, ended) {
  const left = readdirSync(folder);
  if (left.join() !== 'target') throw new Error(`expected only the target, found ${left.join(', ')}`);
  const opened = direction === 'encrypt' ? `${to}.opened` : to;
  if (direction === 'encrypt') await decryptFile(to, opened, { key });
  const bytes = await readFile(opened);
  if (!bytes.equals(plain))
    throw new Error(`${direction} gave wrong bytes, ${ended.resumed} segments resumed`);
  if (opened !== to) await rm(opened);
}

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
/** 300 segments, the last one short. */
const SIZE = 299 * 32_768 + 1000;
