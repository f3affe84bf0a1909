// @ts-check
// Starts operations of every kind, tells its parent, and goes on until it is stopped. Run as a worker it is terminated;
// run as a process it exits by itself, in the middle of things.

import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

import {
  createDecryptStream,
  createEncryptStream,
  decrypt,
  decryptChunks,
  DecryptionStream,
  encrypt,
  encryptChunks,
  encryptFile,
  EncryptionStream,
  encryptSync,
  openReader,
  SecretKey,
} from 'sealstream';

/** @type {{ directory: string, kind: 'operations' | 'streams' | 'readers', exitAfterMs?: number }} */
const { directory, kind, exitAfterMs } = isMainThread ? JSON.parse(process.argv[2] ?? '') : workerData;

const key = SecretKey.generate();
const large = Buffer.alloc(24 * 1024 * 1024);
const onProgress = () => undefined;

/** @param {() => Promise<unknown>} operation */
async function again(operation) {
  for (;;) await operation();
}

function operations() {
  const small = encryptSync(Buffer.from('text'), { key });
  void again(() => encrypt(large, { key, onProgress }));
  void again(() => encrypt(large, { key, threads: 1 }));
  void again(() => decrypt(small, { key }));
  void again(() => encrypt(Buffer.alloc(1000), { key, signal: new AbortController().signal }));
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
}

/** Streams that are fed, idle, stuck, destroyed and forgotten. */
function streams() {
  const from = join(directory, 'from');
  const sink = () => new Writable({ write: (_chunk, _encoding, done) => setImmediate(done) });
  void again(() =>
    pipeline(createReadStream(from), createEncryptStream({ key }), createDecryptStream({ key }), sink()),
  );
  void again(async () => {
    const web = new EncryptionStream({ key, segmentSize: 65_536, frameSize: 4096 });
    const opened = new Blob([large]).stream().pipeThrough(web).pipeThrough(new DecryptionStream({ key }));
    for await (const chunk of opened) chunk.fill(0);
  });
  void again(async () => {
    const chunks = decryptChunks(encryptChunks([large], { key }), { key });
    for await (const chunk of chunks) if (chunk.length < 65_536) break;
  });
  void again(async () => {
    const stuck = createEncryptStream({ key, concurrency: 1 });
    stuck.write(large);
    await sleep(1);
    stuck.destroy();
  });
  void again(async () => {
    createEncryptStream({ key }).write(large.subarray(0, 100_000));
    createDecryptStream({ key });
    await sleep(1);
  });
}

/** Readers of every source that are read, idle, stopped, closed and forgotten. */
function readers() {
  const sealed = encryptSync(large, { key, segmentSize: 1 << 20 });
  const slow = {
    size: sealed.length,
    read: async (/** @type {number} */ offset, /** @type {number} */ length) => {
      await sleep(length % 3);
      return sealed.subarray(offset, offset + length);
    },
  };
  for (const source of [sealed, new Blob([sealed]), slow]) {
    void again(async () => {
      const reader = await openReader(source, { key, cacheSize: 1 << 20 });
      const reads = Array.from({ length: 16 }, (_, index) => reader.read(index * 1_000_000, 1_000_000));
      await reads[0];
      const signal = AbortSignal.timeout(1);
      await reader.read(0, large.length, { signal }).catch(() => undefined);
      if (Math.random() < 0.5) await Promise.allSettled([...reads, reader.close()]);
    });
  }
  const small = encryptSync(Buffer.alloc(300_000), { key, frameSize: 1024, segmentSize: 4096 });
  for (const source of [small, new Blob([small])]) {
    void again(async () => {
      const reader = await openReader(source, { key, cacheSize: 0 });
      const lane = (/** @type {number} */ index) =>
        again(() => reader.read((Math.random() * 250_000) | 0, 1 + index * 900));
      await Promise.all(Array.from({ length: 8 }, (_, index) => lane(index)));
    });
  }
  void again(async () => {
    const reader = await openReader(slow, { key });
    for await (const chunk of reader.createReadStream({ start: 1000 })) chunk.fill(0);
    for await (const segment of reader.segments()) if (segment.segment > 3) break;
    void reader.stream().getReader().read();
  });
}

({ operations, streams, readers })[kind]();

parentPort?.postMessage('started');
if (exitAfterMs !== undefined) {
  const until = performance.now() + exitAfterMs;
  // Exits in a callback, or with the event loop blocked: the operations are at another point each time.
  if (exitAfterMs % 2 > 1) while (performance.now() < until);
  setTimeout(() => process.exit(7), Math.max(0, until - performance.now()));
}
