// @ts-check
/**
 * Sealing and opening in a pipeline of Node streams, from file to file, against a pipeline that only copies each chunk and
 * against Node's own cipher. Also measures the delay of the event loop meanwhile.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { createDecryptStream, createEncryptStream, encryptFile, SecretKey } from 'sealstream';
import { copyingTransform } from '../lib/copying-transform.mjs';
import { loopDelay } from '../lib/loop-delay.mjs';
import { inPairs, median, seconds, WARM_UP } from '../lib/measure.mjs';
import { speedResult } from '../lib/report.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */
/** @typedef {() => NodeJS.ReadWriteStream} MakeStream */

/**
 * @param {{ source: string, size: number, folder: string, rounds: number }} setting
 * @returns {AsyncGenerator<Result>}
 */
export async function* streamCases({ source, size, folder, rounds }) {
  const key = SecretKey.generate();
  const [sealed, ciphered, output] = ['sealed', 'ciphered', 'copy'].map((name) => join(folder, name));
  if (!sealed || !ciphered || !output) throw new Error('no names');
  const few = Math.max(3, Math.ceil(rounds / 2));
  const own = nodeCipher();
  const work = { unit: 'MiB/s', amount: size / MIB };
  // First, because the system writes the other cases' files to the disk afterwards, which would disturb this one.
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
      const pair = await inPairs(subject.measure, copying.measure, rounds);
      yield speedResult(`${chunks} / copying`, { ...work, target: 0.9 }, pair);
      yield delayOver(`loop delay over copying, ${chunks}`, subject.delays, copying.delays);
      const again = watched(through(from, make));
      const node = watched(through(nodeFrom, makeNode));
      yield speedResult(
        `${chunks} / ${nodeName}`,
        { ...work, target: 1.5 },
        await inPairs(again.measure, node.measure, few),
      );
    }
  }
  await Promise.all([sealed, ciphered, output].map((path) => rm(path, { force: true })));
}

/**
 * The event loop's delay while encryptFile works, against that of an idle process. The event loop's thread takes no part in
 * sealing. Several files in a row give enough ticks for a 99th percentile.
 *
 * @param {string} source
 * @param {string} sealed
 * @param {number} rounds
 * @returns {Promise<Result>}
 */
async function fileDelay(source, sealed, rounds) {
  const key = SecretKey.generate();
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
 * A measurement of time that also records the delays.
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

/** Node's cipher, and the decipher for its output. The tag is known only when the cipher has ended. */
function nodeCipher() {
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
