// @ts-check
// Callers that take the memory of their arguments away, or whose arrays lie about it. Each operation must give the right result or
// reject with an error that says what happened; it must never crash, and never use memory that was not its input.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import {
  createEncryptStream,
  decrypt,
  decryptChunks,
  decryptSegments,
  decryptSync,
  encrypt,
  encryptChunks,
  EncryptionStream,
  encryptSync,
  heal,
  inspect,
  openReader,
  provider,
  SealError,
  SecretKey,
  verify,
} from 'sealstream';
import * as floe from 'sealstream/floe';
import { exportHeader, rewrapHeader } from 'sealstream/header';

import {
  assertSaysWhy,
  attacks,
  detach,
  Liar,
  lying,
  plaintext,
  plainView,
  SIZES,
  underAttack,
  useFreedMemory,
  withPatchedPrototypes,
} from './hostile-arrays.mjs';

const key = SecretKey.generate();
/** @type {Map<number, Uint8Array>} */
const streams = new Map();
/** @param {number} size */
function sealedStream(size) {
  const stream = streams.get(size) ?? encryptSync(plaintext(size), { key });
  streams.set(size, stream);
  return new Uint8Array(stream);
}

/**
 * @param {Uint8Array} stream
 * @param {number} size
 */
function assertSeals(stream, size) {
  assert.ok(decryptSync(Buffer.from(stream), { key }).equals(plaintext(size)), 'other memory was sealed');
}

/**
 * @param {Uint8Array} bytes
 * @param {number} size
 */
function assertPlaintext(bytes, size) {
  assert.ok(Buffer.from(bytes).equals(plaintext(size)), 'other memory was returned');
}

/**
 * A stream that was cut, is empty, or has bytes after its end.
 *
 * @param {unknown} error
 */
const isDamaged = (error) => SealError.is(error) && (error.isDamage || error.code === 'ERR_SEAL_NOT_SEALED');

/** @param {AsyncIterable<Uint8Array>} chunks */
async function joined(chunks) {
  const parts = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** @type {Record<string, import('./operations.mjs').Capability>} */
export const hostileMemory = {
  async 'hostile memory: `encrypt`'() {
    await underAttack(plaintext, (bytes) => encrypt(bytes, { key }), assertSeals);
    for (const size of SIZES) {
      const bytes = plaintext(size);
      const stream = await withPatchedPrototypes(() => encrypt(bytes, { key }));
      assertSeals(stream, size);
    }
  },

  async 'hostile memory: `decrypt`'() {
    await underAttack(sealedStream, (bytes) => decrypt(bytes, { key }), assertPlaintext);
  },

  async 'hostile memory: `encryptSync`, `decryptSync`'() {
    await underAttack(plaintext, (bytes) => encryptSync(bytes, { key }), assertSeals);
    await underAttack(sealedStream, (bytes) => decryptSync(bytes, { key }), assertPlaintext);
    for (const size of [10, ...SIZES]) {
      const [bytes, sealed] = [plaintext(size), sealedStream(size)];
      assertSeals(await withPatchedPrototypes(() => encryptSync(bytes, { key })), size);
      assertPlaintext(await withPatchedPrototypes(() => decryptSync(sealed, { key })), size);
    }
  },

  async 'hostile memory: `floe.encrypt`, `floe.decrypt`'() {
    const aad = Buffer.from('row 7');
    const message = (/** @type {number} */ size) =>
      new Uint8Array(floe.encrypt(plaintext(size), { key, aad }));
    const opens = (/** @type {Uint8Array} */ bytes, /** @type {number} */ size) => {
      assertPlaintext(floe.decrypt(Buffer.from(bytes), { key, aad }), size);
    };
    await underAttack(plaintext, (bytes) => floe.encrypt(bytes, { key, aad }), opens);
    await underAttack(message, (bytes) => floe.decrypt(bytes, { key, aad }), assertPlaintext);
    for (const { make } of [
      attacks['own properties that lie'],
      attacks['a subclass with getters that lie'],
    ].flatMap((attack) => attack ?? [])) {
      const sealed = floe.encrypt(plaintext(1000), { key, aad: make(aad) });
      opens(sealed, 1000);
    }
  },

  async 'hostile memory: `verify`, `inspect`, `exportHeader`'() {
    const isSound = (/** @type {{ sound: boolean }} */ { sound }) => {
      assert.ok(sound);
    };
    await underAttack(sealedStream, (bytes) => verify(bytes, { key }), isSound);
    await underAttack(sealedStream, (bytes) => verify(bytes), isSound);
    await underAttack(sealedStream, inspect, ({ plaintextSize }, size) => {
      assert.equal(plaintextSize, size);
    });
    await underAttack(sealedStream, exportHeader, async (header, size) => {
      assert.deepEqual(header, await exportHeader(sealedStream(size)));
    });
    const header = await exportHeader(sealedStream(1000));
    for (const { make } of Object.values(attacks)) {
      const changed = await rewrapHeader(make(header), { key, add: key });
      assert.ok(changed.length >= header.length);
    }
  },

  async 'hostile memory: `heal`'(folder) {
    let count = 0;
    const healed = async (/** @type {string} */ to, /** @type {number} */ size) => {
      assertPlaintext(decryptSync(await readFile(to), { key }), size);
    };
    const target = () => join(folder, `healed ${(count += 1)}`);
    await underAttack(
      sealedStream,
      async (bytes, size) => {
        const to = target();
        await heal(bytes, [sealedStream(size)], to);
        return to;
      },
      healed,
    );
    await underAttack(
      sealedStream,
      async (bytes, size) => {
        const to = target();
        const damaged = sealedStream(size);
        damaged.fill(0, 50_000, 50_100);
        await heal(damaged, [bytes], to);
        return to;
      },
      healed,
    );
  },

  async 'hostile memory: `openReader`, `decryptSegments`'() {
    await underAttack(
      sealedStream,
      async (bytes, size) => {
        const reader = await openReader(bytes, { key, cacheSize: 0 });
        try {
          return await reader.read(0, size);
        } finally {
          await reader.close();
        }
      },
      assertPlaintext,
    );
    await underAttack(
      sealedStream,
      async (bytes) => {
        const parts = [];
        for await (const result of decryptSegments(bytes, { key })) {
          if (result.ok) parts.push(result.data);
        }
        return Buffer.concat(parts);
      },
      assertPlaintext,
    );
  },

  async 'hostile memory: `readInto`'() {
    for (const size of SIZES) {
      const reader = await openReader(sealedStream(size), { key, cacheSize: 0 });
      for (const { make, atOnce, later, mayFail } of Object.values(attacks)) {
        const target = make(new Uint8Array(size));
        const read = reader.readInto(target, 0);
        atOnce?.(target);
        if (later)
          setImmediate(() => {
            later(target);
          });
        try {
          assert.equal(await read, size);
        } catch (error) {
          if (mayFail !== true) throw error;
          assertSaysWhy(error);
          continue;
        }
        if (!mayFail) assertPlaintext(Uint8Array.prototype.slice.call(plainView(target)), size);
      }
      await reader.close();
    }
  },

  async 'hostile memory: sources of the caller’s own'() {
    for (const size of SIZES) {
      const stream = sealedStream(size);
      for (const [name, { make, atOnce }] of Object.entries(attacks)) {
        const source = {
          size: stream.length,
          read(/** @type {number} */ offset, /** @type {number} */ length) {
            const answer = make(stream.subarray(offset, offset + length));
            // They are taken away when the engine has got them.
            setImmediate(() => {
              atOnce?.(answer);
            });
            return Promise.resolve(answer);
          },
        };
        const reader = await openReader(source, { key, cacheSize: 0 });
        try {
          assertPlaintext(await reader.read(0, size), size);
        } catch (cause) {
          throw new Error(name, { cause });
        } finally {
          await reader.close();
        }
      }
    }
  },

  async 'hostile memory: chunks of streams'() {
    const pieces = (/** @type {AsyncIterable<Uint8Array>} */ from) => joined(from);
    // A chunk is read when its turn has come. It may have another size then, but no other memory.
    const sealsSome = (/** @type {Uint8Array} */ stream, /** @type {number} */ size) => {
      const opened = decryptSync(Buffer.from(stream), { key });
      const known = Buffer.concat([plaintext(size), Buffer.alloc(size)]);
      assert.ok(opened.equals(known.subarray(0, opened.length)), 'other memory was sealed');
    };
    await underAttack(plaintext, (bytes) => pieces(encryptChunks([bytes], { key })), sealsSome);
    await underAttack(
      sealedStream,
      (bytes) => pieces(decryptChunks([bytes], { key })),
      assertPlaintext,
      isDamaged,
    );
    await underAttack(
      plaintext,
      async (bytes) => {
        const stream = createEncryptStream({ key });
        stream.on('error', () => undefined);
        const sealed = pieces(stream);
        sealed.catch(() => undefined);
        await new Promise((resolve, reject) => {
          stream.write(bytes, (error) => {
            if (error) reject(error);
            else resolve(undefined);
          });
        });
        stream.end();
        return sealed;
      },
      sealsSome,
    );
    await underAttack(
      plaintext,
      async (bytes) => {
        const { readable, writable } = new EncryptionStream({ key });
        const sealed = pieces(/** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (readable)));
        sealed.catch(() => undefined);
        const writer = writable.getWriter();
        writer.closed.catch(() => undefined);
        await writer.write(bytes);
        await writer.close();
        return sealed;
      },
      sealsSome,
    );
  },

  async 'hostile memory: keys and options'() {
    const liars = [
      attacks['own properties that lie'],
      attacks['a subclass with getters that lie'],
      attacks['shared memory'],
    ];
    const raw = plaintext(32);
    for (const { make } of liars.flatMap((attack) => attack ?? [])) {
      const context = make(Buffer.from('tenant-7'));
      const sealed = await encrypt(plaintext(1000), { key: make(raw), context });
      assertPlaintext(await decrypt(sealed, { key: raw, context: 'tenant-7' }), 1000);
      assertPlaintext(floe.decrypt(floe.encrypt(plaintext(1000), { key: make(raw) }), { key: raw }), 1000);
    }
    for (const size of SIZES) {
      // Options that take the input's memory away when they are read.
      /** @type {[(bytes: Uint8Array, options: any) => unknown, (size: number) => Uint8Array, (result: any, size: number) => void][]} */
      const calls = [
        [encrypt, plaintext, assertSeals],
        [decrypt, sealedStream, assertPlaintext],
        [encryptSync, plaintext, assertSeals],
        [decryptSync, sealedStream, assertPlaintext],
        [
          floe.encrypt,
          plaintext,
          (message) => {
            assertPlaintext(floe.decrypt(message, { key }), size);
          },
        ],
        [
          verify,
          sealedStream,
          ({ sound }) => {
            assert.ok(sound);
          },
        ],
      ];
      for (const [call, input, check] of calls) {
        const bytes = input(size);
        const options = {
          get key() {
            detach(bytes);
            return key;
          },
        };
        try {
          const result = await (async () => call(bytes, options))();
          check(result, size);
        } catch (error) {
          assertSaysWhy(error);
        }
      }
    }
  },

  async 'hostile memory: providers'() {
    for (const size of SIZES) {
      for (const wraps of [true, false]) {
        const bytes = wraps ? plaintext(size) : undefined;
        /** @type {Map<string, Uint8Array>} */
        const keys = new Map();
        let taken = /** @type {Uint8Array | undefined} */ (undefined);
        const keyProvider = {
          name: 'hostile',
          async wrapKey(/** @type {{ key: Uint8Array }} */ { key: kek }) {
            keys.set('kek', new Uint8Array(kek));
            if (bytes) detach(bytes);
            await sleep(5);
            return lying(plaintext(60));
          },
          async unwrapKey() {
            if (taken) detach(taken);
            await sleep(5);
            return new Liar(/** @type {Uint8Array} */ (keys.get('kek')));
          },
        };
        const recipient = provider(keyProvider, 'key 1');
        try {
          const sealed = await encrypt(bytes ?? plaintext(size), { recipients: [recipient] });
          taken = wraps ? undefined : new Uint8Array(sealed);
          assertPlaintext(await decrypt(taken ?? sealed, { identities: [recipient] }), size);
        } catch (error) {
          assertSaysWhy(error);
        }
      }
    }
  },

  async 'hostile memory: workers that are terminated'() {
    for (let round = 0; round < 10; round += 1) {
      const worker = new Worker(new URL('hostile-worker.mjs', import.meta.url));
      await once(worker, 'message');
      await sleep(round * 3);
      await worker.terminate();
      useFreedMemory(4 * 2 ** 20);
    }
    assertSeals(await encrypt(plaintext(5_000_000), { key }), 5_000_000);
  },
};
