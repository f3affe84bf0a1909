// @ts-check
// The package with the runtime's modules, threads, processes and resources.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

import { decryptSync, encrypt, encryptChunks, encryptSync, openReader, SecretKey } from 'sealstream';

import { pattern, sealedFile } from './operations.mjs';

const key = SecretKey.generate();
const require = createRequire(import.meta.url);

/** @type {Record<string, import('./operations.mjs').Capability>} */
export const surroundings = {
  '`require`'() {
    const again = require('sealstream');
    assert.equal(again.encryptSync, encryptSync);
  },

  async '`diagnostics_channel`'() {
    /** @type {unknown[]} */
    const phases = [];
    for (const phase of ['start', 'end', 'asyncStart', 'asyncEnd', 'error']) {
      subscribe(`tracing:sealstream:operation:${phase}`, () => phases.push(phase));
    }
    await encrypt(pattern(10), { key });
    assert.deepEqual(phases, ['start', 'end', 'asyncStart', 'asyncEnd']);
  },

  async 'worker threads, each with operations of its own'() {
    const workers = Array.from({ length: 3 }, () => new Worker(new URL('./worker.mjs', import.meta.url)));
    const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
    for (const [answer] of answers) {
      const { sealed, plain, bytes } = answer;
      assert.deepEqual(Buffer.from(decryptSync(sealed, { key: bytes })), Buffer.from(plain));
    }
    await Promise.all(workers.map((worker) => worker.terminate()));
  },

  async 'a worker terminated in the middle of operations'() {
    for (let round = 0; round < 5; round += 1) {
      const worker = new Worker(new URL('./worker.mjs', import.meta.url));
      await once(worker, 'message');
      await new Promise((resolve) => setTimeout(resolve, round * 3));
      await worker.terminate();
    }
    assert.equal((await encrypt(pattern(10), { key })).length > 10, true);
  },

  async '`process.exit()` in the middle of operations'() {
    const large = Buffer.alloc(32 * 2 ** 20);
    const reader = await openReader(new Blob([await encrypt(large, { key })]), { key });
    void reader.read(0, large.length);
    for (let count = 0; count < 4; count += 1) void encrypt(large, { key });
    for (const chunks of [encryptChunks([large], { key }), encryptChunks([large], { key })])
      void chunks.next();
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.stdout.write('ok\n', () => process.exit(0));
    await new Promise(() => {});
  },

  async '`using`'() {
    // Compiled here, because a runtime without this syntax could not load this file.
    const program = new AsyncFunction('make', 'using key = make(); return key;');
    const disposed = await program(() => SecretKey.generate());
    assert.throws(() => encryptSync(pattern(1), { key: disposed }), /dispose/);
  },

  async 'the `sealstream` command'(folder) {
    const { sealed, plain } = await sealedFile(folder, 100_000, {});
    const own = join(folder, 'own.key');
    const main = join(dirname(require.resolve('sealstream/package.json')), 'dist', 'cli', 'main.js');
    const [program = '', ...flags] = JSON.parse(process.env['SEALSTREAM_MATRIX_RUN'] ?? '[]');
    const command = (/** @type {string[]} */ ...args) =>
      promisify(execFile)(program, [...flags, main, ...args]);
    await command('keygen', '-o', own);
    await command('encrypt', '-k', own, join(folder, 'plain'), '-o', join(folder, 'again'));
    await command('decrypt', '-k', own, join(folder, 'again'), '-o', join(folder, 'opened'));
    assert.deepEqual(await readFile(join(folder, 'opened')), plain);
    const { stdout } = await command('verify', '--json', sealed);
    assert.equal(JSON.parse(stdout.split('\n')[0] ?? '').report.sound, true);
  },
};

const AsyncFunction = /** @type {FunctionConstructor} */ ((async () => {}).constructor);
