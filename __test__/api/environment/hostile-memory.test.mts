// Attacks on the memory of arguments, from scripts/matrix: each runs in a process of its own, because the failure to look for is a crash.

import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import test from 'ava';

import { temporaryDirectory } from '../support/files.mjs';
import { node } from '../support/process.mjs';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'scripts', 'matrix', 'smoke', 'main.mjs');
const names = JSON.parse(execFileSync(process.execPath, [MAIN], { encoding: 'utf8' })) as string[];
const attacks = names.filter((name) => name.startsWith('hostile memory: '));

test('every function that takes bytes is attacked', (t) => {
  t.is(attacks.length, 13);
});

for (const name of attacks) {
  test.serial(name, async (t) => {
    t.timeout(120_000);
    // It fails with what the program printed, or with the signal that ended it.
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, name, temporaryDirectory(t)]);
    t.is(stdout, 'ok\n');
  });
}

test.serial(
  'operations that wait for a blocked JavaScript thread leave their places to those of a worker',
  async (t) => {
    const { code, stdout, stderr } = await node(
      [],
      `
    import { Worker } from 'node:worker_threads';
    import { encrypt, SecretKey } from 'sealstream';
    const key = SecretKey.generate();
    const done = new Int32Array(new SharedArrayBuffer(4));
    const program = \`
      import { parentPort, workerData } from 'node:worker_threads';
      import { encrypt, SecretKey } from 'sealstream';
      parentPort.once('message', async () => {
        await encrypt(new Uint8Array(8 * 2 ** 20), { key: SecretKey.generate() });
        Atomics.store(workerData, 0, 1);
        Atomics.notify(workerData, 0);
        parentPort.close();
      });
      parentPort.postMessage('ready');
    \`;
    const worker = new Worker(program, { eval: true, workerData: done, execArgv: ['--input-type=module'] });
    await new Promise((resolve) => worker.once('message', resolve));
    // More than there are places for large operations. Each needs this thread to read its input.
    const operations = Array.from({ length: 12 }, () => encrypt(new Uint8Array(8 * 2 ** 20), { key, threads: 1 }));
    worker.postMessage('go');
    console.log(Atomics.wait(done, 0, 0, 50_000) !== 'timed-out');
    await Promise.all(operations);
    `,
    );
    t.is(code, 0, stderr);
    t.is(stdout, 'true\n');
  },
);
