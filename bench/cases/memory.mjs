// @ts-check
/** Buffers beside WebCrypto, and small records beside createCipheriv. */
import { createCipheriv, randomBytes, webcrypto } from 'node:crypto';
import { encrypt, encryptSync, floe, generateKey } from 'sealstream';
import { inPairs, seconds } from '../lib/measure.mjs';

/** @typedef {import('../lib/report.mjs').Result} Result */

/**
 * 64 MiB in one call, against WebCrypto with four calls of 1 MiB in flight.
 *
 * @param {number} rounds
 * @returns {Promise<Result>}
 */
export async function largeBuffer(rounds) {
  const bytes = randomBytes(64 * MIB);
  const key = generateKey();
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
    'encrypt',
    () => seconds(() => encrypt(bytes, { key })),
    'subtle',
    () => seconds(subtle),
    rounds * 3,
  );
  return rate('encrypt, 64 MiB / crypto.subtle', 'MiB/s', 64, 1.2, pair);
}

/**
 * Calls a second on 1 KiB: a whole stream, and a bare FLOE message.
 *
 * @param {number} rounds
 * @returns {AsyncGenerator<Result>}
 */
export async function* smallRecords(rounds) {
  const bytes = randomBytes(1024);
  const key = generateKey();
  const plainKey = randomBytes(32);
  const repeat = (/** @type {() => unknown} */ call) => () =>
    seconds(() => {
      for (let at = 0; at < CALLS; at += 1) call();
    });
  const cipher = repeat(() => {
    const aes = createCipheriv('aes-256-gcm', plainKey, randomBytes(12));
    return Buffer.concat([aes.update(bytes), aes.final(), aes.getAuthTag()]);
  });
  const message = repeat(() => floe.seal(bytes, { key }));
  const stream = repeat(() => encryptSync(bytes, { key }));
  const thousands = CALLS / 1000;
  yield rate('floe.seal, 1 KiB / createCipheriv', 'k/s', thousands, 0.5,
    await inPairs('floe.seal', message, 'createCipheriv', cipher, rounds)); // prettier-ignore
  yield rate('encryptSync, 1 KiB / createCipheriv', 'k/s', thousands, 0.3,
    await inPairs('encryptSync', stream, 'createCipheriv', cipher, rounds)); // prettier-ignore
}

/**
 * @param {string} name
 * @param {string} unit
 * @param {number} amount
 * @param {number} target
 * @param {import('../lib/measure.mjs').Pair} pair
 * @returns {Result}
 */
function rate(name, unit, amount, target, pair) {
  const { ratio, low, high } = pair;
  const [subject, reference] = [amount / pair.subject.median, amount / pair.reference.median];
  return { name, unit, subject, reference, ratio, low, high, target, sense: 'at least' };
}

const MIB = 2 ** 20;
const CALLS = 20_000;
