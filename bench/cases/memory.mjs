// @ts-check
/** Buffers against WebCrypto, and small records against createCipheriv. */
import { createCipheriv, randomBytes, webcrypto } from 'node:crypto';
import { encrypt, encryptSync, SecretKey } from 'sealstream';
import * as floe from 'sealstream/floe';
import { inPairs, seconds } from '../lib/measure.mjs';
import { speedResult } from '../lib/report.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */

/**
 * All comparisons of this file.
 *
 * @param {number} rounds
 * @returns {AsyncGenerator<Result>}
 */
export async function* memoryCases(rounds) {
  yield await largeBuffer(rounds);
  yield* smallRecords(rounds);
}

/**
 * 64 MiB in one call, against WebCrypto with four calls of 1 MiB in flight.
 *
 * @param {number} rounds
 * @returns {Promise<Result>}
 */
async function largeBuffer(rounds) {
  const bytes = randomBytes(64 * MIB);
  const key = SecretKey.generate();
  const subtleKey = await webcrypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt']);
  const subtle = async () => {
    let next = 0;
    const lane = async () => {
      while (next < bytes.length) {
        const chunk = bytes.subarray(next, (next += MIB));
        await webcrypto.subtle.encrypt({ name: 'AES-GCM', iv: randomBytes(12) }, subtleKey, chunk);
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
  };
  const pair = await inPairs(
    () => seconds(() => encrypt(bytes, { key })),
    () => seconds(subtle),
    rounds * 3,
  );
  return speedResult('encrypt, 64 MiB / crypto.subtle', { unit: 'MiB/s', amount: 64, target: 1.2 }, pair);
}

/**
 * Calls per second on 1 KiB: a whole stream, and a bare FLOE message.
 *
 * @param {number} rounds
 * @returns {AsyncGenerator<Result>}
 */
async function* smallRecords(rounds) {
  const bytes = randomBytes(1024);
  const key = SecretKey.generate();
  const plainKey = randomBytes(32);
  const repeat = (/** @type {() => unknown} */ call) => () =>
    seconds(() => {
      for (let at = 0; at < CALLS; at += 1) call();
    });
  const cipher = repeat(() => {
    const aes = createCipheriv('aes-256-gcm', plainKey, randomBytes(12));
    return Buffer.concat([aes.update(bytes), aes.final(), aes.getAuthTag()]);
  });
  const message = repeat(() => floe.encrypt(bytes, { key }));
  const stream = repeat(() => encryptSync(bytes, { key }));
  const thousands = { unit: 'k/s', amount: CALLS / 1000 };
  const messages = await inPairs(message, cipher, rounds);
  yield speedResult('floe.encrypt, 1 KiB / createCipheriv', { ...thousands, target: 0.5 }, messages);
  const streams = await inPairs(stream, cipher, rounds);
  yield speedResult('encryptSync, 1 KiB / createCipheriv', { ...thousands, target: 0.3 }, streams);
}

const MIB = 2 ** 20;
const CALLS = 20_000;
