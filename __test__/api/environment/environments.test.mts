import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

import test, { type ExecutionContext } from 'ava';
import { decrypt, encrypt, SecretKey } from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { temporaryDirectory } from '../support/files.mjs';
import { node } from '../support/process.mjs';

const PROGRAM = join(import.meta.dirname, 'programs', 'unfinished-operations.mjs');

/** A directory with a sparse file that takes a while. */
function workDirectory(t: ExecutionContext): string {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'from'), '');
  truncateSync(join(directory, 'from'), 64 * 1024 * 1024);
  return directory;
}

/** Finished output may be there; unfinished output must not. */
function leftovers(directory: string): string[] {
  return readdirSync(directory).filter((name) => !['from', 'to', 'to 2'].includes(name));
}

for (const [kind, rounds] of [
  ['operations', 25],
  ['streams', 8],
  ['readers', 8],
] as const) {
  test.serial(`a worker is terminated in the middle of ${kind}, soon and without a trace`, async (t) => {
    const directory = workDirectory(t);
    for (let round = 0; round < rounds; round += 1) {
      const worker = new Worker(PROGRAM, { workerData: { directory, kind } });
      await once(worker, 'message');
      await sleep((round * 25) / rounds);
      const began = performance.now();
      t.is(await worker.terminate(), 1);
      t.true(performance.now() - began < 5000, `${performance.now() - began} ms`);
      t.deepEqual(leftovers(directory), []);
    }
    const key = SecretKey.generate();
    t.true((await decrypt(await encrypt(pattern(5_000_000), { key }), { key })).equals(pattern(5_000_000)));
  });

  test.serial(
    `a process exits in the middle of ${kind}, with its own code and without a trace`,
    async (t) => {
      const directory = workDirectory(t);
      for (let round = 0; round < rounds; round += 1) {
        const exitAfterMs = (round * 42.5) / rounds;
        const error = await t.throwsAsync(
          promisify(execFile)(process.execPath, [PROGRAM, JSON.stringify({ directory, kind, exitAfterMs })], {
            timeout: 30_000,
          }),
        );
        t.like(error, { code: 7, signal: null, stderr: '' }, `after ${exitAfterMs} ms`);
        t.deepEqual(leftovers(directory), []);
      }
    },
  );
}

test.serial('many workers are terminated at once, with streams in all of them', async (t) => {
  const directory = workDirectory(t);
  const workers = Array.from(
    { length: 8 },
    () => new Worker(PROGRAM, { workerData: { directory, kind: 'streams' } }),
  );
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  await sleep(100);
  const codes = await Promise.all(workers.map((worker) => worker.terminate()));
  t.deepEqual(new Set(codes), new Set([1]));
});

test.serial('a program continues after the only worker that used the package has ended', async (t) => {
  const result = await node(
    [],
    `import { Worker } from 'node:worker_threads';
     const work = \`import { encrypt, SecretKey } from 'sealstream';
       import { parentPort } from 'node:worker_threads';
       encrypt(Buffer.alloc(8 << 20), { key: SecretKey.generate() }).then(() => parentPort.postMessage('done'));
       setInterval(() => {}, 1000);\`;
     for (let round = 0; round < 3; round += 1) {
       const worker = new Worker(work, { eval: true });
       await new Promise((resolve) => worker.once('message', resolve));
       await worker.terminate();
       await new Promise((resolve) => setTimeout(resolve, 100));
     }
     // Longer than the idle threads live.
     await new Promise((resolve) => setTimeout(resolve, 6000));`,
  );
  t.deepEqual(result, { code: 0, stdout: '', stderr: '' });
});

test.serial('nothing keeps an idle process alive', async (t) => {
  const began = performance.now();
  const result = await node(
    [],
    `import { encrypt, encryptSync, SecretKey } from 'sealstream';
     const key = SecretKey.generate();
     await encrypt(Buffer.alloc(8 << 20), { key, onProgress() {}, signal: new AbortController().signal });
     await Promise.allSettled([encrypt(Buffer.alloc(100), { key, signal: AbortSignal.abort() })]);
     encryptSync(Buffer.alloc(100), { key });`,
  );
  t.deepEqual(result, { code: 0, stdout: '', stderr: '' });
  t.true(performance.now() - began < 4000, 'it waited for idle threads');
});

test.serial('a running operation keeps the process alive until it ends', async (t) => {
  const result = await node(
    [],
    `import { encrypt, SecretKey } from 'sealstream';
     encrypt(Buffer.alloc(64 << 20), { key: SecretKey.generate() }).then((stream) => console.log(stream.length > 64 << 20));`,
  );
  t.deepEqual(result, { code: 0, stdout: 'true\n', stderr: '' });
});

test.serial('10,000 small operations at once come back and leave no memory behind', async (t) => {
  const { code, stdout, stderr } = await node(
    ['--expose-gc'],
    `import { decrypt, encrypt, SecretKey } from 'sealstream';
     const key = SecretKey.generate();
     const bytes = Buffer.alloc(1024, 7);
     async function all(count) {
       const streams = await Promise.all(Array.from({ length: count }, () => encrypt(bytes, { key })));
       const opened = await Promise.all(streams.map((stream) => decrypt(stream, { key })));
       if (!opened.every((plain) => plain.equals(bytes))) throw new Error('another plaintext');
     }
     async function rss() {
       for (let round = 0; round < 5; round += 1) {
         gc();
         await new Promise((resolve) => setTimeout(resolve, 20));
       }
       return process.memoryUsage.rss();
     }
     // The allocator needs some rounds to have what it keeps.
     for (let round = 0; round < 3; round += 1) await all(10_000);
     const before = await rss();
     for (let round = 0; round < 3; round += 1) await all(10_000);
     console.log(((await rss()) - before) / 2 ** 20);`,
  );
  t.is(stderr, '');
  t.is(code, 0);
  t.true(Number(stdout) < 40, `it grew by ${stdout.trim()} MiB`);
});

test.serial('small operations do not wait for large ones', async (t) => {
  const key = SecretKey.generate();
  const controller = new AbortController();
  const { signal } = controller;
  const large = Buffer.alloc(128 * 1024 * 1024);
  const running = Array.from({ length: 8 }, () =>
    encrypt(large, { key, threads: 1, signal }).catch(() => undefined),
  );
  const began = performance.now();
  for (let round = 0; round < 20; round += 1) await encrypt(pattern(1000), { key });
  const small = performance.now() - began;
  controller.abort();
  await Promise.all(running);
  t.true(small < 2000, `${small} ms`);
});

(process.platform === 'linux' ? test.serial : test.serial.skip)(
  'operations with many threads share the machine, and idle threads end',
  async (t) => {
    const { code, stdout, stderr } = await node(
      [],
      `import { readdirSync } from 'node:fs';
       import { decrypt, encrypt, SecretKey } from 'sealstream';
       const key = SecretKey.generate();
       const bytes = Buffer.alloc(3 << 20, 7);
       const count = () => readdirSync('/proc/self/task').length;
       const before = count();
       let most = 0;
       const watch = setInterval(() => { most = Math.max(most, count()); }, 1);
       const controller = new AbortController();
       const running = Array.from({ length: 60 }, async (_, index) => {
         const stream = await encrypt(bytes, { key, threads: [undefined, 1, 100, 2, 7][index % 5] });
         if (!(await decrypt(stream, { key, threads: [undefined, 3, 100][index % 3] })).equals(bytes)) throw new Error();
       });
       const stopped = Array.from({ length: 5 }, () =>
         encrypt(bytes, { key, threads: 1024, signal: controller.signal }).then(() => 1, () => 0));
       controller.abort();
       await Promise.all([...running, ...stopped]);
       clearInterval(watch);
       await new Promise((resolve) => setTimeout(resolve, 6500));
       console.log(JSON.stringify([most - before, count() - before]));`,
    );
    t.is(stderr, '');
    t.is(code, 0);
    const [most, idle] = JSON.parse(stdout) as [number, number];
    const parallel = availableParallelism();
    // The pool of 100 alone, or what 4 per core make; both lanes; and pools that are ending or waiting.
    t.true(most <= 100 + Math.max(200, 4 * parallel) + 4 * parallel + 2 * Math.max(4, parallel), `${most}`);
    t.is(idle, 0);
  },
);
