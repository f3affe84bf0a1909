// @ts-check
// A worker that gives the memory of running operations away until it is terminated.

import { parentPort } from 'node:worker_threads';

import { decrypt, encrypt, encryptSync, openReader, SecretKey, verify } from 'sealstream';

const key = SecretKey.generate();
const sealed = encryptSync(Buffer.alloc(6 * 2 ** 20, 7), { key });

/** @param {(bytes: Uint8Array) => Promise<unknown>} operation @param {number} turns Of the event loop, before the memory is gone. */
async function again(operation, turns) {
  for (;;) {
    const bytes = new Uint8Array(sealed);
    const ended = operation(bytes).catch(() => undefined);
    for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
    if (turns > 0) structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    await ended;
  }
}

for (const turns of [0, 1, 4]) {
  void again((bytes) => encrypt(bytes, { key }), turns);
  void again((bytes) => decrypt(bytes, { key }), turns);
  void again((bytes) => verify(bytes, { key }), turns);
  void again(async (bytes) => {
    const reader = await openReader(bytes, { key });
    try {
      await reader.read(0, 1000);
    } finally {
      await reader.close();
    }
  }, turns);
}
parentPort?.postMessage('started');
