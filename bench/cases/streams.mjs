// @ts-check
/**
 * Sealing and opening in a pipeline of Node streams, from file to file, beside a pipeline that only copies each chunk and
 * beside Node's own cipher; and for how long the event loop has to wait meanwhile.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { createDecryptStream, createEncryptStream, encryptFile, generateKey } from 'sealstream';
import { copyingTransform } from '../lib/copying-transform.mjs';
import { loopDelay } from '../lib/loop-delay.mjs';
import { inPairs, median, seconds, WARM_UP } from '../lib/measure.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */
/** @typedef {() => NodeJS.ReadWriteStream} MakeStream */

/**
 * @param {{ source: string, size: number, folder: string, rounds: number }} setting
 * @returns {AsyncGenerator<Result>}
 */
export async function* streamCases({ source, size, folder, rounds }) {
  const key = generateKey();
  const [sealed, ciphered, output] = ['sealed', 'ciphered', 'copy'].map((name) => join(folder, name));
  if (!sealed || !ciphered || !output) throw new Error('no names');
  const few = Math.max(3, Math.ceil(rounds / 2));
  const own = cipherOfNode();
  // First: what the other cases write is still on its way to the disk afterwards, which takes the cores that this needs.
  yield await fileDelay(source, sealed, few);
  await pipeline(createReadStream(source), createEncryptStream({ key }), createWriteStream(sealed));
  await pipeline(createReadStream(source), own.cipher(), createWriteStream(ciphered));
  const directions = [
    {
      name: 'createEncryptStream',
      from: source,
      make: () => createEncryptStream({ key }),
      nodeName: 'createCipheriv',
      nodeFrom: source,
      makeNode: () => createCipheriv('aes-256-gcm', randomBytes(32), randomBytes(12)),
    },
    {
      name: 'createDecryptStream',
      from: sealed,
      make: () => createDecryptStream({ key }),
      nodeName: 'createDecipheriv',
      nodeFrom: ciphered,
      makeNode: own.decipher,
    },
  ];
  for (const { name, from, make, nodeName, nodeFrom, makeNode } of directions) {
    for (const highWaterMark of [64 * 1024, MIB]) {
      const chunks = `${name}, ${highWaterMark === MIB ? '1 MiB' : '64 KiB'}`;
      const through = (/** @type {string} */ path, /** @type {MakeStream} */ makeStream) => async () => {
        await rm(output, { force: true });
        return timed(() =>
          pipeline(
            createReadStream(path, { highWaterMark }),
            makeStream(),
            createWriteStream(output, { highWaterMark }),
          ),
        );
      };
      const subject = watched(through(from, make));
      const copying = watched(through(from, () => copyingTransform(highWaterMark)));
      const pair = await inPairs(name, subject.measure, 'copying', copying.measure, rounds);
      yield throughput(`${chunks} / copying`, size, 0.9, pair);
      yield delayOver(`loop delay over copying, ${chunks}`, subject.delays, copying.delays);
      const beside = watched(through(from, make));
      const node = watched(through(nodeFrom, makeNode));
      yield throughput(
        `${chunks} / ${nodeName}`,
        size,
        1.5,
        await inPairs(name, beside.measure, nodeName, node.measure, few),
      );
    }
  }
  await Promise.all([sealed, ciphered, output].map((path) => rm(path, { force: true })));
}

/**
 * The delay while whole files are sealed, which nothing on the event loop's thread takes part in, beside that of a process that
 * does nothing. Several files in a row, for enough ticks to have a 99th percentile.
 *
 * @param {string} source
 * @param {string} sealed
 * @param {number} rounds
 * @returns {Promise<Result>}
 */
async function fileDelay(source, sealed, rounds) {
  const key = generateKey();
  /** @type {number[]} */
  const delays = [];
  /** @type {number[]} */
  const idle = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    delays.push(
      await loopDelay(async () => {
        for (let file = 0; file < FILES; file += 1) {
          await encryptFile(source, sealed, { key, flush: false, overwrite: true });
        }
      }),
    );
    const time = performance.now() - start;
    idle.push(await loopDelay(() => setTimeout(time)));
  }
  return {
    ...millisecondsAtMost('loop delay, encryptFile', delays),
    subject: median(delays),
    reference: median(idle),
  };
}

/**
 * @param {() => Promise<unknown>} work
 * @returns {Promise<{ time: number, delay: number }>}
 */
async function timed(work) {
  let time = 0;
  const delay = await loopDelay(async () => {
    time = await seconds(work);
  });
  return { time, delay };
}

/**
 * A measurement of time that keeps the delays too.
 *
 * @param {() => Promise<{ time: number, delay: number }>} run
 */
function watched(run) {
  /** @type {number[]} */
  const all = [];
  const measure = async () => {
    const { time, delay } = await run();
    all.push(delay);
    return time;
  };
  return {
    measure,
    get delays() {
      return all.slice(WARM_UP);
    },
  };
}

/** Node's cipher and what opens its output; its tag is known when the ciphertext is. */
function cipherOfNode() {
  const [key, iv] = [randomBytes(32), randomBytes(12)];
  /** @type {import('node:crypto').CipherGCM | undefined} */
  let made;
  return {
    cipher: () => (made = createCipheriv('aes-256-gcm', key, iv)),
    decipher: () => {
      const decipher = createDecipheriv('aes-256-gcm', key, iv);
      if (made) decipher.setAuthTag(made.getAuthTag());
      return decipher;
    },
  };
}

/**
 * @param {string} name
 * @param {number} size
 * @param {number} target
 * @param {import('../lib/measure.mjs').Pair} pair
 * @returns {Result}
 */
function throughput(name, size, target, pair) {
  const mebibytes = size / MIB;
  const { ratio, low, high } = pair;
  const [subject, reference] = [mebibytes / pair.subject.median, mebibytes / pair.reference.median];
  return { name, unit: 'MiB/s', subject, reference, ratio, low, high, target, sense: 'at least' };
}

/**
 * @param {string} name
 * @param {number[]} subject
 * @param {number[]} reference
 * @returns {Result}
 */
function delayOver(name, subject, reference) {
  const over = subject.map((delay, at) => delay - (reference[at] ?? Number.NaN));
  return { ...millisecondsAtMost(name, over), subject: median(subject), reference: median(reference) };
}

/**
 * @param {string} name
 * @param {number[]} values
 */
function millisecondsAtMost(name, values) {
  return {
    name,
    unit: 'ms',
    ratio: median(values),
    low: Math.min(...values),
    high: Math.max(...values),
    target: 2,
    sense: /** @type {const} */ ('at most'),
  };
}

const MIB = 2 ** 20;
const FILES = 4;
