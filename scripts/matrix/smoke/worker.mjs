// @ts-check
// A worker that seals bytes and posts them, then runs operations, streams and reads until it is terminated.

import { parentPort } from 'node:worker_threads';

import { decryptChunks, encrypt, encryptChunks, encryptSync, openReader, SecretKey } from 'sealstream';

const key = SecretKey.generate();
const plain = Buffer.alloc(8 * 2 ** 20, 7);
const sealed = encryptSync(plain, { key });

/** @param {() => Promise<unknown>} work */
async function again(work) {
  for (;;) await work();
}

const reader = await openReader(new Blob([sealed]), { key });
void again(() => encrypt(plain, { key }));
void again(() => reader.read(0, plain.length));
void again(async () => {
  for await (const part of decryptChunks(encryptChunks([plain], { key }), { key })) part.fill(0);
});
const small = plain.subarray(0, 1000);
parentPort?.postMessage({ sealed: encryptSync(small, { key }), plain: small, bytes: key.exportBytes() });
