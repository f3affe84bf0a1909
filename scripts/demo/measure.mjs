// @ts-check
// Measures throughput against `cp` and against a pipeline with Node's own encryption.

import { createCipheriv, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { run } from '../lib/process.mjs';
import { duration, heading, print, rate } from './text.mjs';

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {(output: string) => Promise<unknown>} work  Writes a new file.
 */

/**
 * Runs every contestant alternately, three times, and prints the medians.
 *
 * @param {import('../demo.mjs').Sealstream} sealstream
 * @param {string} plain
 * @param {number} bytes
 * @param {string} folder
 * @param {import('../../src-ts/index.js').SecretKey} key
 */
export async function measure({ encryptFile, decryptFile }, plain, bytes, folder, key) {
  heading(`Throughput: median of ${ROUNDS} rounds, alternating, each into a new file, page cache warm`);
  const sealed = join(folder, 'sealed');
  await encryptFile(plain, sealed, { key });

  const copied = await copying(plain);
  /** @type {Contestant[]} */
  const contestants = [
    { name: 'sealstream seals', work: (output) => encryptFile(plain, output, { key, flush: false }) },
    { name: 'sealstream opens', work: (output) => decryptFile(sealed, output, { key, flush: false }) },
    copied,
    { name: 'node:crypto pipeline seals', work: (output) => nodePipeline(plain, output) },
    { name: 'sealstream seals, with fsync', work: (output) => encryptFile(plain, output, { key }) },
  ];
  /** @type {Map<Contestant, number[]>} */
  const times = new Map(contestants.map((contestant) => [contestant, []]));
  const output = join(folder, 'output');
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contestant of contestants) {
      // One uncounted run: the first writes after a pause also pay for pages that the system reclaimed.
      await contestant.work(output);
      await rm(output);
      const began = performance.now();
      await contestant.work(output);
      times.get(contestant)?.push(performance.now() - began);
      await rm(output);
    }
  }
  const medians = contestants.map((contestant) => median(times.get(contestant) ?? []));
  const copy = medians[contestants.findIndex(({ name }) => name === copied.name)] ?? 0;
  for (const [index, contestant] of contestants.entries()) {
    const time = medians[index] ?? 0;
    const speed =
      bytes < SMALL
        ? ''
        : `${rate(bytes, time).padStart(12)} ${(copy / time).toFixed(2).padStart(6)} x ${copied.name}`;
    const [least, most] = [Math.min, Math.max].map((of) => duration(of(...(times.get(contestant) ?? []))));
    print(
      `  ${contestant.name.padEnd(28)}${duration(time).padStart(9)}${speed}   (${least ?? ''} to ${most ?? ''})`,
    );
  }
  if (bytes < SMALL) print('  (the file is too small for rates: these are start-up costs)');
  print(
    '  only the last line includes fsync; cp, the pipeline and the other lines leave the data in the page cache',
  );
  print(
    '  node:crypto: createReadStream | aes-256-gcm | createWriteStream with defaults, one tag for the whole file',
  );
}

/**
 * The system's `cp`, or Node's own copying if there is none.
 *
 * @param {string} plain
 * @returns {Promise<Contestant>}
 */
async function copying(plain) {
  const found = await run('cp', ['--version'], { cwd: '.' });
  if (found.error !== undefined) return { name: 'fs.copyFile', work: (output) => copyFile(plain, output) };
  return {
    name: 'cp',
    async work(output) {
      const { code, output: said } = await run('cp', ['--', plain, output], { cwd: '.' });
      if (code !== 0) throw new Error(`cp failed: ${said}`);
    },
  };
}

/**
 * @param {string} plain
 * @param {string} output
 */
function nodePipeline(plain, output) {
  const cipher = createCipheriv('aes-256-gcm', randomBytes(32), randomBytes(12));
  return pipeline(createReadStream(plain), cipher, createWriteStream(output));
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const ROUNDS = 3;
/** Below this many bytes, start-up costs dominate. */
export const SMALL = 16 * 2 ** 20;
