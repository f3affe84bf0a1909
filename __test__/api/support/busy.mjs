// @ts-check
// Starts operations of every kind, tells its parent, and goes on until it is stopped. Run as a worker it is terminated;
// run as a process it exits by itself, in the middle of things.

import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

import {
  createDecryptStream,
  createEncryptStream,
  decrypt,
  DecryptionStream,
  encrypt,
  encryptFile,
  EncryptionStream,
  encryptSync,
  generateKey,
  open,
} from 'sealstream';

/** @type {{ directory: string, exitAfterMs?: number }} */
const { directory, exitAfterMs } = isMainThread ? JSON.parse(process.argv[2] ?? '') : workerData;

const key = generateKey();
const large = Buffer.alloc(24 * 1024 * 1024);
const some = large.subarray(0, 3 * 1024 * 1024);
const onProgress = () => undefined;
/** @param {Uint8Array} chunk */
const drop = (chunk) => void chunk;

/** @param {() => Promise<unknown>} operation */
async function again(operation) {
  for (;;) await operation();
}

const small = encryptSync(Buffer.from('text'), { key });
void again(() => encrypt(large, { key, onProgress }));
void again(() => encrypt(large, { key, threads: 1 }));
void again(() => decrypt(small, { key }));
void again(() => encrypt(Buffer.alloc(1000), { key, signal: new AbortController().signal }));
void again(() =>
  pipeline([some], createEncryptStream({ key }), createDecryptStream({ key }), async (opened) => {
    for await (const chunk of opened) drop(chunk);
  }),
);
void again(async () => {
  const sealed = new Blob([some]).stream().pipeThrough(new EncryptionStream({ key }));
  for await (const chunk of sealed.pipeThrough(new DecryptionStream({ key }))) drop(chunk);
});
void again(() =>
  encryptFile(join(directory, 'from'), join(directory, 'to'), {
    key,
    threads: 1,
    overwrite: true,
    onProgress,
  }),
);
void again(() =>
  encryptFile(join(directory, 'from'), join(directory, 'to 2'), { key, overwrite: true, flush: false }),
);

const sealed = encryptSync(Buffer.alloc(300_000), { key, frameSize: 1024, segmentSize: 4096 });
/** @param {Parameters<typeof open>[0]} source */
async function readAgain(source) {
  const reader = await open(source, { key, cacheSize: 0 });
  await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      again(() => reader.read((Math.random() * 250_000) | 0, 1 + index * 900)),
    ),
  );
}
void readAgain(sealed);
void readAgain(new Blob([sealed]));

parentPort?.postMessage('started');
if (exitAfterMs !== undefined) {
  const until = performance.now() + exitAfterMs;
  // Exits in a callback, or with the event loop blocked: the operations are at another point each time.
  if (exitAfterMs % 2 > 1) while (performance.now() < until);
  setTimeout(() => process.exit(7), Math.max(0, until - performance.now()));
}
