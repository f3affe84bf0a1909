// @ts-check
// The package with every kind of stream of a runtime.

import assert from 'node:assert/strict';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import {
  createDecryptStream,
  createEncryptStream,
  decrypt,
  decryptChunks,
  DecryptionStream,
  encrypt,
  encryptChunks,
  EncryptionStream,
  SealError,
  SecretKey,
} from 'sealstream';

import { pattern, sealedFile, SIZES } from './operations.mjs';

const key = SecretKey.generate();
const plain = pattern(1_000_000);
const options = { key, ...SIZES };

/** @type {Record<string, import('./operations.mjs').Capability>} */
export const streams = {
  async '`createEncryptStream`, `createDecryptStream`'(folder) {
    const { from, plain: due } = await sealedFile(folder, 3_000_000, {});
    const [sealed, opened] = [join(folder, 'piped'), join(folder, 'opened')];
    const sealing = createEncryptStream({ key });
    await pipeline(createReadStream(from), sealing, createWriteStream(sealed));
    await pipeline(createReadStream(sealed), createDecryptStream({ key }), createWriteStream(opened));
    assert.deepEqual(await readFile(opened), due);
    assert.equal((await sealing.report).plaintextSize, due.length);
  },

  async 'Node streams that fail or are destroyed'() {
    const sealed = await encrypt(plain, options);
    const cut = pipeline(
      Readable.from([sealed.subarray(0, 500_000)]),
      createDecryptStream({ key }),
      async (opened) => void (await buffer(opened)),
    );
    await assert.rejects(cut, (error) => error instanceof SealError && error.failure.kind === 'Truncated');
    const signal = AbortSignal.timeout(20);
    const endless = (function* () {
      for (;;) yield plain;
    })();
    const sink = new Writable({ write: (_chunk, _encoding, done) => setImmediate(done) });
    await assert.rejects(pipeline(Readable.from(endless), createEncryptStream({ key, signal }), sink), {
      name: 'AbortError',
    });
  },

  async '`EncryptionStream`, `DecryptionStream`'() {
    const source = new Blob([plain]).stream();
    const sealing = new EncryptionStream(options);
    const opened = throughAll(source, [sealing, new DecryptionStream({ key })]);
    assert.deepEqual(Buffer.from(await new Response(opened).arrayBuffer()), plain);
  },

  async '`pipeThrough` with `fetch` bodies and `CompressionStream`'() {
    const body = new Response(plain).body;
    const sealed = throughAll(body, [new CompressionStream('gzip'), new EncryptionStream({ key })]);
    const opened = throughAll(sealed, [new DecryptionStream({ key }), new DecompressionStream('gzip')]);
    assert.deepEqual(Buffer.from(await new Response(opened).arrayBuffer()), plain);
  },

  async '`encryptChunks`, `decryptChunks`'() {
    const chunks = async function* () {
      for (let at = 0; at < plain.length; at += 77_777) yield plain.subarray(at, at + 77_777);
    };
    const parts = [];
    for await (const part of decryptChunks(encryptChunks(chunks(), options), { key })) parts.push(part);
    assert.deepEqual(Buffer.concat(parts), plain);
    const left = encryptChunks(chunks(), options);
    await left.next();
    await left.return();
  },

  async 'what streams encrypt, `decrypt` decrypts, and the other way round'() {
    const sealed = await buffer(encryptChunks([plain], options));
    assert.deepEqual(await decrypt(sealed, { key }), plain);
    assert.deepEqual(await buffer(decryptChunks([await encrypt(plain, options)], { key })), plain);
  },

  'streams that are made and not used, or left half-way, keep no process alive'() {
    createEncryptStream(options);
    createDecryptStream({ key });
    createEncryptStream(options).write(plain);
    void new EncryptionStream(options).writable.getWriter().write(plain);
    void encryptChunks([plain], options).next();
  },
};

/**
 * A chain of `pipeThrough`. Its types differ between runtimes.
 *
 * @param {any} stream
 * @param {readonly any[]} steps
 * @returns {ReadableStream<Uint8Array<ArrayBuffer>>}
 */
function throughAll(stream, steps) {
  return steps.reduce((before, step) => before.pipeThrough(step), stream);
}
