// @ts-check
// Operations on files and bytes: one short trial each. A trial fails by throwing.

import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  decrypt,
  decryptFile,
  decryptSegments,
  decryptSync,
  encrypt,
  encryptFile,
  encryptSync,
  heal,
  inspect,
  salvage,
  sealedSize,
  SealError,
  SecretKey,
  verify,
} from 'sealstream';
import * as floe from 'sealstream/floe';
import { exportHeader } from 'sealstream/header';
import { damagePage } from 'sealstream/report';

/** @typedef {(folder: string) => unknown} Capability Gets a folder of its own. */

const key = SecretKey.generate();
/** Small segments, so that small data has many of them. */
export const SIZES = { frameSize: 4096, segmentSize: 16_384 };

/** @param {number} size */
export function pattern(size) {
  return Buffer.from(Uint8Array.from({ length: size }, (_, index) => (index * 7) % 251));
}

/** @type {Record<string, Capability>} */
export const operations = {
  async '`encryptFile`, `decryptFile`'(folder) {
    const { plain, sealed } = await sealedFile(folder, 3_000_000, {});
    const opened = join(folder, 'opened');
    await decryptFile(sealed, opened, { key });
    assert.deepEqual(await readFile(opened), plain);
  },

  async '`encrypt`, `decrypt`'() {
    const plain = pattern(3_000_000);
    const sealed = await encrypt(plain, { key, context: 'here' });
    assert.deepEqual(await decrypt(sealed, { key, context: 'here' }), plain);
    assert.deepEqual(plain, pattern(3_000_000));
  },

  '`encryptSync`, `decryptSync`'() {
    for (const size of [0, 1, 5000, 100_000]) {
      const sealed = encryptSync(pattern(size), { key });
      assert.equal(sealed.length, sealedSize(size));
      assert.deepEqual(decryptSync(sealed, { key }), pattern(size));
    }
  },

  '`floe.encrypt`, `floe.decrypt`'() {
    const aad = Buffer.from('with this');
    const message = floe.encrypt(pattern(1000), { key, aad });
    assert.deepEqual(floe.decrypt(message, { key, aad }), pattern(1000));
  },

  async '`SecretKey`: files, text, nothing printed'(folder) {
    const path = join(folder, 'key');
    await key.toFile(path);
    const again = await SecretKey.fromFile(path);
    const sealed = encryptSync(pattern(10), { key });
    assert.deepEqual(decryptSync(sealed, { key: again }), pattern(10));
    const hex = Buffer.from(again.exportBytes()).toString('hex');
    assert.deepEqual(decryptSync(sealed, { key: SecretKey.fromHex(hex) }), pattern(10));
    const { inspect: print } = await import('node:util');
    for (const text of [print(key), String(key), JSON.stringify({ key })])
      assert.ok(!text.includes(hex), text);
    assert.match(print(key), /\[SecretKey\]/);
  },

  async '`inspect`, `exportHeader`'(folder) {
    const { sealed } = await sealedFile(folder, 100_000, SIZES);
    assert.equal((await inspect(sealed)).plaintextSize, 100_000);
    const header = await exportHeader(sealed);
    assert.deepEqual(header, (await readFile(sealed)).subarray(0, header.length));
  },

  async '`decryptSegments`'(folder) {
    const { plain, sealed } = await sealedFile(folder, 100_000, SIZES);
    const parts = [];
    for await (const result of decryptSegments(sealed, { key })) parts.push(result.ok ? result.data : '');
    assert.deepEqual(Buffer.concat(parts.map((part) => Buffer.from(part))), plain);
  },

  async '`onDamage` as a function'(folder) {
    const { sealed } = await sealedFile(folder, 100_000, SIZES);
    await hurt(sealed, 50_000);
    const { damage } = await decryptFile(sealed, join(folder, 'opened'), { key, onDamage: () => 'zero' });
    assert.equal(damage?.length, 1);
  },

  async '`verify`'(folder) {
    const { sealed } = await sealedFile(folder, 100_000, SIZES);
    assert.ok((await verify(sealed)).sound);
    await hurt(sealed, 50_000);
    const { sound, problems } = await verify(sealed, { key });
    assert.deepEqual([sound, problems.length], [false, 1]);
  },

  async '`heal`'(folder) {
    const { plain, sealed } = await sealedFile(folder, 100_000, SIZES);
    const copy = join(folder, 'copy');
    await copyFile(sealed, copy);
    await hurt(sealed, 20_000);
    await hurt(copy, 70_000);
    await heal(sealed, [copy], join(folder, 'whole'));
    assert.deepEqual(await decrypt(await readFile(join(folder, 'whole')), { key }), plain);
  },

  async '`salvage`, `damagePage`'(folder) {
    const { plain, sealed } = await sealedFile(folder, 100_000, SIZES);
    await hurt(sealed, 50_000);
    const map = await salvage(sealed, join(folder, 'part'), { key });
    assert.equal(map.recovered.bytes, plain.length - SIZES.frameSize);
    assert.match(damagePage(map), /^<!doctype html>/);
  },

  async '`resume: true`'(folder) {
    const [from, to] = [join(folder, 'plain'), join(folder, 'sealed')];
    await writeFile(from, Buffer.alloc(192 * 2 ** 20));
    const options = { key, resume: true, threads: 1, digest: /** @type {const} */ ('sha512'), flush: false };
    // After some segments, and long before the last.
    const onProgress = (/** @type {{ bytesDone: number }} */ { bytesDone }) => {
      if (bytesDone > 16 * 2 ** 20) throw new Error('stopped half-way');
    };
    await assert.rejects(encryptFile(from, to, { ...options, onProgress }), /stopped half-way/);
    const { resume } = await encryptFile(from, to, options);
    assert.ok(resume !== undefined && resume.segmentsResumed > 0, JSON.stringify(resume));
    assert.ok((await verify(to, { key })).authenticated);
  },

  async '`signal`, `onProgress`'() {
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = encrypt(Buffer.alloc(64 * 2 ** 20), { key, signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(running, (error) => error === reason);
    /** @type {number[]} */
    const told = [];
    await encrypt(pattern(1000), { key, onProgress: ({ bytesDone }) => told.push(bytesDone) });
    assert.equal(told.at(-1), 1000);
  },

  async 'typed errors'() {
    const sealed = encryptSync(pattern(1000), { key });
    assert.throws(
      () => decryptSync(sealed, { key: SecretKey.generate() }),
      (error) =>
        error instanceof SealError &&
        error.failure.kind === 'NoMatchingKey' &&
        error.code === 'ERR_SEAL_NO_MATCHING_KEY',
    );
    await assert.rejects(decrypt(sealed.subarray(0, 500), { key }), SealError);
    // @ts-expect-error a mistake
    assert.throws(() => encryptSync('text', { key }), TypeError);
    assert.throws(() => encryptSync(pattern(1), { key, frameSize: 7 }), RangeError);
    await assert.rejects(decryptFile('not there', 'nowhere', { key }), { code: 'ERR_SEAL_IO' });
  },
};

/**
 * Makes a sealed file from `size` bytes.
 *
 * @param {string} folder
 * @param {number} size
 * @param {Partial<typeof SIZES>} sizes
 */
export async function sealedFile(folder, size, sizes) {
  const [from, sealed] = [join(folder, 'plain'), join(folder, 'sealed')];
  const plain = pattern(size);
  await writeFile(from, plain);
  await encryptFile(from, sealed, { key, ...sizes });
  return { from, plain, sealed, key };
}

/**
 * Changes one byte.
 *
 * @param {string} path
 * @param {number} at
 */
async function hurt(path, at) {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}
