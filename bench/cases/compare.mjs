// @ts-check
/** The main paths of the package, for comparing two checkouts: a measurement of each with a given copy of the package. */
import { randomBytes, randomInt } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { flipByte } from '../lib/flip-byte.mjs';
import { seconds } from '../lib/measure.mjs';
import { makeSourceFile } from '../lib/source-file.mjs';

/** @typedef {typeof import('../../src-ts/index.js')} Sealstream */
/** @typedef {Awaited<ReturnType<typeof prepare>>} Inputs */

/**
 * Makes the inputs that both checkouts work on.
 *
 * @param {Sealstream} sealstream
 * @param {{ folder: string, size: number, threads: number }} setting
 */
export async function prepare(sealstream, { folder, size, threads }) {
  const key = randomBytes(32);
  const file = (/** @type {string} */ name) => join(folder, name);
  const [source, sealed, damaged] = [file('source'), file('sealed'), file('damaged')];
  await makeSourceFile(source, size);
  await sealstream.encryptFile(source, sealed, { key });
  await copyFile(sealed, damaged);
  await flipByte(damaged, Math.floor(size / 2));
  const large = randomBytes(64 * MIB);
  const small = randomBytes(1024);
  const sealedLarge = await sealstream.encrypt(large, { key });
  const sealedSmall = sealstream.encryptSync(small, { key });
  const rewrapped = file('rewrapped');
  await copyFile(sealed, rewrapped);
  const output = file('output');
  return {
    ...{ key, size, threads, source, sealed, damaged, rewrapped, output },
    ...{ large, small, sealedLarge, sealedSmall },
  };
}

/**
 * @param {Sealstream} sealstream
 * @param {Inputs} inputs
 * @returns {Promise<{ cases: Record<string, import('../lib/measure.mjs').Measurement>, close: () => Promise<void> }>}
 */
export async function compareCases(sealstream, inputs) {
  const { key, size, threads, source, sealed, damaged, rewrapped, output } = inputs;
  const { encryptFile, decryptFile, encrypt, decrypt, encryptSync, decryptSync, verify } = sealstream;
  const fileOptions = { key, threads, flush: false };
  const toNewFile = (/** @type {() => Promise<unknown>} */ work) => async () => {
    await rm(output, { force: true });
    return seconds(work);
  };
  const timed = (/** @type {() => unknown} */ work) => () => seconds(work);
  const repeated = (/** @type {number} */ times, /** @type {() => unknown} */ work) =>
    timed(async () => {
      for (let time = 0; time < times; time += 1) await work();
    });
  const synchronous = (/** @type {() => unknown} */ work) =>
    timed(() => {
      for (let call = 0; call < CALLS; call += 1) work();
    });
  const through = (
    /** @type {Uint8Array} */ bytes,
    /** @type {number} */ chunkSize,
    /** @type {() => NodeJS.ReadWriteStream} */ makeStream,
  ) => repeated(STREAMS, () => pipeline(Readable.from(chunksOf(bytes, chunkSize)), makeStream(), discard()));
  const seal = () => sealstream.createEncryptStream({ key });
  const unseal = () => sealstream.createDecryptStream({ key });
  const reader = await sealstream.openReader(sealed, { key });
  const secret = sealstream.SecretKey.fromBytes(key);
  const keep = () => sealstream.rewrap(rewrapped, { key, replace: [sealstream.secretKey(secret)] });

  return {
    cases: {
      encryptFile: toNewFile(() => encryptFile(source, output, fileOptions)),
      decryptFile: toNewFile(() => decryptFile(sealed, output, fileOptions)),
      'encryptFile, resume': toNewFile(() => encryptFile(source, output, { ...fileOptions, resume: true })),
      'encrypt, 64 MiB': timed(() => encrypt(inputs.large, { key })),
      'decrypt, 64 MiB': timed(() => decrypt(inputs.sealedLarge, { key })),
      'encryptSync, 1 KiB': synchronous(() => encryptSync(inputs.small, { key })),
      'decryptSync, 1 KiB': synchronous(() => decryptSync(inputs.sealedSmall, { key })),
      'createEncryptStream, 64 KiB': through(inputs.large, 64 * KIB, seal),
      'createEncryptStream, 1 MiB': through(inputs.large, MIB, seal),
      'createDecryptStream, 64 KiB': through(inputs.sealedLarge, 64 * KIB, unseal),
      'createDecryptStream, 1 MiB': through(inputs.sealedLarge, MIB, unseal),
      'open, random reads of 64 KiB': timed(() => randomReads(reader, size)),
      'verify without a key': timed(() => verify(sealed, { threads })),
      'verify with the key': timed(() => verify(sealed, { threads, key })),
      salvage: toNewFile(() => sealstream.salvage(damaged, output, fileOptions)),
      rewrap: repeated(REWRAPS, keep),
    },
    async close() {
      await reader.close();
      secret.dispose();
    },
  };
}

/**
 * @param {Uint8Array} bytes
 * @param {number} chunkSize
 */
function* chunksOf(bytes, chunkSize) {
  for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize);
}

/** A stream that throws away what it gets. */
function discard() {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/**
 * @param {import('../../src-ts/index.js').SealedReader} reader
 * @param {number} size
 */
async function randomReads(reader, size) {
  let left = READS;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await reader.read(randomInt(size - 64 * KIB), 64 * KIB);
    }
  };
  await Promise.all(Array.from({ length: READS_IN_FLIGHT }, lane));
}

const KIB = 1024;
const MIB = 1024 * KIB;
// Runs per measurement.
const CALLS = 5000;
const STREAMS = 4;
const READS = 4000;
const REWRAPS = 10;
const READS_IN_FLIGHT = 16;
