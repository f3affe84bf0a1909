// @ts-check
// Kills operations at random moments, goes on with them until they are done, and looks at what came out.

import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { decryptFile, encryptFile, generateKey } from 'sealstream';

import { killed, numbers } from './killed.mjs';

/**
 * @typedef {object} Outcome
 * @property {number} kills  Attempts that were killed at work.
 * @property {number} finished  Operations that were brought to their end.
 * @property {number} resumed  Segments that they did not do again.
 * @property {number} startedOver  Attempts that could make nothing of the one before.
 */

/**
 * Kills `kills` attempts of one operation, several of them one after the other where it happens so, and lets every
 * operation come to its end.
 *
 * @param {{ direction: 'encrypt' | 'decrypt', kills: number, seed: number, folder: string }} options  `folder` is made.
 * @returns {Promise<Outcome>}
 * @throws Error for a wrong byte, a file that is left, or an attempt that fails by itself.
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
      // Once all are killed the last operation comes to its end.
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
 * A source, and a folder for the target alone.
 *
 * @param {'encrypt' | 'decrypt'} direction
 * @param {string} folder
 * @returns {Promise<Work>}
 */
async function prepare(direction, folder) {
  const targets = join(folder, 'targets');
  await mkdir(targets, { recursive: true });
  const [plainFile, sealedFile] = [join(folder, 'plain'), join(folder, 'sealed')];
  const [keyFile, key, plain] = [join(folder, 'key'), generateKey(), randomBytes(SIZE)];
  await key.toFile(keyFile);
  await writeFile(plainFile, plain);
  await encryptFile(plainFile, sealedFile, { key, frameSize: 1024, segmentSize: 32_768, digest: 'sha512' });
  const from = direction === 'encrypt' ? plainFile : sealedFile;
  return { direction, from, to: join(targets, 'target'), keyFile, folder: targets, plain, key };
}

/**
 * Runs the operation, to its end or to the moment, counted in milliseconds from where it begins, at which it is killed.
 *
 * @param {Work} work
 * @param {number | undefined} moment
 * @returns {Promise<Ended>}
 */
async function attempt({ direction, from, to, keyFile, folder }, moment) {
  const args = [CHILD, direction, from, to, keyFile];
  const { how, lines, complained, milliseconds } = await killed(args, moment);
  const [report = ''] = lines;
  // It can be killed when it has done its work, and before it has said so.
  const isDone = report !== '' || readdirSync(folder).join() === 'target';
  if (how === 'SIGKILL' && !isDone) return { killed: true, resumed: 0, startedOver: false, milliseconds };
  if (how !== 0 && how !== 'SIGKILL') throw new Error(`an attempt to ${direction} failed: ${complained}`);
  const [resumed = '', reason = ''] = report.split(' ');
  return { killed: false, resumed: Number(resumed), startedOver: reason !== '', milliseconds };
}

/**
 * Throws unless the target is right and nothing stands beside it.
 *
 * @param {Work} work
 * @param {Ended} ended
 */
async function check({ direction, folder, to, key, plain }, ended) {
  const left = readdirSync(folder);
  if (left.join() !== 'target')
    throw new Error(`there should be the target, and there is ${left.join(', ')}`);
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
